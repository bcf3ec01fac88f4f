#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/io/result_table.h"
#include "common/metrics/intervals.h"
#include "simulations/compare_attacks.h"
#include "simulations/compare_runs.h"

/// The statistics of a comparison; docs/compare.md says what each number means.
///
/// The unit is the user: a user's metric is averaged over seeds, and arms are compared user by
/// user. Where clients hold many users, whole institutions are drawn and flipped.
namespace rondo::sim {

/// Fewer seeds than this cannot reach 5 % in a two-sided sign-flip test: 2 / 2^6 is the first
/// below.
inline constexpr std::size_t kFewestSeeds = 6;

struct AnalysisOptions {
  std::string metric = kValidationMetric;  ///< on the test split
  std::string reference;                   ///< an arm; empty: the first
  bool all_pairs = false;  ///< the family is all pairs, not each against the reference
  double target = 0.0;     ///< of validation NDCG@10; 0: none
  double alpha = 0.05;
  std::uint64_t seed = 1;  ///< of resampling
};

/// What the runs of an arm that reach the target take until then; means over them.
struct ToTarget {
  std::size_t reached = 0;
  double rounds = 0.0;
  double bytes = 0.0;              ///< of rounds, both ways
  double seconds = 0.0;            ///< of rounds
  double simulated_seconds = 0.0;  ///< of rounds, on a virtual clock
};

struct ArmScore {
  std::string name;
  std::vector<std::uint64_t> seeds;
  std::vector<double> by_seed;  ///< the mean over users, a seed each
  double deviation =
      std::numeric_limits<double>::quiet_NaN();  ///< sample, over seeds; NaN below two
  Interval over_users;                           ///< of the user's mean over seeds
  std::map<std::string, double> metrics;         ///< of the test split, means over users and seeds
  std::vector<double> clients;                   ///< the metric of each client, averaged over seeds
  double worst_decile = 0.0;                     ///< of clients
  double gini = 0.0;                             ///< of clients
  double rounds = 0.0;                           ///< means over seeds
  double bytes = 0.0;
  double seconds = 0.0;
  double simulated_seconds = 0.0;  ///< 0 without a virtual clock
  ToTarget target;
};

/// `arm` minus `reference`.
struct PairTest {
  std::size_t arm = 0;
  std::size_t reference = 0;
  Interval difference;    ///< over users
  double p = 1.0;         ///< sign-flip test over users (institutions)
  double holm = 1.0;      ///< adjusted over the family
  double smallest = 1.0;  ///< that the data could give
  Verdict verdict = Verdict::kWithinNoise;
  std::vector<double> by_seed;   ///< differences of paired seeds; empty if seeds differ
  std::optional<double> seed_p;  ///< from kFewestSeeds paired seeds on
};

struct Analysis {
  AnalysisOptions options;
  std::vector<ArmScore> arms;
  std::size_t reference = 0;
  std::vector<PairTest> tests;  ///< the family
  std::size_t users = 0;
  std::size_t institutions = 0;      ///< drawn as a whole; 0: users are drawn
  std::size_t best = 0;              ///< the arm with the highest value
  bool best_is_significant = false;  ///< every test that the best arm takes part in rejects
  /// name and mean of the metric: the same in every run
  std::vector<std::pair<std::string, double>> baselines;
  std::optional<AttackGrid> attacks;  ///< set by who has runs under attack
  std::vector<std::string> notes;     ///< what a reader must know, whole sentences

  /// Whether a run had a virtual clock.
  bool timed() const {
    return std::any_of(
        arms.begin(), arms.end(), [](const ArmScore& arm) { return arm.simulated_seconds > 0.0; });
  }
};

/// Errors  kInvalidArgument for fewer than two arms, an unknown reference or metric; those of
/// CheckComparable.
Result<Analysis> Analyse(const std::vector<Arm>& arms, const AnalysisOptions& options);

/// "better", "worse" or "no difference".
std::string PairVerdict(const PairTest& test);

}  // namespace rondo::sim
