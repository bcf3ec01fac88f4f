#include "common/model/cohort_sum.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "common/core/rng.h"
#include "common/federated/steps_block.h"
#include "common/federated/unclipped_block.h"
#include "common/federated/vector_math.h"

namespace rondo {
namespace {

/// The parts of an update that leave the client, and those that stay with it.
struct SplitUpdate {
  std::vector<UpdateSegment> sent;
  std::vector<UpdateSegment> kept;
};

SplitUpdate SplitByGroup(std::span<const UpdateSegment> update, const ParameterLayout& layout) {
  SplitUpdate split;
  auto entry = layout.entries().begin();
  for (const UpdateSegment& segment : update) {  // in the order of the layout
    while (segment.offset >= entry->offset + entry->size) {
      ++entry;
    }
    (entry->group == ParameterGroup::kPersonal ? split.kept : split.sent).push_back(segment);
  }
  return split;
}

}  // namespace

CohortSum::CohortSum(const Parts& parts,
                     std::shared_ptr<const ParameterLayout> layout,
                     std::size_t cohort)
    : parts_(parts),
      layout_(std::move(layout)),
      reports_(cohort),
      deltas_(cohort),
      diverged_(cohort) {
  GridSpec grid = parts_.task.grid;
  if (parts_.shared && grid.kind == GridSpec::Kind::kRing) {
    // Shared packs are summed exactly and rounded to the ring once.
    grid = GridSpec{.limit = parts_.task.grid.limit};
  }
  block_ = MakeBlock(std::string(kDeltaBlock), layout_, grid, Scaling::kByWeight);
}

void CohortSum::Add(const ClientPlan& plan,
                    std::span<const UpdateSegment> update,
                    const Told& told) {
  const auto [sent, kept] = SplitByGroup(update, *layout_);
  if (parts_.task.normalise) {
    for (const UpdateSegment& segment : sent) {
      Scale(segment.values, 1.0 / static_cast<double>(plan.steps.size()));
    }
  }
  const double norm = ClipSegments(sent, parts_.task.clip_norm);
  const bool finite =
      !told.diverged && std::isfinite(norm) && std::isfinite(ClipSegments(kept, 0.0));
  const bool exact = block_.grid.kind == GridSpec::Kind::kExact;
  std::vector<float> dense;
  if (finite && (Singles() || !exact)) {
    dense = ToDense(update, layout_->size());
  }
  const std::scoped_lock lock(mutex_);
  NoteLocked(plan, norm, {.loss = told.loss, .seconds = told.seconds, .diverged = !finite});
  if (!finite) {
    return;
  }
  if (Singles()) {
    deltas_[plan.client] = std::move(dense);
  } else if (exact) {
    saturated_ += FoldSegments(block_, update, plan.weight);
  } else {
    Rng rng({parts_.task.seed, parts_.task.round, plan.hash, Purpose::kRounding});
    saturated_ += FoldDense(block_, dense, plan.weight, &rng).value();  // finite: it cannot fail
  }
}

void CohortSum::Note(const ClientPlan& plan, double norm, const Told& told) {
  const std::scoped_lock lock(mutex_);
  NoteLocked(plan, norm, told);
}

void CohortSum::AddFolded(std::span<const std::int64_t> sums, std::uint64_t saturated) {
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    block_.values[i] += sums[i];
  }
  saturated_ += saturated;
}

bool CohortSum::AddShared(std::span<const ClientPlan* const> plans,
                          std::span<const UpdateSegment> update,
                          std::span<const double> loss,
                          double seconds) {
  if (!std::isfinite(ClipSegments(update, 0.0))) {
    return false;
  }
  const std::scoped_lock lock(mutex_);
  const double limit = block_.grid.limit;
  block_.grid.limit *= static_cast<double>(plans.size());  // a sum of that many clients
  saturated_ += FoldSegments(block_, update, 1);
  block_.grid.limit = limit;
  for (std::size_t member = 0; member < plans.size(); ++member) {
    NoteLocked(*plans[member], 0.0, {.loss = loss[member], .seconds = seconds});
  }
  return true;
}

void CohortSum::Join(Ranks& ranks) {
  if (!Singles()) {
    ranks.Sum(std::span(block_.values));
    const std::uint64_t mask = block_.grid.mask();  // of the ring; all ones without one
    for (std::int64_t& value : block_.values) {
      value = static_cast<std::int64_t>(static_cast<std::uint64_t>(value) & mask);
    }
  }
  // A client was trained by one rank and is zero elsewhere, so sums of its numbers are exact.
  std::vector<std::int64_t> counts = {static_cast<std::int64_t>(saturated_)};
  std::vector<double> numbers;
  for (std::size_t client = 0; client < reports_.size(); ++client) {
    const ClientReport& report = reports_[client];
    counts.insert(counts.end(),
                  {diverged_[client],
                   static_cast<std::int64_t>(report.weight),
                   static_cast<std::int64_t>(report.positions),
                   static_cast<std::int64_t>(report.steps)});
    numbers.insert(numbers.end(), {report.loss, report.update_norm, report.seconds});
  }
  ranks.Sum(std::span(counts));
  ranks.Sum(std::span(numbers));
  saturated_ = static_cast<std::uint64_t>(counts[0]);
  for (const ClientPlan& plan : parts_.plans) {
    const std::int64_t* const count = counts.data() + 1 + 4 * plan.client;
    const double* const number = numbers.data() + 3 * plan.client;
    diverged_[plan.client] = count[0];
    reports_[plan.client] = {.id = plan.id,
                             .weight = static_cast<std::uint64_t>(count[1]),
                             .positions = static_cast<std::uint64_t>(count[2]),
                             .steps = static_cast<std::uint64_t>(count[3]),
                             .loss = number[0],
                             .update_norm = number[1],
                             .seconds = number[2]};
    if (Singles()) {
      std::vector<float>& delta = deltas_[plan.client];
      delta.resize(layout_->size(), 0.0F);
      ranks.Sum(std::span(delta));
      if (!ranks.IsFirst()) {
        delta = {};  // one client at a time, so that only the first holds all
      }
    }
  }
}

