#include "common/model/plan.h"

#include <algorithm>
#include <numeric>

#include "common/core/rng.h"

namespace rondo {
namespace {

Status CheckRows(const ClientData& data, std::span<const ItemRow> rows, std::int64_t items) {
  const bool known = std::all_of(
      rows.begin(), rows.end(), [items](ItemRow row) { return row >= 1 && row <= items; });
  return known ? Ok()
               : Fail(ErrorCode::kInvalidArgument,
                      "client '" + data.id + "' has a training row outside 1.."
                          + std::to_string(items) + ": map its items to the catalogue first");
}

/// The sequence's share of the negatives that the client brings, K a target.
Status TakeNegatives(const ClientData& data,
                     std::size_t index,
                     std::size_t all_targets,
                     int negatives,
                     PlannedSequence& sequence) {
  const auto each = static_cast<std::size_t>(negatives);
  if (index >= data.negatives.size() || data.negatives[index].size() != all_targets * each) {
    return Fail(ErrorCode::kInvalidArgument,
                "client '" + data.id + "' must bring " + std::to_string(all_targets * each)
                    + " negatives for sequence " + std::to_string(index));
  }
  sequence.negatives = data.negatives[index].last(sequence.targets.size() * each);
  return Ok();
}

/// Distinct items of the feedback that the sequence itself does not hold.
std::vector<ItemRow> UsableFeedback(std::span<const ItemRow> feedback,
                                    std::span<const ItemRow> rows) {
  std::vector<ItemRow> usable(feedback.begin(), feedback.end());
  std::sort(usable.begin(), usable.end());
  usable.erase(std::unique(usable.begin(), usable.end()), usable.end());
  std::erase_if(usable, [rows](ItemRow row) {
    return std::find(rows.begin(), rows.end(), row) != rows.end();
  });
  return usable;
}

Status CollectSequences(const ClientData& data,
                        const ModelConfig& model,
                        const TrainTask& task,
                        std::int64_t items,
                        ClientPlan& plan) {
  const int negatives = NegativesOf(task.client);
  if (!model.causal && !data.negatives.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "client '" + data.id
                    + "' brings negatives, but without a causal mask its targets are drawn anew "
                      "each round");
  }
  Rng rng({task.data_seed, task.round, plan.hash, Purpose::kTargets});
  for (std::size_t i = 0; i < data.sequences.size(); ++i) {
    const std::span<const ItemRow> rows = data.sequences[i];
    const auto roles = i < data.roles.size() ? data.roles[i] : std::span<const EventRole>();
    RONDO_TRY_STATUS(CheckRows(data, rows, items));
    if (!roles.empty() && roles.size() != rows.size()) {
      return Fail(
          ErrorCode::kInvalidArgument,
          "client '" + data.id + "' must bring one role a row of sequence " + std::to_string(i));
    }
    PlannedSequence sequence = model.causal ? CutSequence(rows, roles, model.history)
                                            : CutSet(rows, roles, model.history, rng);
    if (sequence.targets.empty()) {
      continue;
    }
    if (negatives > 0 && !data.negatives.empty()) {
      const std::size_t all = CutSequence(rows, roles, std::ssize(rows)).targets.size();
      RONDO_TRY_STATUS(TakeNegatives(data, i, all, negatives, sequence));
    }
    if (negatives > 0 && i < data.feedback.size()) {
      RONDO_TRY_STATUS(CheckRows(data, data.feedback[i], items));
      sequence.feedback = UsableFeedback(data.feedback[i], rows);
    }
    plan.positions += sequence.targets.size();
    plan.longest = std::max({plan.longest, sequence.length(), sequence.positions()});
    plan.sequences.push_back(std::move(sequence));
  }
  if (plan.sequences.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "client '" + data.id + "' has no training row to predict from an earlier one");
  }
  return Ok();
}

