#pragma once

#include <cstdint>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/config/scenario.h"
#include "common/core/file.h"
#include "simulations/compare_runs.h"
#include "tests/support/temporary_folder.h"

namespace rondo::testing {

/// What a made-up run directory holds. `value` gives NDCG@10 of user 0, 1, ... on the test split.
struct MadeRun {
  std::string strategy = "fedavg";
  std::uint64_t seed = 1;
  int users = 30;
  int users_a_client = 1;
  std::string fingerprint = "aaaa";
  std::string catalogue = "bbbb";
  std::string split = "leave_one_out";
  std::string attack = "none";
  double strength = 0.0;
  std::function<double(int)> value = [](int user) {
    return user % 3 == 0 ? 0.5 : 0.1;
  };
  std::vector<double> validation = {0.1, 0.2};  ///< at rounds 10, 20, ...; a round sends 100 bytes
  double simulated = 0.0;                       ///< seconds a round; 0: no virtual clock
};

class CompareFixture : public ::testing::Test {
 protected:
  std::filesystem::path Make(const std::string& name, const MadeRun& run) const {
    const std::filesystem::path folder = folder_ / name;
    Scenario scenario;
    scenario.seed = run.seed;
    scenario.strategy.name = run.strategy;
    scenario.data.split = run.split;
    scenario.attack.name = run.attack;
    scenario.attack.share = run.attack == "none" ? 0.0 : 0.2;
    scenario.attack.strength = run.strength;
    scenario.data.path = folder / "data";
    std::string users = "user_id\tmethod\tclient_id\tfull/ndcg@10\tfull/hr@10\n";
    for (int user = 0; user < run.users; ++user) {
      users += fmt::format("u{}\tfederated model\tc{}\t{:.9g}\t1\n",
                           user,
                           user / run.users_a_client,
                           run.value(user));
    }
    for (int user = 0; user < run.users; ++user) {
      users += fmt::format("u{}\tpopularity\tc0\t0.25\t0.5\n", user);
    }
    std::string rounds;
    for (std::size_t step = 0; step < run.validation.size(); ++step) {
      for (std::size_t round = 10 * step + 1; round <= 10 * step + 10; ++round) {
        rounds += fmt::format(
            R"({{"event":"round","round":{},"bytes_up":60,"bytes_down":40,"seconds":2{}}})",
            round,
            run.simulated > 0.0 ? fmt::format(R"(,"simulated_seconds":{})", run.simulated) : "");
        rounds += "\n";
      }
      rounds += fmt::format(
          R"({{"event":"validation","round":{},"bytes_up":7,"validation":{{"full/ndcg@10":{}}}}})",
          10 * step + 10,
          run.validation[step]);
      rounds += "\n";
    }
    const auto write = [&](const char* file, const std::string& text) {
      EXPECT_TRUE(WriteTextFile(folder / file, text));
    };
    EXPECT_TRUE(MakeFolder(folder));
    write("config.toml", ScenarioToToml(scenario));
    write("meta.json",
          fmt::format(R"({{"data_fingerprint":"{}","catalogue_sha256":"{}"}})",
                      run.fingerprint,
                      run.catalogue));
    write("summary.json",
          fmt::format(
              R"({{"rounds":20,"bytes_up":1200,"bytes_down":814,"seconds":50,"test":{{}}{}}})",
              run.simulated > 0.0 ? fmt::format(R"(,"simulated_seconds":{})", 20 * run.simulated)
                                  : ""));
    write("per_user.tsv", users);
    write("rounds.jsonl", rounds);
    return folder;
  }

  sim::RunRecord Read(const std::string& name, const MadeRun& run) const {
    return sim::ReadRun(Make(name, run)).value();
  }

  TemporaryFolder folder_;
};

}  // namespace rondo::testing
