#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "common/federated/local_round.h"
#include "coordinator/private_rounds.h"

/// Attacks the noisy sum instead of trusting the proof: thousands of clients that are easy to
/// recognise take part or not by the toss of a coin, and an auditor who sees the released sums
/// guesses which. Who guesses better than epsilon allows has found a fault.
/// Source  Steinke, Nasr and Jagielski 2023, "Privacy auditing with one (1) training run",
/// algorithm 1 and theorem 5.2.
namespace rondo::coordinator {
namespace {

constexpr std::size_t kCanaries = 5000;
constexpr std::size_t kGuesses = 800;  // The surest ones: half that a canary was in, half that not.
constexpr int kRoundsOfRun = 4;
constexpr double kDelta = 1e-5;
constexpr double kConfidence = 0.95;

/// ln of the binomial probability of exactly `hits` of `tries` at probability `p` each.
double LogBinomial(std::size_t tries, std::size_t hits, double p) {
  const auto n = static_cast<double>(tries);
  const auto k = static_cast<double>(hits);
  return std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0) + k * std::log(p)
         + (n - k) * std::log1p(-p);
}

/// How likely `correct` right ones of `guesses` or more are at most, if epsilon and delta hold.
double Likelihood(std::size_t guesses, std::size_t correct, double epsilon, double delta) {
  const double p = 1.0 / (1.0 + std::exp(-epsilon));
  double tail = 0.0;
  for (std::size_t hits = correct; hits <= guesses; ++hits) {
    tail += std::exp(LogBinomial(guesses, hits, p));
  }
  double steepest = 0.0;
  double below = 0.0;
  for (std::size_t less = 1; less <= correct; ++less) {
    below += std::exp(LogBinomial(guesses, correct - less, p));
    steepest = std::max(steepest, below / static_cast<double>(less));
  }
  return std::min(1.0, tail + 2.0 * static_cast<double>(kCanaries) * delta * steepest);
}

/// The largest epsilon that the guesses refute.
double LowerBound(std::size_t guesses, std::size_t correct, double delta) {
  double refuted = 0.0;
  double possible = 20.0;
  for (int step = 0; step < 40; ++step) {
    const double middle = 0.5 * (refuted + possible);
    (Likelihood(guesses, correct, middle, delta) < 1.0 - kConfidence ? refuted : possible) = middle;
  }
  return refuted;
}

TEST(Auditor, BoundIsThatOfTheClosedFormWhereAllGuessesAreRight) {
  // Then p^guesses = 0.05 at the bound, p = 0.05^(1/800) = 0.9962624, ln(p / (1 - p)) = 5.58555.
  EXPECT_NEAR(LowerBound(kGuesses, kGuesses, 0.0), 5.58555, 1e-5);
  EXPECT_EQ(LowerBound(kGuesses, kGuesses / 2, 0.0), 0.0);
  EXPECT_LT(LowerBound(kGuesses, 700, kDelta), LowerBound(kGuesses, 700, 0.0));
}

struct Faults {
  double clip = 1.0;   ///< what clients clip to, over what they were told
  double noise = 1.0;  ///< what is added, over what is accounted for; 0: the sum goes out as it is
};

struct Verdict {
  double claimed = 0.0;  ///< epsilon in the ledger
  double audited = 0.0;  ///< what was proved against it
};

class PrivacyAudit {
 public:
  PrivacyAudit(std::uint64_t seed, const Faults& faults)
      : seed_(seed),
        faults_(faults),
        grid_(seed % 2 == 0 ? "exact" : "ring"),
        included_(kCanaries) {
    Rng coins({.seed = seed, .purpose = Purpose::kBootstrap});
    for (std::size_t canary = 0; canary < kCanaries; ++canary) {
      included_[canary] = coins.NextU64() % 2 == 1;
    }
  }

  Verdict Run() const {
    const PrivateRounds honest = Rounds(kMultiplier);
    const PrivateRounds real = Rounds(kMultiplier * std::max(faults_.noise, 1e-9));
    RunState ledger;
    ledger.model = {.layout = layout_, .values = std::vector<float>(kCanaries)};
    RunState spent = ledger;
    const std::uint64_t room = kCanaries + honest.GridRoom(ledger, kCanaries);
    TrainTask task{.grid = MakeGrid(Config(kMultiplier), 1, room).value()};
    honest.Plan(task, kCanaries, ledger);
    const UpdateSum sum = Sum(task);
    std::vector<double> scores(kCanaries);
    for (int round = 1; round <= kRoundsOfRun; ++round) {
      task.round = static_cast<RoundId>(round);
      const UpdateSum claimed = honest.Release(task, {sum}, 1.0, ledger).value();
      const UpdateSum released = faults_.noise == 1.0 ? claimed
                                 : faults_.noise == 0.0
                                     ? sum
                                     : real.Release(task, {sum}, 1.0, spent).value();
      const std::vector<double> values = GridToReal(released.blocks.front());
      std::ranges::transform(scores, values, scores.begin(), std::plus<>());
    }
    return {.claimed = honest.Epsilon(ledger).value(),
            .audited = LowerBound(kGuesses, Correct(scores), kDelta)};
  }

