#include "common/metrics/evaluate.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "common/metrics/rank.h"

namespace rondo {
namespace {

constexpr const char* kMetrics[] = {"hr", "ndcg", "mrr", "precision", "recall", "f1", "map"};
constexpr std::size_t kMetricCount = std::size(kMetrics);

// Scores held at a time: 64 MiB of floats.
constexpr std::size_t kMostScores = std::size_t{1} << 24;

struct Protocol {
  std::string prefix;
  std::uint32_t negatives = 0;  // 0: the whole catalogue
};

Result<Protocol> ParseProtocol(const std::string& text) {
  if (text == "full") {
    return Protocol{.prefix = "full"};
  }
  constexpr std::string_view kSampled = "sampled:";
  if (text.starts_with(kSampled)) {
    const std::string digits = text.substr(kSampled.size());
    std::uint32_t negatives = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, negatives);
    if (error == std::errc() && stop == end && negatives > 0) {
      return Protocol{.prefix = "sampled" + digits, .negatives = negatives};
    }
  }
  return Fail(ErrorCode::kInvalidArgument,
              "evaluation.protocols: unknown protocol \"" + text
                  + "\"; use \"full\" or \"sampled:N\" with N >= 1");
}

Result<std::vector<Protocol>> ParseProtocols(const EvaluationOptions& options) {
  std::vector<Protocol> protocols;
  for (const std::string& text : options.protocols) {
    RONDO_TRY(Protocol protocol, ParseProtocol(text));
    protocols.push_back(std::move(protocol));
  }
  for (const int k : options.k) {
    if (k < 1) {
      return Fail(
          ErrorCode::kInvalidArgument,
          "evaluation.k: " + std::to_string(k) + " is no list length; use numbers from 1 on");
    }
  }
  return protocols;
}

// What a user is known to have met, in order: the inputs alone, and all rows behind the items with
// negative feedback; `all` is the latter as a sorted set. Row 0 (outside the catalogue) is in none.
struct KnownRows {
  std::vector<ItemRow> history;
  std::vector<ItemRow> met;
  std::vector<ItemRow> all;

  void Add(ItemRow row, EventRole role) {
    if (row > 0) {
      met.push_back(row);
    }
    if (row > 0 && IsInput(role)) {
      history.push_back(row);
    }
  }
};

struct Target {
  std::size_t slot = 0;  // in the results
  ItemRow row = 0;
  std::size_t history_size = 0;
  std::size_t met_size = 0;
  std::shared_ptr<const KnownRows> known = nullptr;

  History history() const { return std::span(known->history).first(history_size); }

  std::span<const ItemRow> met() const { return std::span(known->met).first(met_size); }
};

class Evaluation {
 public:
  Evaluation(Scorer& scorer,
             const Dataset& dataset,
             const EvaluationOptions& options,
             std::vector<Protocol> protocols)
      : scorer_(scorer),
        options_(options),
        protocols_(std::move(protocols)),
        rows_(static_cast<std::size_t>(dataset.catalogue->items()) + 1),
        sampled_(rows_),
        batch_(std::clamp<std::size_t>(kMostScores / rows_,
                                       1,
                                       std::max<std::size_t>(1, options.batch))) {
    for (const int k : options.k) {
      longest_ = std::max(longest_, k);
    }
  }

  Status AddUser(std::uint32_t user, const UserSequence& sequence, const TestRows* test) {
    auto known = std::make_shared<KnownRows>();
    known->met = sequence.negatives;
    const std::size_t earlier = test != nullptr ? sequence.rows.size() : sequence.train_size;
    for (std::size_t row = 0; row < earlier; ++row) {
      known->Add(sequence.rows[row], sequence.role(row));
    }
    std::vector<Target> targets;
    const auto hold_out = [&](ItemRow row, EventRole role) {
      if (IsTarget(role)) {
        targets.push_back({.slot = results_.size(),
                           .row = row,
                           .history_size = known->history.size(),
                           .met_size = known->met.size()});
      }
      known->Add(row, role);
    };
    for (std::size_t row = earlier; row < sequence.rows.size(); ++row) {
      hold_out(sequence.rows[row], sequence.role(row));
    }
    for (std::size_t row = 0; test != nullptr && row < test->rows.size(); ++row) {
      hold_out(test->rows[row], test->role(row));
    }
    known->all = ExcludedRows(known->met);
    return AddTargets(user, targets, known);
  }

  Result<std::vector<UserMetrics>> Finish() {
    RONDO_TRY_STATUS(Flush());
    for (UserMetrics& user : results_) {
      for (double& value : user.values) {
        value /= user.targets;
      }
    }
    return std::move(results_);
  }

 private:
  Status AddTargets(std::uint32_t user,
                    std::span<const Target> targets,
                    const std::shared_ptr<const KnownRows>& known) {
    if (targets.empty()) {
      return Ok();
    }
    results_.push_back(
        {.user = user,
         .targets = static_cast<std::uint32_t>(targets.size()),
         .values = std::vector<double>(protocols_.size() * options_.k.size() * kMetricCount)});
    for (Target target : targets) {
      target.known = known;
      pending_.push_back(std::move(target));
      if (pending_.size() == batch_) {
        RONDO_TRY_STATUS(Flush());
      }
    }
    return Ok();
  }

