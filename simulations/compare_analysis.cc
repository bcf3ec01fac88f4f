#include "simulations/compare_analysis.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <unordered_map>

#include "common/core/suggest.h"
#include "common/io/text_table.h"
#include "common/metrics/fairness.h"
#include "common/metrics/holm.h"
#include "common/metrics/sign_flip.h"

namespace rondo::sim {
namespace {

double MeanOf(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double DeviationOf(std::span<const double> values) {
  if (values.size() < 2) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double mean = MeanOf(values);
  double squares = 0.0;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

/// Every user's metric averaged over the seeds of an arm.
Result<std::vector<double>> UserMeans(const Arm& arm, const std::string& metric) {
  std::vector<double> means(arm.runs.front().users.size(), 0.0);
  for (const RunRecord& run : arm.runs) {
    RONDO_TRY(const std::vector<double> values, run.Column(metric));
    for (std::size_t user = 0; user < means.size(); ++user) {
      means[user] += values[user] / static_cast<double>(arm.runs.size());
    }
  }
  return means;
}

/// The place of each user's client in order of appearance.
std::vector<std::uint32_t> ClusterNumbers(const std::vector<std::string>& clients) {
  std::unordered_map<std::string, std::uint32_t> numbers;
  std::vector<std::uint32_t> clusters;
  clusters.reserve(clients.size());
  for (const std::string& client : clients) {
    clusters.push_back(
        numbers.emplace(client, static_cast<std::uint32_t>(numbers.size())).first->second);
  }
  return clusters;
}

std::size_t CountOf(const std::vector<std::uint32_t>& clusters) {
  return clusters.empty() ? 0 : 1 + *std::max_element(clusters.begin(), clusters.end());
}

std::vector<double> MeansOfClients(const std::vector<double>& users,
                                   const std::vector<std::uint32_t>& clients) {
  std::vector<double> sums(CountOf(clients), 0.0);
  std::vector<double> sizes(sums.size(), 0.0);
  for (std::size_t user = 0; user < users.size(); ++user) {
    sums[clients[user]] += users[user];
    sizes[clients[user]] += 1.0;
  }
  for (std::size_t client = 0; client < sums.size(); ++client) {
    sums[client] /= sizes[client];
  }
  return sums;
}

ToTarget TargetOf(const Arm& arm, double target) {
  ToTarget all;
  for (const RunRecord& run : arm.runs) {
    const auto first = std::find_if(run.curve.begin(),
                                    run.curve.end(),
                                    [&](const CurvePoint& point) { return point.score >= target; });
    if (first != run.curve.end()) {
      ++all.reached;
      all.rounds += static_cast<double>(first->round);
      all.bytes += first->bytes;
      all.seconds += first->seconds;
      all.simulated_seconds += first->simulated_seconds;
    }
  }
  for (double* sum : {&all.rounds, &all.bytes, &all.seconds, &all.simulated_seconds}) {
    *sum = all.reached > 0 ? *sum / static_cast<double>(all.reached)
                           : std::numeric_limits<double>::quiet_NaN();
  }
  return all;
}

/// Resamples users, or institutions where users share them.
class Resampling {
 public:
  Resampling(std::vector<std::uint32_t> clusters, std::uint64_t seed)
      : clusters_(std::move(clusters)),
        seed_(seed) {}

  Result<Interval> Mean(std::span<const double> values) const {
    const BootstrapOptions options{.seed = seed_, .resamples = 2000};
    return clusters_.empty() ? BootstrapMean(values, options)
                             : ClusterBootstrapMean(values, clusters_, options);
  }

  Result<SignFlip> Test(std::span<const double> differences) const {
    const SignFlipOptions options{.seed = seed_};
    return clusters_.empty() ? SignFlipTest(differences, options)
                             : ClusterSignFlipTest(differences, clusters_, options);
  }

 private:
  std::vector<std::uint32_t> clusters_;
  std::uint64_t seed_;
};

class Analyst {
 public:
  Analyst(const std::vector<Arm>& arms, const AnalysisOptions& options) : arms_(arms) {
    analysis_.options = options;
  }

  Result<Analysis> Run() && {
    RONDO_TRY_STATUS(FindReference());
    RONDO_TRY_STATUS(ChooseUnit());
    for (const Arm& arm : arms_) {
      RONDO_TRY_STATUS(Score(arm));
    }
    RONDO_TRY_STATUS(TestFamily());
    FindBest();
    AddBaselines();
    AddNotes();
    return std::move(analysis_);
  }

 private:
  Status FindReference() {
    if (arms_.size() < 2) {
      return Fail(ErrorCode::kInvalidArgument,
                  "a comparison needs at least two strategies or settings, there is "
                      + std::to_string(arms_.size())
                      + "; runs that differ by their seed alone are one");
    }
    std::vector<std::string> names;
    for (const Arm& arm : arms_) {
      names.push_back(arm.name);
    }
    const std::string& wanted = analysis_.options.reference;
    const auto found = std::find(names.begin(), names.end(), wanted);
    if (!wanted.empty() && found == names.end()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the reference '" + wanted + "' is not compared" + DidYouMean(wanted, names)
                      + "; there are " + JoinChoices(names));
    }
    analysis_.reference = wanted.empty() ? 0 : static_cast<std::size_t>(found - names.begin());
    return Ok();
  }

  /// Institutions are drawn as a whole where all runs have the same ones.
  Status ChooseUnit() {
    std::vector<const RunRecord*> all;
    const RunRecord& first = arms_.front().runs.front();
    bool same_clients = true;
    for (const Arm& arm : arms_) {
      for (const RunRecord& run : arm.runs) {
        all.push_back(&run);
        same_clients = same_clients && run.clients == first.clients;
      }
    }
    RONDO_TRY_STATUS(CheckComparable(all));
    analysis_.users = first.users.size();
    if (same_clients) {
      clients_ = ClusterNumbers(first.clients);
    } else {
      clients_ = ClusterNumbers(first.users);
      analysis_.notes.emplace_back(
          "The runs do not share one partition into clients, so users are drawn and flipped one by "
          "one, and each counts as a client.");
    }
    const std::size_t clients = CountOf(clients_);
    const bool clustered = clients < analysis_.users;
    analysis_.institutions = clustered ? clients : 0;
    resampling_.emplace(clustered ? clients_ : std::vector<std::uint32_t>(),
                        analysis_.options.seed);
    return Ok();
  }

  Status Score(const Arm& arm) {
    const AnalysisOptions& options = analysis_.options;
    ArmScore score{.name = arm.name};
    RONDO_TRY(std::vector<double> users, UserMeans(arm, options.metric));
    RONDO_TRY(score.over_users, resampling_->Mean(users));
    for (const RunRecord& run : arm.runs) {
      RONDO_TRY(const std::vector<double> values, run.Column(options.metric));
      const auto runs = static_cast<double>(arm.runs.size());
      score.seeds.push_back(run.scenario.seed);
      score.by_seed.push_back(MeanOf(values));
      score.rounds += run.rounds / runs;
      score.bytes += run.bytes / runs;
      score.seconds += run.seconds / runs;
      score.simulated_seconds += run.simulated_seconds / runs;
      for (std::size_t metric = 0; metric < run.metrics.size(); ++metric) {
        score.metrics[run.metrics[metric]] += MeanOf(run.values[metric]) / runs;
      }
    }
    score.deviation = DeviationOf(score.by_seed);
    score.clients = MeansOfClients(users, clients_);
    score.worst_decile = WorstDecile(score.clients);
    score.gini = GiniOf(score.clients);
    if (options.target > 0.0) {
      score.target = TargetOf(arm, options.target);
    }
    analysis_.arms.push_back(std::move(score));
    users_of_.push_back(std::move(users));
    return Ok();
  }

  Status TestPair(std::size_t arm, std::size_t reference) {
    PairTest test{.arm = arm, .reference = reference};
    std::vector<double> differences(analysis_.users);
    std::transform(users_of_[arm].begin(),
                   users_of_[arm].end(),
                   users_of_[reference].begin(),
                   differences.begin(),
                   std::minus<>());
    RONDO_TRY(test.difference, resampling_->Mean(differences));
    RONDO_TRY(const SignFlip flip, resampling_->Test(differences));
    test.p = flip.p;
    test.smallest = flip.smallest;
    const ArmScore& a = analysis_.arms[arm];
    const ArmScore& b = analysis_.arms[reference];
    if (a.seeds == b.seeds) {
      for (std::size_t seed = 0; seed < a.seeds.size(); ++seed) {
        test.by_seed.push_back(a.by_seed[seed] - b.by_seed[seed]);
      }
    }
    if (test.by_seed.size() >= kFewestSeeds) {
      RONDO_TRY(const SignFlip by_seed,
                SignFlipTest(test.by_seed, {.seed = analysis_.options.seed}));
      test.seed_p = by_seed.p;
    }
    analysis_.tests.push_back(std::move(test));
    return Ok();
  }

  Status TestFamily() {
    const std::size_t count = arms_.size();
    for (std::size_t arm = 0; arm < count; ++arm) {
      if (!analysis_.options.all_pairs) {
        if (arm != analysis_.reference) {
          RONDO_TRY_STATUS(TestPair(arm, analysis_.reference));
        }
        continue;
      }
      for (std::size_t other = arm + 1; other < count; ++other) {
        const bool turned = arm == analysis_.reference;
        RONDO_TRY_STATUS(TestPair(turned ? other : arm, turned ? arm : other));
      }
    }
    std::vector<double> p;
    for (const PairTest& test : analysis_.tests) {
      p.push_back(test.p);
    }
    RONDO_TRY(const std::vector<double> adjusted, HolmAdjust(p));
    for (std::size_t i = 0; i < adjusted.size(); ++i) {
      PairTest& test = analysis_.tests[i];
      test.holm = adjusted[i];
      if (test.holm < analysis_.options.alpha) {
        test.verdict = test.difference.mean > 0.0 ? Verdict::kBetter : Verdict::kWorse;
      }
    }
    return Ok();
  }

  void FindBest() {
    const auto best = std::max_element(
        analysis_.arms.begin(), analysis_.arms.end(), [](const ArmScore& a, const ArmScore& b) {
          return a.over_users.mean < b.over_users.mean;
        });
    analysis_.best = static_cast<std::size_t>(best - analysis_.arms.begin());
    analysis_.best_is_significant =
        std::all_of(analysis_.tests.begin(), analysis_.tests.end(), [&](const PairTest& test) {
          const bool takes_part = test.arm == analysis_.best || test.reference == analysis_.best;
          return !takes_part || test.verdict != Verdict::kWithinNoise;
        });
  }

  void AddBaselines() {
    const RunRecord& first = arms_.front().runs.front();
    const auto place =
        std::find(first.metrics.begin(), first.metrics.end(), analysis_.options.metric);
    for (const auto& [name, means] : first.baselines) {
      analysis_.baselines.emplace_back(
          name, means[static_cast<std::size_t>(place - first.metrics.begin())]);
    }
  }

  void AddNotes() {
    std::vector<std::string>& notes = analysis_.notes;
    const std::vector<std::uint64_t>& seeds = analysis_.arms.front().seeds;
    const bool same_seeds = std::all_of(analysis_.arms.begin(),
                                        analysis_.arms.end(),
                                        [&](const ArmScore& arm) { return arm.seeds == seeds; });
    if (!same_seeds) {
      notes.emplace_back("The seeds differ between strategies, so there is no test over seeds.");
    } else if (seeds.size() < kFewestSeeds) {
      const double smallest = std::min(1.0, 2.0 / std::exp2(static_cast<double>(seeds.size())));
      notes.push_back(std::to_string(seeds.size()) + (seeds.size() == 1 ? " seed" : " seeds")
                      + " cannot give p below " + FixedText(smallest, 4)
                      + " over seeds, so there is no test over seeds; it begins at "
                      + std::to_string(kFewestSeeds) + " seeds.");
    }
    const double smallest = analysis_.tests.front().smallest;
    const auto family = static_cast<double>(analysis_.tests.size());
    if (smallest * family >= analysis_.options.alpha) {
      notes.push_back(
          "With "
          + std::to_string(analysis_.institutions > 0 ? analysis_.institutions : analysis_.users)
          + (analysis_.institutions > 0 ? " institutions" : " users") + " and "
          + std::to_string(analysis_.tests.size())
          + " tests no single difference can be significant after Holm's correction.");
    }
  }

  const std::vector<Arm>& arms_;
  Analysis analysis_;
  std::vector<std::uint32_t> clients_;  // [users] of each user, numbered
  std::optional<Resampling> resampling_;
  std::vector<std::vector<double>> users_of_;  // [arms][users]
};

}  // namespace

Result<Analysis> Analyse(const std::vector<Arm>& arms, const AnalysisOptions& options) {
  return Analyst(arms, options).Run();
}

std::string PairVerdict(const PairTest& test) {
  return test.verdict == Verdict::kBetter  ? "better"
         : test.verdict == Verdict::kWorse ? "worse"
                                           : "no difference";
}

}  // namespace rondo::sim