Result<CohortOutcome> CohortSum::Take() && {
  CohortOutcome outcome;
  for (const ClientPlan& plan : parts_.plans) {
    if (diverged_[plan.client] != 0) {
      outcome.failed.emplace_back(plan.id,
                                  Error{ErrorCode::kDiverged,
                                        "training of client '" + plan.id
                                            + "' met NaN or infinity: lower client.learning_rate "
                                              "or set client.gradient_clip"});
    }
  }
  for (std::size_t client = 0; client < reports_.size(); ++client) {
    if (reports_[client].weight == 0) {
      continue;
    }
    outcome.sum.weight += reports_[client].weight;
    outcome.sum.contributors += 1;
    outcome.clients.push_back(std::move(reports_[client]));
    if (Singles()) {
      outcome.deltas.push_back(std::move(deltas_[client]));
    }
  }
  if (Singles()) {
    outcome.sum = UpdateSum{};
    return outcome;
  }
  if (!(block_.grid == parts_.task.grid)) {
    RONDO_TRY_STATUS(MoveToRing(outcome.sum.contributors));
  }
  outcome.sum.saturated = saturated_;
  outcome.sum.blocks.push_back(std::move(block_));
  if (parts_.task.normalise) {
    RONDO_TRY_STATUS(AddSteps(outcome));
  }
  if (parts_.task.counts_unclipped) {
    RONDO_TRY_STATUS(AddUnclipped(outcome));
  }
  return outcome;
}

Status CohortSum::AddUnclipped(CohortOutcome& outcome) const {
  const TrainTask& task = parts_.task;
  GridBlock block =
      MakeBlock(std::string(kUnclippedBlock), UnclippedLayout(), task.grid, Scaling::kPerClient);
  for (const ClientReport& client : outcome.clients) {
    const float value = UnclippedValue(client.update_norm, task.clip_norm);
    Rng rng({task.seed, task.round, HashId(client.id), Purpose::kRounding});
    RONDO_TRY(const std::uint64_t saturated, FoldDense(block, std::span(&value, 1), 1, &rng));
    outcome.sum.saturated += saturated;
  }
  outcome.sum.blocks.push_back(std::move(block));
  return Ok();
}

Status CohortSum::AddSteps(CohortOutcome& outcome) const {
  const TrainTask& task = parts_.task;
  UpdateSum all;
  for (const ClientReport& client : outcome.clients) {
    UpdateSum one;
    Rng rng({task.seed, task.round, HashId(client.id), Purpose::kRounding});
    RONDO_TRY_STATUS(AddStepsBlock(one, task.grid, client.steps, client.weight, &rng));
    if (all.blocks.empty()) {
      all = std::move(one);
    } else {
      RONDO_TRY_STATUS(all.Add(one));
    }
  }
  outcome.sum.saturated += all.saturated;
  outcome.sum.blocks.insert(outcome.sum.blocks.end(), all.blocks.begin(), all.blocks.end());
  return Ok();
}

void CohortSum::NoteLocked(const ClientPlan& plan, double norm, const Told& told) {
  if (told.diverged || !std::isfinite(norm)) {
    diverged_[plan.client] = 1;
    return;
  }
  reports_[plan.client] = {.id = plan.id,
                           .weight = plan.weight,
                           .positions = plan.positions,
                           .steps = plan.steps.size(),
                           .loss = told.loss,
                           .update_norm = norm,
                           .seconds = told.seconds};
}

Status CohortSum::MoveToRing(std::uint32_t contributors) {
  const TrainTask& task = parts_.task;
  const std::vector<double> reals = GridToReal(block_);
  const std::vector<float> values(reals.begin(), reals.end());
  block_ = MakeBlock(std::string(kDeltaBlock), layout_, task.grid, Scaling::kByWeight);
  block_.grid.limit *= std::max(1U, contributors);
  Rng rng({task.seed, task.round, 0, Purpose::kRounding});
  RONDO_TRY(const std::uint64_t saturated, FoldDense(block_, values, 1, &rng));
  saturated_ += saturated;
  block_.grid = task.grid;
  return Ok();
}

}  // namespace rondo