  Status Flush() {
    if (pending_.empty()) {
      return Ok();
    }
    // Where items are shown, and not only ranked, all scores are needed.
    const bool counts = scorer_.CountsItself() && options_.exposure == nullptr;
    RONDO_TRY_STATUS(counts ? CountPending() : ScorePending());
    pending_.clear();
    return Ok();
  }

  Status ScorePending() {
    std::vector<History> histories;
    for (const Target& target : pending_) {
      histories.push_back(target.history());
    }
    scores_.assign(histories.size() * rows_, std::numeric_limits<float>::quiet_NaN());
    RONDO_TRY_STATUS(scorer_.Score(histories, scores_));
    for (std::size_t i = 0; i < pending_.size(); ++i) {
      const auto scores = std::span<const float>(scores_).subspan(i * rows_, rows_);
      AddTarget(pending_[i], [&](std::span<const ItemRow> excluded) {
        return RankTarget(scores, pending_[i].row, excluded);
      });
      if (options_.exposure != nullptr) {
        options_.exposure->Add(scores, Seen(pending_[i]));
      }
    }
    return Ok();
  }

  Status CountPending() {
    std::vector<CountQuery> queries;
    for (const Target& target : pending_) {
      queries.push_back(
          {.history = target.history(), .target = target.row, .others = target.known->all});
    }
    RONDO_TRY(const std::vector<ScoreCounts> counts, scorer_.Count(queries, scores_));
    auto others = std::span<const float>(scores_);
    for (std::size_t i = 0; i < pending_.size(); ++i) {
      const std::vector<ItemRow>& all = pending_[i].known->all;
      const auto all_scores = others.first(all.size());
      others = others.subspan(all.size());
      AddTarget(pending_[i], [&](std::span<const ItemRow> excluded) {
        std::vector<float> scores;
        for (const ItemRow row : excluded) {  // a part of all, and sorted as it
          const auto place = std::lower_bound(all.begin(), all.end(), row) - all.begin();
          scores.push_back(all_scores[static_cast<std::size_t>(place)]);
        }
        return RankTarget(
            counts[i], static_cast<std::uint32_t>(rows_ - 1), pending_[i].row, excluded, scores);
      });
    }
    return Ok();
  }

  std::vector<ItemRow> Seen(const Target& target) const {
    return options_.filter_seen ? ExcludedRows({target.met().begin(), target.met().end()})
                                : std::vector<ItemRow>();
  }

  template <typename RankWithout>
  void AddTarget(const Target& target, const RankWithout& rank_without) {
    UserMetrics& user = results_[target.slot];
    const Rank full = rank_without(Seen(target));
    user.nans += full.nans;
    auto value = user.values.begin();
    for (const Protocol& protocol : protocols_) {
      const std::vector<double> positions =
          protocol.negatives == 0
              ? FullPositions(full, longest_)
              : sampled_(rank_without(target.known->all), protocol.negatives, longest_);
      for (const int k : options_.k) {
        const TargetMetrics at = MetricsAt(positions, k);
        for (const double metric : {at.hr, at.ndcg, at.mrr, at.precision, at.hr, at.f1, at.mrr}) {
          *value++ += metric;
        }
      }
    }
  }

  Scorer& scorer_;
  const EvaluationOptions& options_;
  std::vector<Protocol> protocols_;
  std::size_t rows_;
  SampledPositions sampled_;
  std::size_t batch_;
  int longest_ = 1;
  std::vector<Target> pending_;
  std::vector<float> scores_;
  std::vector<UserMetrics> results_;
};

}  // namespace

Result<std::vector<std::string>> MetricNames(const EvaluationOptions& options) {
  RONDO_TRY(const std::vector<Protocol> protocols, ParseProtocols(options));
  std::vector<std::string> names;
  for (const Protocol& protocol : protocols) {
    for (const int k : options.k) {
      for (const char* metric : kMetrics) {
        names.push_back(protocol.prefix + "/" + metric + "@" + std::to_string(k));
      }
    }
  }
  return names;
}

Result<std::vector<UserMetrics>> EvaluateUsers(Scorer& scorer,
                                               const Dataset& dataset,
                                               std::span<const std::uint32_t> users,
                                               Split split,
                                               const std::vector<TestRows>* test,
                                               const EvaluationOptions& options) {
  RONDO_TRY(std::vector<Protocol> protocols, ParseProtocols(options));
  if ((split == Split::kTest) != (test != nullptr)) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "evaluation: test rows are needed for the test split and must stay sealed for validation");
  }
  if (test != nullptr && test->size() != dataset.users.size()) {
    return Fail(ErrorCode::kInvalidArgument,
                "evaluation: test rows of " + std::to_string(test->size())
                    + " users do not match the data set's " + std::to_string(dataset.users.size()));
  }
  Evaluation evaluation(scorer, dataset, options, std::move(protocols));
  for (const std::uint32_t user : users) {
    if (user >= dataset.users.size()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "evaluation: user " + std::to_string(user) + " of "
                      + std::to_string(dataset.users.size()) + " does not exist");
    }
    RONDO_TRY_STATUS(
        evaluation.AddUser(user, dataset.users[user], test != nullptr ? &(*test)[user] : nullptr));
  }
  return evaluation.Finish();
}

std::vector<std::uint32_t> AllUsers(const Dataset& dataset) {
  std::vector<std::uint32_t> users(dataset.users.size());
  std::iota(users.begin(), users.end(), 0U);
  return users;
}

}  // namespace rondo
