#include "coordinator/cohort.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <gtest/gtest.h>

namespace rondo::coordinator {
namespace {

std::vector<ClientId> Clients(int count) {
  std::vector<ClientId> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back("user-" + std::to_string(i));
  }
  return clients;
}

TEST(CohortSampler, InvitesAllWithoutACohort) {
  const CohortSampler sampler({.cohort = 0}, 1);
  EXPECT_EQ(sampler.Sample(Clients(7), 1).size(), 7U);
  EXPECT_GT(sampler.enough(), 1000U);
}

TEST(CohortSampler, OverSelectionRoundsUp) {
  EXPECT_EQ(CohortSampler({.cohort = 10, .over_selection = 1.1}, 1).Sample(Clients(50), 1).size(),
            11U);
  EXPECT_EQ(CohortSampler({.cohort = 10, .over_selection = 1.11}, 1).Sample(Clients(50), 1).size(),
            12U);
  EXPECT_EQ(CohortSampler({.cohort = 10, .over_selection = 1.5}, 1).Sample(Clients(12), 1).size(),
            12U);
  EXPECT_EQ(CohortSampler({.cohort = 10, .over_selection = 1.5}, 1).enough(), 10U);
}

TEST(CohortSampler, SeedAndRoundDecide) {
  const CohortSampler sampler({.cohort = 10}, 1);
  auto shuffled = Clients(50);
  std::reverse(shuffled.begin(), shuffled.end());

  const auto cohort = sampler.Sample(Clients(50), 3);

  EXPECT_EQ(cohort, sampler.Sample(shuffled, 3));
  EXPECT_NE(cohort, sampler.Sample(Clients(50), 4));
  EXPECT_NE(cohort, CohortSampler({.cohort = 10}, 2).Sample(Clients(50), 3));
  EXPECT_TRUE(std::is_sorted(cohort.begin(), cohort.end()));
  EXPECT_EQ(std::set<ClientId>(cohort.begin(), cohort.end()).size(), 10U);
}

TEST(CohortSampler, WithoutASeedNobodyCanForesee) {
  const CohortSampler sampler({.cohort = 10}, std::nullopt);
  // Equal cohorts of 10 in 1000 have a probability below 1e-23.
  EXPECT_NE(sampler.Sample(Clients(1000), 3), sampler.Sample(Clients(1000), 3));
}

// Each of 20 clients is in a cohort of 5 with probability 1/4; alpha = 1e-6 in all (5.5 sigma
// each).
TEST(CohortSampler, IsUniform) {
  constexpr int kRounds = 20'000;
  for (const std::optional<std::uint64_t> seed :
       {std::optional<std::uint64_t>(1), std::optional<std::uint64_t>()}) {
    const CohortSampler sampler({.cohort = 5}, seed);
    std::map<ClientId, int> counts;
    for (int round = 0; round < kRounds; ++round) {
      for (const ClientId& client : sampler.Sample(Clients(20), static_cast<RoundId>(round))) {
        ++counts[client];
      }
    }
    for (const auto& [client, count] : counts) {
      EXPECT_NEAR(count, kRounds / 4, 5.5 * std::sqrt(kRounds * 0.25 * 0.75)) << client;
    }
  }
}

}  // namespace
}  // namespace rondo::coordinator
