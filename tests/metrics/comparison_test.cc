// Compares with a file that scripts/reference/comparison_golden.py computed in exact fractions.
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/core/rng.h"
#include "common/metrics/fairness.h"
#include "common/metrics/holm.h"
#include "common/metrics/sign_flip.h"

namespace rondo {
namespace {

std::vector<double> NextNumbers(std::istream& in, std::size_t size) {
  std::vector<double> values(size);
  for (double& value : values) {
    in >> value;
  }
  return values;
}

TEST(ComparisonGoldenTest, HolmSignFlipsAndFairness) {
  std::ifstream in(RONDO_GOLDEN_DIR "/comparison.txt");
  std::string kind;
  std::size_t size = 0;
  int cases = 0;
  for (; in >> kind >> size; ++cases) {
    const std::vector<double> values = NextNumbers(in, size);
    if (kind == "holm") {
      const std::vector<double> adjusted = HolmAdjust(values).value();
      const std::vector<double> expected = NextNumbers(in, size);
      for (std::size_t i = 0; i < size; ++i) {
        EXPECT_DOUBLE_EQ(adjusted[i], expected[i]) << size << " tests, test " << i;
      }
    } else if (kind == "flip") {
      std::vector<std::uint32_t> clusters(size);
      for (std::uint32_t& cluster : clusters) {
        in >> cluster;
      }
      const std::vector<double> expected = NextNumbers(in, 2);
      EXPECT_DOUBLE_EQ(SignFlipTest(values, {}).value().p, expected[0]) << size;
      EXPECT_DOUBLE_EQ(ClusterSignFlipTest(values, clusters, {}).value().p, expected[1]) << size;
    } else {
      const std::vector<double> expected = NextNumbers(in, 2);
      EXPECT_NEAR(WorstDecile(values), expected[0], 1e-14) << size;
      EXPECT_NEAR(GiniOf(values), expected[1], 1e-14) << size;
    }
  }
  EXPECT_EQ(cases, 24);
}

TEST(HolmTest, AgreesWithAnExampleByHand) {
  // 4 x 0.01; 3 x 0.02; 2 x 0.03 = 0.06, and 0.04 may not fall below it.
  const std::vector<double> p = {0.03, 0.01, 0.04, 0.02};
  const std::vector<double> adjusted = HolmAdjust(p).value();
  EXPECT_DOUBLE_EQ(adjusted[1], 0.04);
  EXPECT_DOUBLE_EQ(adjusted[3], 0.06);
  EXPECT_DOUBLE_EQ(adjusted[0], 0.06);
  EXPECT_DOUBLE_EQ(adjusted[2], 0.06);
}

TEST(HolmTest, RefusesWhatIsNoProbability) {
  for (const double wrong : {-0.1, 1.1, std::nan("")}) {
    EXPECT_EQ(HolmAdjust(std::vector{0.5, wrong}).error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(SignFlipTest, NoDifferenceIsNoEvidence) {
  for (const std::size_t size : {1U, 10U, 500U}) {
    EXPECT_EQ(SignFlipTest(std::vector<double>(size, 0.0), {}).value().p, 1.0);
  }
}

TEST(SignFlipTest, SixEqualSignsAreTheFewestThatReachFivePercent) {
  const SignFlip five = SignFlipTest(std::vector<double>(5, 1.0), {}).value();
  EXPECT_EQ(five.p, 2.0 / 32.0);
  EXPECT_EQ(five.smallest, five.p);
  EXPECT_EQ(SignFlipTest(std::vector<double>(6, 1.0), {}).value().p, 2.0 / 64.0);
}

TEST(SignFlipTest, RandomFlipsComeNearAllOfThem) {
  Rng rng({.seed = 5, .purpose = Purpose::kGenerator});
  std::vector<double> differences(14);
  for (double& difference : differences) {
    difference = rng.Normal() + 0.4;
  }
  const SignFlip exact = SignFlipTest(differences, {}).value();
  const SignFlip random = SignFlipTest(differences, {.exact_up_to = 0}).value();
  EXPECT_TRUE(exact.exact);
  EXPECT_FALSE(random.exact);
  // Four standard errors of a share over 9999 draws.
  EXPECT_NEAR(random.p, exact.p, 4.0 * std::sqrt(exact.p * (1.0 - exact.p) / 9999.0) + 1e-4);
}

TEST(SignFlipTest, RejectsATrueNullAboutAsOftenAsItSays) {
  Rng rng({.seed = 6, .purpose = Purpose::kGenerator});
  constexpr int kTrials = 400;
  int rejected = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> differences(40);
    for (double& difference : differences) {
      difference = rng.Normal();
    }
    rejected += SignFlipTest(differences, {.flips = 499}).value().p <= 0.05 ? 1 : 0;
  }
  // 20 expected, standard deviation 4.4.
  EXPECT_GE(rejected, 6);
  EXPECT_LE(rejected, 36);
}

TEST(SignFlipTest, UsersOfOneInstitutionAreOneWitness) {
  // 200 users agree, but all belong to two institutions.
  const std::vector<double> differences(200, 0.1);
  std::vector<std::uint32_t> clusters(200, 7);
  std::fill(clusters.begin(), clusters.begin() + 100, 3);
  EXPECT_LT(SignFlipTest(differences, {}).value().p, 0.001);
  EXPECT_EQ(ClusterSignFlipTest(differences, clusters, {}).value().p, 0.5);
}

TEST(SignFlipTest, RefusesWhatCannotBeFlipped) {
  EXPECT_EQ(SignFlipTest({}, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(SignFlipTest(std::vector{std::nan("")}, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ClusterSignFlipTest(std::vector{1.0}, {}, {}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(FairnessTest, AllEqualIsFairAndOneWinnerIsNot) {
  EXPECT_NEAR(GiniOf(std::vector<double>(10, 0.3)), 0.0, 1e-15);
  EXPECT_EQ(GiniOf(std::vector<double>(10, 0.0)), 0.0);
  std::vector<double> one(10, 0.0);
  one[4] = 2.0;
  EXPECT_DOUBLE_EQ(GiniOf(one), 0.9);
  EXPECT_EQ(WorstDecile(one), 0.0);
}

}  // namespace
}  // namespace rondo
