#include <algorithm>
#include <sstream>

#include "tests/programs/federation.h"

/// Item features and roles of events from init to recommendations, with the programs as their users
/// start them.
namespace rondo::testing {
namespace {

using ::testing::HasSubstr;

std::string FeatureScenario(const std::string& features) {
  std::string scenario = SmallScenario(3, "cohort = 0\nquorum = 3");
  scenario.insert(scenario.find("[model]"),
                  "events = { see = \"input\", take = \"both\", drop = \"negative\" }\n");
  scenario.insert(scenario.find("[client]"),
                  "features = [\"" + features + "\"]\nfusion = \"gate\"\n");
  return scenario;
}

/// SmallLog with a name a row: every third event is only seen, every seventh is a rejection.
std::string TypedLog(int first) {
  std::string text;
  int row = 0;
  std::istringstream lines(SmallLog(24, first));
  for (std::string line; std::getline(lines, line); ++row) {
    const char* name = row % 7 == 6 ? "drop" : row % 3 == 1 ? "see" : "take";
    text += line + (row == 0 ? "\tevent:token" : std::string("\t") + name) + "\n";
  }
  return text;
}

class FeaturesTest : public FederationTest {
 protected:
  void InitWithRoles() {
    Init(FeatureScenario("kinds"));
    for (int client = 1; client <= kClients; ++client) {
      Write(Path(fmt::format("log-{}/log.inter", client)), TypedLog(100 * client));
    }
  }

  Ending Client(const std::vector<std::string>& verb) {
    std::vector<std::string> arguments = {"rondo-client"};
    arguments.insert(arguments.end(), verb.begin(), verb.end());
    for (const std::string& more : {std::string("--config"),
                                    ClientFolder(1) + "/client.toml",
                                    std::string("--set"),
                                    std::string("data.path=log-1"),
                                    std::string("--json")}) {
      arguments.push_back(more);
    }
    return RunToEnd(Command(arguments, "verb-" + verb[0]));
  }
};

TEST_F(FeaturesTest, TravelFromInitToRecommendations) {
  InitWithRoles();
  EXPECT_THAT(*ReadTextFile(Path(ClientFolder(1) + "/client.toml")),
              HasSubstr("events = { drop = \"negative\", see = \"input\", take = \"both\" }"));
  const auto coordinator = StartCoordinator();
  const auto clients = StartClients(Port());
  ASSERT_EQ(coordinator->Wait(), 0) << coordinator->err();
  for (const auto& client : clients) {
    EXPECT_EQ(client->Wait(), 0) << client->err();
    EXPECT_EQ(boost::json::parse(client->out()).at("rounds_included").as_int64(), 3);
  }
  EXPECT_EQ(KeptModel(1), KeptModel(2));

  const Ending list = Client({"recommend", "--user", "u101", "-k", "3"});
  ASSERT_EQ(list.code, 0) << list.err;
  EXPECT_EQ(boost::json::parse(list.out).at("items").as_array().size(), 3U);
  const Ending worth = Client({"evaluate"});
  EXPECT_EQ(worth.code, 0) << worth.err;
}

TEST_F(FeaturesTest, ADryRunShowsTheFeatureTable) {
  InitWithRoles();
  const Ending end = Client({"run", "--dry-run", "--scenario", "scenario.toml"});
  ASSERT_EQ(end.code, 0) << end.err;
  const boost::json::value report = boost::json::parse(end.out);
  const boost::json::array& tensors = report.at("tensors").as_array();
  const auto found = std::find_if(tensors.begin(), tensors.end(), [](const auto& tensor) {
    return tensor.at("name").as_string() == "feature.weight";
  });
  ASSERT_NE(found, tensors.end());
  EXPECT_EQ(found->at("shape").as_array().at(0).as_int64(), 8) << "k0..k2 and m0..m4";
  EXPECT_GT(found->at("norm").to_number<double>(), 0.0);
}

TEST_F(FeaturesTest, InitRefusesAColumnThatTheCatalogueLacks) {
  Write(Path("scenario.toml"), FeatureScenario("kind"));
  Write(Path("catalogue.tsv"), SmallCatalogue());
  const Ending end = RunToEnd(Command({"rondo-coordinator",
                                       "init",
                                       "--scenario",
                                       "scenario.toml",
                                       "--catalogue",
                                       "catalogue.tsv",
                                       "--clients",
                                       "2",
                                       "--out",
                                       "federation"}));
  EXPECT_EQ(end.code, 4);
  EXPECT_THAT(end.err, HasSubstr("no column 'kind'; it has title or kinds; did you mean 'kinds'?"));
  EXPECT_FALSE(std::filesystem::exists(Path("federation"))) << "nothing half made";
}

}  // namespace
}  // namespace rondo::testing