void PlanSteps(const TrainTask& task, ClientPlan& plan) {
  const std::size_t count = plan.sequences.size();
  const std::size_t width = static_cast<std::size_t>(std::max(1, task.client.batch_size));
  const std::size_t steps = task.client.steps > 0 ? static_cast<std::size_t>(task.client.steps)
                                                  : static_cast<std::size_t>(task.client.epochs)
                                                        * ((count + width - 1) / width);
  Rng rng({task.data_seed, task.round, plan.hash, Purpose::kBatchOrder});
  std::vector<std::uint32_t> order(count);
  std::size_t next = count;
  while (plan.steps.size() < steps) {
    if (next == count) {
      std::iota(order.begin(), order.end(), 0U);
      if (task.client.shuffle) {
        rng.Shuffle(std::span<std::uint32_t>(order));
      }
      next = 0;
    }
    const std::size_t end = std::min(count, next + width);
    plan.steps.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(next),
                            order.begin() + static_cast<std::ptrdiff_t>(end));
    next = end;
    plan.widest_step =
        std::max(plan.widest_step, static_cast<std::int64_t>(plan.steps.back().size()));
  }
}

/// The k-th row, k from 1, that the sorted `own` does not hold.
ItemRow FreeRow(std::span<const ItemRow> own, ItemRow k) {
  // k plus the number of own rows at or below it.
  std::size_t low = 0;
  std::size_t high = own.size();
  while (low < high) {  // own[j] - j counts free rows below own[j], plus one.
    const std::size_t middle = (low + high) / 2;
    if (own[middle] - static_cast<ItemRow>(middle) <= k) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return k + static_cast<ItemRow>(low);
}

/// Notes the rows that are no negatives of the client.
Status KeepOwnRows(const ClientData& data, std::int64_t items, ClientPlan& plan) {
  for (const std::span<const ItemRow> rows : data.sequences) {
    plan.own.insert(plan.own.end(), rows.begin(), rows.end());
  }
  std::sort(plan.own.begin(), plan.own.end());
  plan.own.erase(std::unique(plan.own.begin(), plan.own.end()), plan.own.end());
  if (std::ssize(plan.own) == items) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "client '" + data.id
            + "' has trained on every item, so no negative is left: use loss = \"softmax\"");
  }
  return Ok();
}

std::int64_t MostRows(const ClientPlan& plan, int negatives, std::int64_t items) {
  std::int64_t rows = 1;
  for (const PlannedSequence& sequence : plan.sequences) {
    rows += sequence.length() + sequence.positions();
  }
  for (const auto& step : plan.steps) {
    for (const std::uint32_t index : step) {
      rows += plan.sequences[index].positions() * negatives;
    }
  }
  return std::min(rows, items + 1);
}

}  // namespace

PlannedSequence CutSequence(std::span<const ItemRow> rows,
                            std::span<const EventRole> roles,
                            std::int64_t history) {
  PlannedSequence cut;
  std::size_t used = 0;  // inputs before the last target
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const EventRole role = roles.empty() ? EventRole::kBoth : roles[i];
    if (IsTarget(role) && !cut.inputs.empty()) {
      cut.targets.push_back(rows[i]);
      cut.places.push_back(static_cast<std::uint32_t>(cut.inputs.size()) - 1);
      used = cut.inputs.size();
    }
    if (IsInput(role)) {
      cut.inputs.push_back(rows[i]);
    }
  }
  const std::size_t skip = used - std::min(used, static_cast<std::size_t>(history));
  const auto early = std::lower_bound(cut.places.begin(), cut.places.end(), skip);
  cut.targets.erase(cut.targets.begin(), cut.targets.begin() + (early - cut.places.begin()));
  cut.places.erase(cut.places.begin(), early);
  for (std::uint32_t& place : cut.places) {
    place -= static_cast<std::uint32_t>(skip);
  }
  cut.inputs.resize(used);
  cut.inputs.erase(cut.inputs.begin(), cut.inputs.begin() + static_cast<std::ptrdiff_t>(skip));
  return cut;
}

