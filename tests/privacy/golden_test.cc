// Compares with quadratures of the definitions by scripts/reference/privacy_golden.py.
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "common/privacy/accountant.h"
#include "common/privacy/rdp.h"

namespace rondo {
namespace {

TEST(PrivacyGoldenTest, AgreesWithQuadrature) {
  std::ifstream in(RONDO_GOLDEN_DIR "/accountants.txt");
  int cases = 0;
  std::string kind;
  while (in >> kind) {
    NoisyRounds rounds;
    double order = 0.0;
    double epsilon = 0.0;
    double expected = 0.0;
    in >> rounds.rate >> rounds.noise;
    if (kind == "rdp") {
      in >> order >> expected;
      EXPECT_NEAR(SampledGaussianRdp(rounds.rate, rounds.noise, order) / expected, 1.0, 1e-9)
          << rounds.rate << ' ' << rounds.noise << ' ' << order;
    } else {
      in >> rounds.rounds >> epsilon >> expected;
      const auto bound = DeltaOf(rounds, Accountant::kPld, epsilon);
      ASSERT_TRUE(bound);
      EXPECT_GE(bound.value().value, expected * (1.0 - 1e-9)) << rounds.rate << ' ' << epsilon;
      EXPECT_LE(bound.value().value, expected * (1.0 + 1e-5)) << rounds.rate << ' ' << epsilon;
    }
    ++cases;
  }
  EXPECT_EQ(cases, 17);
}

}  // namespace
}  // namespace rondo
