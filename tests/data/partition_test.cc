#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/rng.h"
#include "tests/data/data_files.h"

namespace rondo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// `users` users who like one of four genres each; zip codes and jobs as attributes.
Dataset MakeDataset(int users) {
  Dataset dataset;
  std::vector<std::string> ids;
  std::vector<std::vector<std::string>> values;
  for (int i = 0; i < 40; ++i) {
    ids.push_back(std::to_string(i));
    values.push_back({"genre" + std::to_string(i % 4)});
  }
  dataset.catalogue =
      std::make_shared<const Catalogue>(*Catalogue::Create(ids, {"genres"}, values));
  for (int u = 0; u < users; ++u) {
    UserSequence user{.user = std::to_string(u)};
    for (int j = 0; j < 5; ++j) {
      user.rows.push_back(1 + u % 4 + 4 * ((u + j) % 10));
    }
    user.train_size = user.rows.size();
    user.attributes = {{"job", u % 3 == 0 ? "" : "job" + std::to_string(u % 3)},
                       {"zip", std::to_string(10000 + 7919 * u)}};
    dataset.users.push_back(std::move(user));
  }
  return dataset;
}

std::vector<ClientShard> Partition(const Dataset& dataset, const DataConfig& config) {
  auto shards = PartitionClients(dataset, config);
  RONDO_CHECK(shards.has_value()) << shards.error().message;
  return std::move(shards).value();
}

class PartitionRuleTest : public ::testing::TestWithParam<const char*> {};

TEST_P(PartitionRuleTest, EveryUserHasExactlyOneClient) {
  for (const int users : {8, 57, 400}) {
    const Dataset dataset = MakeDataset(users);
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const auto shards =
          Partition(dataset, {.clients = GetParam(), .institutions = 8, .seed = seed});
      std::vector<int> seen(dataset.users.size());
      for (const ClientShard& shard : shards) {
        EXPECT_FALSE(shard.users.empty());
        for (const std::uint32_t user : shard.users) {
          ++seen[user];
        }
      }
      EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](int n) { return n == 1; }));
      EXPECT_TRUE(std::is_sorted(
          shards.begin(), shards.end(), [](const auto& a, const auto& b) { return a.id < b.id; }));
    }
  }
}

TEST_P(PartitionRuleTest, SameSeedGivesTheSamePartition) {
  const Dataset dataset = MakeDataset(100);
  const DataConfig config{.clients = GetParam(), .seed = 9};
  const auto one = Partition(dataset, config);
  const auto two = Partition(dataset, config);
  ASSERT_EQ(one.size(), two.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].id, two[i].id);
    EXPECT_EQ(one[i].users, two[i].users);
  }
}

INSTANTIATE_TEST_SUITE_P(Rules,
                         PartitionRuleTest,
                         ::testing::Values("user",
                                           "column:job",
                                           "column:zip:1",
                                           "dirichlet:0.1",
                                           "dirichlet:100",
                                           "dirichlet:0.0001",
                                           "lognormal:0.5",
                                           "lognormal:3"));

TEST(PartitionTest, ColumnValuesAndPrefixesNameTheClients) {
  const Dataset dataset = MakeDataset(9);
  const auto jobs = Partition(dataset, {.clients = "column:job"});
  ASSERT_EQ(jobs.size(), 3U);
  EXPECT_EQ(jobs[0].id, "job1");
  EXPECT_THAT(jobs[0].users, ElementsAre(1, 4, 7));
  EXPECT_EQ(jobs[2].id, "unknown");
  const auto zips = Partition(dataset, {.clients = "column:zip:1"});
  EXPECT_EQ(zips.front().id, "1");
}

/// Mean over institutions of the largest genre share: 1/4 when even, 1 when every institution has
/// one genre.
double Concentration(const Dataset& dataset, double alpha) {
  double sum = 0.0;
  int count = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    for (const ClientShard& shard :
         Partition(dataset, {.clients = "dirichlet:" + std::to_string(alpha), .seed = seed})) {
      std::map<std::uint32_t, double> genres;
      for (const std::uint32_t user : shard.users) {
        genres[user % 4] += 1.0 / static_cast<double>(shard.users.size());
      }
      sum += std::max_element(genres.begin(), genres.end(), [](auto& a, auto& b) {
               return a.second < b.second;
             })->second;
      ++count;
    }
  }
  return sum / count;
}

TEST(PartitionTest, SmallAlphaConcentratesGenres) {
  const Dataset dataset = MakeDataset(800);
  EXPECT_LT(Concentration(dataset, 1000.0), 0.36);
  EXPECT_GT(Concentration(dataset, 0.05), 0.7);
}

TEST(PartitionTest, SigmaSpreadsTheSizes) {
  const Dataset dataset = MakeDataset(800);
  const auto largest = [&](const char* rule) {
    std::size_t most = 0;
    for (const ClientShard& shard : Partition(dataset, {.clients = rule})) {
      most = std::max(most, shard.users.size());
    }
    return most;
  };
  EXPECT_LE(largest("lognormal:0.001"), 102U);
  EXPECT_GT(largest("lognormal:3"), 300U);
  EXPECT_GT(largest("lognormal:20"), 600U);
}

TEST(PartitionTest, WrongRulesAreRefused) {
  const Dataset dataset = MakeDataset(10);
  const auto message = [&](const char* rule, int institutions = 2) {
    return PartitionClients(dataset, {.clients = rule, .institutions = institutions})
        .error()
        .message;
  };
  EXPECT_THAT(message("town"), HasSubstr("lognormal:SIGMA, got 'town'"));
  EXPECT_THAT(message("column:town"), HasSubstr("'town', which the file of the users lacks"));
  for (const char* const rule :
       {"column:zip:x", "column:zip:0", "column:zip:1.5", "column:zip:1e300", "column:zip:1:2"}) {
    EXPECT_THAT(message(rule), HasSubstr("1 to 1000 letters")) << rule;
  }
  EXPECT_THAT(message("dirichlet:-1"), HasSubstr("positive number"));
  EXPECT_THAT(message("dirichlet:1e308"), HasSubstr("up to 1000000"));
  EXPECT_THAT(message("lognormal:1000"), HasSubstr("up to 20"));
  EXPECT_THAT(message("dirichlet:1", 11), HasSubstr("1 to the 10 users"));
}

}  // namespace
}  // namespace rondo