PlannedSequence CutSet(std::span<const ItemRow> rows,
                       std::span<const EventRole> roles,
                       std::int64_t history,
                       Rng& rng) {
  std::vector<std::uint32_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0U);
  rng.Shuffle(std::span<std::uint32_t>(order));
  const auto role = [roles](std::uint32_t i) {
    return roles.empty() ? EventRole::kBoth : roles[i];
  };
  // An input stands first and a target last, wherever the cut falls.
  const auto input =
      std::find_if(order.begin(), order.end(), [&](std::uint32_t i) { return IsInput(role(i)); });
  if (input == order.end()) {
    return {};
  }
  std::iter_swap(order.begin(), input);
  const auto target = std::find_if(order.begin() + 1, order.end(), [&](std::uint32_t i) {
    return IsTarget(role(i)) && rows[i] != rows[order[0]];
  });
  if (target == order.end()) {
    return {};
  }
  std::iter_swap(order.end() - 1, target);

  PlannedSequence cut;
  const std::size_t known = 1 + rng.Below(rows.size() - 1);
  for (std::size_t i = 0; i < known && cut.length() < history; ++i) {
    if (IsInput(role(order[i])) && rows[order[i]] != rows[order.back()]) {
      cut.inputs.push_back(rows[order[i]]);
    }
  }
  for (std::size_t i = known; i < order.size(); ++i) {
    const ItemRow row = rows[order[i]];
    const bool seen = std::find(cut.inputs.begin(), cut.inputs.end(), row) != cut.inputs.end();
    if (IsTarget(role(order[i])) && !seen) {
      cut.targets.push_back(row);
    }
  }
  cut.places.assign(cut.targets.size(), static_cast<std::uint32_t>(cut.inputs.size()) - 1);
  return cut;
}

int NegativesOf(const ClientConfig& config) {
  return config.loss == "softmax" ? 0 : config.negatives;
}

std::int64_t StepsAnEpoch(const ClientPlan& plan, const ClientConfig& config) {
  const auto width = static_cast<std::size_t>(std::max(1, config.batch_size));
  return static_cast<std::int64_t>((plan.sequences.size() + width - 1) / width);
}

bool CorrectsGradients(const TrainTask& task) {
  return task.control_variates || task.dynamic_alpha > 0.0;
}

bool UsesCompactTable(const TrainTask& task) {
  return NegativesOf(task.client) > 0 && task.client.weight_decay == 0.0
         && !CorrectsGradients(task);
}

bool SharesWeights(std::span<const ClientPlan> plans,
                   const TrainTask& task,
                   UpdateVisibility visibility) {
  const ClientConfig& client = task.client;
  return visibility == UpdateVisibility::kSumOnly && client.optimizer == "sgd"
         && task.clip_norm == 0.0 && client.gradient_clip == 0.0 && client.weight_decay == 0.0
         && !CorrectsGradients(task)
         && std::all_of(plans.begin(), plans.end(), [](const ClientPlan& plan) {
              return plan.steps.size() == 1 && plan.steps[0].size() == plan.sequences.size();
            });
}

Result<ClientPlan> PlanClient(const ClientData& data,
                              std::size_t index,
                              const ModelConfig& model,
                              const TrainTask& task,
                              std::int64_t items) {
  ClientPlan plan{.client = index, .id = data.id, .hash = HashId(data.id)};
  RONDO_TRY_STATUS(CollectSequences(data, model, task, items, plan));
  PlanSteps(task, plan);
  if (NegativesOf(task.client) > 0 && data.negatives.empty()) {
    RONDO_TRY_STATUS(KeepOwnRows(data, items, plan));
  }
  plan.most_rows =
      UsesCompactTable(task) ? MostRows(plan, NegativesOf(task.client), items) : items + 1;
  plan.weight = ClientWeight(task.weighting, plan.positions);
  return plan;
}

std::vector<ItemRow> DrawNegatives(const ClientPlan& plan,
                                   const TrainTask& task,
                                   std::int64_t items) {
  std::vector<ItemRow> drawn;
  if (plan.own.empty()) {
    return drawn;
  }
  const std::uint64_t free = static_cast<std::uint64_t>(items) - plan.own.size();
  Rng rng({task.data_seed, task.round, plan.hash, Purpose::kNegatives});
  for (const auto& step : plan.steps) {
    for (const std::uint32_t index : step) {
      const PlannedSequence& sequence = plan.sequences[index];
      const std::vector<ItemRow>& feedback = sequence.feedback;
      const std::int64_t count = sequence.positions() * NegativesOf(task.client);
      for (std::int64_t i = 0; i < count; ++i) {
        if (!feedback.empty() && rng.Uniform() < task.client.feedback_share) {
          drawn.push_back(feedback[rng.Below(feedback.size())]);
        } else {
          drawn.push_back(FreeRow(plan.own, static_cast<ItemRow>(rng.Below(free)) + 1));
        }
      }
    }
  }
  return drawn;
}

}  // namespace rondo
