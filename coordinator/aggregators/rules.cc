#include "coordinator/aggregators/rules.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "common/core/suggest.h"
#include "common/federated/vector_math.h"

namespace rondo::coordinator {
namespace {

std::size_t One(std::size_t /*f*/) {
  return 1;
}

std::size_t Majority(std::size_t f) {
  return 2 * f + 1;
}

std::size_t KrumLeast(std::size_t f) {
  return 2 * f + 3;
}

std::size_t BulyanLeast(std::size_t f) {
  return 4 * f + 3;
}

constexpr RuleEntry kRules[] = {
    {"mean", &WeightedMean, &One, "1"},
    {"median", &Median, &Majority, "2 f + 1"},
    {"trimmed_mean", &TrimmedMean, &Majority, "2 f + 1"},
    {"meamed", &MeanAroundMedianRule, &Majority, "2 f + 1"},
    {"krum", &Krum, &KrumLeast, "2 f + 3"},
    {"multi_krum", &MultiKrum, &KrumLeast, "2 f + 3"},
    {"bulyan", &Bulyan, &BulyanLeast, "4 f + 3"},
    {"geometric_median", &GeometricMedian, &Majority, "2 f + 1"},
    {"centered_clipping", &CenteredClipping, &Majority, "2 f + 1"},
    {"mda", &MinimumDiameter, &Majority, "2 f + 1"},
    {"norm_bounding", &NormBounding, &Majority, "2 f + 1"},
    {"row_median", &RowMedian, &Majority, "2 f + 1"},
};

constexpr PreEntry kPreStages[] = {
    {"nnm", &NearestNeighbourMixing},
    {"bucketing", &Bucketing},
    {"clipping", &Clipping},
};

template <typename Entry>
Failure Unknown(const std::string& key, const std::string& word, std::span<const Entry> entries) {
  std::vector<std::string> known;
  for (const Entry& entry : entries) {
    known.emplace_back(entry.name);
  }
  return Fail(
      ErrorCode::kInvalidArgument,
      key + ": unknown \"" + word + "\"" + DidYouMean(word, known) + "; use " + JoinChoices(known));
}

template <typename Entry>
const Entry* FindEntry(std::span<const Entry> entries, std::string_view name) {
  const auto found = std::find_if(
      entries.begin(), entries.end(), [&](const Entry& entry) { return entry.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

Result<const RuleEntry*> RuleOf(const StrategyConfig& config) {
  const RuleEntry* const rule = FindRule(config.aggregator);
  if (rule == nullptr) {
    return Unknown("strategy.aggregator", config.aggregator, Rules());
  }
  return rule;
}

Result<std::vector<PreStage>> StagesOf(const StrategyConfig& config) {
  std::vector<PreStage> stages;
  for (const std::string& name : config.pre) {
    const PreEntry* const stage = FindPreStage(name);
    if (stage == nullptr) {
      return Unknown("strategy.pre", name, PreStages());
    }
    stages.push_back(stage->stage);
  }
  return stages;
}

struct Need {
  const char* part;
  const char* formula;
  std::size_t updates;
};

Failure TooFew(const Need& need, int f, const std::string& have) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("strategy.aggregator: {} needs at least {} = {} updates with f = {}, but "
                          "{}; lower strategy.f or take more clients a round",
                          need.part,
                          need.formula,
                          need.updates,
                          f,
                          have));
}

}  // namespace

std::span<const RuleEntry> Rules() {
  return kRules;
}

std::span<const PreEntry> PreStages() {
  return kPreStages;
}

const RuleEntry* FindRule(std::string_view name) {
  return FindEntry(Rules(), name);
}

const PreEntry* FindPreStage(std::string_view name) {
  return FindEntry(PreStages(), name);
}

Status CheckParts(const StrategyConfig& config) {
  RONDO_TRY_STATUS(RuleOf(config));
  RONDO_TRY_STATUS(StagesOf(config));
  return Ok();
}

Status CheckRule(const StrategyConfig& config, std::size_t updates, const std::string& who) {
  RONDO_TRY(const RuleEntry* rule, RuleOf(config));
  RONDO_TRY(const std::vector<PreStage> stages, StagesOf(config));
  const auto f = static_cast<std::size_t>(config.f);
  std::size_t left = updates;
  std::string have = fmt::format("{} {}", who, updates);
  for (const PreStage stage : stages) {
    if (stage == &NearestNeighbourMixing && left < Majority(f)) {
      return TooFew({"nnm", "2 f + 1", Majority(f)}, config.f, have);
    }
    if (stage == &Bucketing) {
      const auto bucket = static_cast<std::size_t>(config.bucket_size);
      left = (left + bucket - 1) / bucket;
      have = fmt::format("{} {}, in {} buckets", who, updates, left);
    }
  }
  if (left < rule->least(f)) {
    return TooFew({rule->name, rule->formula, rule->least(f)}, config.f, have);
  }
  if (rule->rule == &MinimumDiameter && Subsets(left, f) > kMostSubsets) {
    return Fail(ErrorCode::kInvalidArgument, TooManySubsets(left, f));
  }
  return Ok();
}

std::vector<std::size_t> DropNonFinite(Updates& updates, Workers& workers) {
  std::vector<char> finite(updates.count());
  ForEachPiece(workers, updates.count(), 1, [&] {
    return [&](std::size_t i, std::size_t /*end*/) {
      finite[i] = AllFinite({updates.rows[i], updates.size}) ? 1 : 0;
    };
  });
  std::vector<std::size_t> dropped;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < finite.size(); ++i) {
    if (finite[i] == 0) {
      dropped.push_back(i);
      continue;
    }
    updates.rows[kept] = updates.rows[i];
    updates.weights[kept] = updates.weights[i];
    ++kept;
  }
  updates.rows.resize(kept);
  updates.weights.resize(kept);
  return dropped;
}

Status ApplyRule(Updates& updates, const RuleContext& context, std::span<float> out) {
  RONDO_TRY(const RuleEntry* rule, RuleOf(context.config));
  RONDO_TRY(const std::vector<PreStage> stages, StagesOf(context.config));
  if (updates.count() == 0) {
    return Fail(ErrorCode::kTooFewClients, "no client contributed to the aggregate");
  }
  for (const PreStage stage : stages) {
    stage(updates, context);
  }
  return rule->rule(updates, context, out);
}

}  // namespace rondo::coordinator