 private:
  static constexpr double kMultiplier = 2.0;

  PrivacyConfig Config(double multiplier) const {
    PrivacyConfig config{.grid = grid_, .clip_norm = 0.5, .delta = kDelta};
    config.noise_multiplier = multiplier;
    return config;
  }

  PrivateRounds Rounds(double multiplier) const {
    StrategyConfig strategy;
    strategy.cohort = static_cast<int>(kCanaries / 2);
    return PrivateRounds({.privacy = Config(multiplier), .strategy = strategy, .seed = seed_});
  }

  /// Every canary has a coordinate of its own and puts into it ten times what the clip allows.
  UpdateSum Sum(const TrainTask& task) const {
    const Broadcast broadcast{.model = {.layout = layout_, .values = std::vector<float>(kCanaries)},
                              .sha256 = ""};
    Rng rounding({.seed = seed_, .purpose = Purpose::kRounding});
    GridBlock block = MakeBlock("delta", layout_, task.grid, Scaling::kByWeight);
    UpdateSum sum;
    for (std::size_t canary = 0; canary < kCanaries; ++canary) {
      if (!included_[canary]) {
        continue;
      }
      std::vector<float> delta(kCanaries);
      delta[canary] = static_cast<float>(10.0 * task.clip_norm);
      const double norm = ClipToNorm(delta, task.clip_norm * faults_.clip);
      const LocalEnd end =
          EndRound(task, broadcast, {}, {.delta = std::move(delta), .norm = norm}, rounding)
              .value();
      EXPECT_TRUE(FoldDense(block, end.blocks.front().values, 1, &rounding));
      ++sum.weight;
      ++sum.contributors;
    }
    sum.blocks.push_back(std::move(block));
    return sum;
  }

  std::size_t Correct(const std::vector<double>& scores) const {
    std::vector<std::size_t> order(kCanaries);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t canary) { return scores[canary]; });
    std::size_t correct = 0;
    for (std::size_t i = 0; i < kGuesses / 2; ++i) {
      correct += included_[order[i]] ? 0U : 1U;
      correct += included_[order[kCanaries - 1 - i]] ? 1U : 0U;
    }
    return correct;
  }

  std::uint64_t seed_;
  Faults faults_;
  std::string grid_;
  std::vector<bool> included_;
  std::shared_ptr<const ParameterLayout> layout_ =
      ParameterLayout::Create({{.name = "w", .shape = {static_cast<std::int64_t>(kCanaries)}}})
          .value();
};

TEST(PrivacyAudit, ProvesNoMoreThanTheLedgerClaimsInAnyOfTwentySeeds) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Verdict verdict = PrivacyAudit(seed, {}).Run();
    EXPECT_NEAR(verdict.claimed, 4.377, 0.001);
    EXPECT_LE(verdict.audited, verdict.claimed) << seed;
    EXPECT_GE(verdict.audited, 0.7) << seed << ": an auditor who sees nothing proves nothing";
  }
}

struct FaultCase {
  const char* name;
  Faults faults;
  double
      least;  ///< that the auditor must prove; on the ring a clip that is missing meets its range
};

class FaultyRounds : public ::testing::TestWithParam<FaultCase> {};

TEST_P(FaultyRounds, AreFoundOut) {
  for (const std::uint64_t seed : {1, 2}) {
    const Verdict verdict = PrivacyAudit(seed, GetParam().faults).Run();
    EXPECT_GE(verdict.audited, GetParam().least) << seed;
    EXPECT_GT(verdict.audited, verdict.claimed) << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(PrivacyAudit,
                         FaultyRounds,
                         ::testing::Values(FaultCase{"NoNoise", {.noise = 0.0}, 5.0},
                                           FaultCase{"ATenthOfTheNoise", {.noise = 0.1}, 5.0},
                                           FaultCase{"NoClip", {.clip = 100.0}, 4.4}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace rondo::coordinator
