#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/result.h"
#include "coordinator/aggregators/updates.h"

/// Rules over single updates, as pure functions: the same code serves rounds, `rondo-sim aggregate`
/// and `rondo-sim bench`. n is the number of updates, d their size, f the number of them that may
/// be hostile. Ties go to the lower row. A rule whose precondition does not hold still answers: it
/// keeps at least one update or value.
namespace rondo::coordinator {

/// Computes one vector from the updates, of which there is at least one. `out` has their size.
/// Errors  kUnsupported where the answer would take too long.
using Rule = Status (*)(const Updates& updates, const RuleContext& context, std::span<float> out);

/// Changes the updates before a rule sees them; may leave fewer of them.
using PreStage = void (*)(Updates& updates, const RuleContext& context);

/// The mean by weights. Memory  two blocks a thread.
/// Source  McMahan et al. 2017, algorithm 1.
Status WeightedMean(const Updates& updates, const RuleContext& context, std::span<float> out);

/// Coordinate-wise median; the mean of the middle two for even n. O(n d log^2 n).
/// Memory  a copy of at most 1024 columns a thread, 512 KiB where n is large.
/// Source  Yin et al. 2018, definition 1.
Status Median(const Updates& updates, const RuleContext& context, std::span<float> out);

/// Median, but in a table only over the updates that contribute to a row (row_contribution.h); a
/// row without contributors gets 0. O(n d log^2 n). Memory  as Median, and n bytes a row of the
/// tables. Source  the row-wise counterpart of Yin et al. 2018, definition 1.
Status RowMedian(const Updates& updates, const RuleContext& context, std::span<float> out);

/// Coordinate-wise mean without the f smallest and the f largest values. O(n d log^2 n).
/// Memory  as Median.
/// Source  Yin et al. 2018, definition 2.
Status TrimmedMean(const Updates& updates, const RuleContext& context, std::span<float> out);

/// Coordinate-wise mean of the n - f values nearest to the median. O(n d log^2 n).
/// Memory  as Median.
/// Source  Xie et al. 2018, "Generalized Byzantine-tolerant SGD", mean around median.
Status MeanAroundMedianRule(const Updates& updates,
                            const RuleContext& context,
                            std::span<float> out);

/// The update with the least sum of squared distances to its max(1, n - f - 2) nearest others.
/// O(n^2 d). Memory  that of PairwiseDistances.
/// Source  Blanchard et al. 2017, section 4.
Status Krum(const Updates& updates, const RuleContext& context, std::span<float> out);

/// The mean of the n - f updates with the least scores of Krum. O(n^2 d). Memory  as Krum.
/// Source  Blanchard et al. 2017, section 4, with m = n - f.
Status MultiKrum(const Updates& updates, const RuleContext& context, std::span<float> out);

/// n - 2f updates chosen one after the other by Krum among those left, then coordinate-wise the
/// mean of the n - 4f values nearest to their median. O(n^2 d); distances are computed once.
/// Memory  those of Krum and Median.
/// Source  El Mhamdi et al. 2018, section 4.
Status Bulyan(const Updates& updates, const RuleContext& context, std::span<float> out);

/// Smoothed Weiszfeld steps from zero with weights 1 / max(nu, distance); `iterations`, 0: 3.
/// O(n d) a step, in one pass over the updates each. Memory  two blocks a thread.
/// Source  Pillutla et al. 2022 (RFA), algorithm 2, with equal weights.
Status GeometricMedian(const Updates& updates, const RuleContext& context, std::span<float> out);

/// v += mean of (update - v) clipped to norm tau, from v = 0; `iterations`, 0: 1. O(n d) a step.
/// Memory  d doubles.
/// Source  Karimireddy et al. 2021, equation "CC".
Status CenteredClipping(const Updates& updates, const RuleContext& context, std::span<float> out);

/// The mean of the n - f updates whose largest distance is least; the first such subset in order of
/// rows. Exact. O(n^2 d), and up to kMostSubsets subsets. Memory  as Krum.
/// Errors  kUnsupported for more, with their number.
/// Source  El Mhamdi et al. 2020, minimum-diameter averaging (Rousseeuw 1985).
Status MinimumDiameter(const Updates& updates, const RuleContext& context, std::span<float> out);

/// The mean by weights of the updates, each scaled down to norm tau if it is longer. O(n d).
/// Memory  two blocks a thread.
/// Source  Sun et al. 2019, section 4.
Status NormBounding(const Updates& updates, const RuleContext& context, std::span<float> out);

/// Each update becomes the mean of its n - f nearest ones, itself among them; weights become 1.
/// O(n^2 d). Memory  that of PairwiseDistances, and n * 64 doubles a thread.
/// Source  Allouah et al. 2023, algorithm 1 (nearest-neighbour mixing).
void NearestNeighbourMixing(Updates& updates, const RuleContext& context);

/// The updates, in an order drawn from seed and round, become the means of buckets of bucket_size;
/// the last bucket may be smaller. Weights become 1. O(n d). Memory  two blocks a thread.
/// Source  Karimireddy et al. 2022, algorithm 1.
void Bucketing(Updates& updates, const RuleContext& context);

/// Each update is scaled down to norm tau if it is longer. O(n d).
void Clipping(Updates& updates, const RuleContext& context);

inline constexpr double kMostSubsets = 1e6;

/// Ways to leave out f of n updates, and what is said if there are too many.
double Subsets(std::size_t n, std::size_t f);
std::string TooManySubsets(std::size_t n, std::size_t f);

struct RuleEntry {
  const char* name;
  Rule rule;
  std::size_t (*least)(std::size_t f);  ///< updates that the rule's guarantee needs
  const char* formula;                  ///< the same in words
};

struct PreEntry {
  const char* name;
  PreStage stage;
};

/// All rules and stages there are. A new one is a file and a line in rules.cc.
std::span<const RuleEntry> Rules();
std::span<const PreEntry> PreStages();

/// Null if there is none of this name.
const RuleEntry* FindRule(std::string_view name);
const PreEntry* FindPreStage(std::string_view name);

/// Are config.aggregator and config.pre names of rules and stages?
/// Errors  kInvalidArgument, with a suggestion.
Status CheckParts(const StrategyConfig& config);

/// Do the preconditions of config.aggregator, behind config.pre, hold for this many updates?
/// `who` says in the message whose updates they are, such as "the cohort has".
/// Errors  kInvalidArgument for unknown names, too few updates or too many subsets, with numbers.
Status CheckRule(const StrategyConfig& config, std::size_t updates, const std::string& who);

/// Drops rows that hold NaN or infinity with their weights; returns their former indices.
std::vector<std::size_t> DropNonFinite(Updates& updates, Workers& workers);

/// The stages of config.pre in their order, then config.aggregator, on finite updates.
/// Errors  kInvalidArgument for unknown names; kTooFewClients without updates; those of the rule.
Status ApplyRule(Updates& updates, const RuleContext& context, std::span<float> out);

}  // namespace rondo::coordinator
