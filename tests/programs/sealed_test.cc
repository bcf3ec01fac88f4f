#include "common/crypto/key_file.h"
#include "common/io/json.h"
#include "tests/programs/federation.h"

namespace rondo::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Federations in trust mode "sealed".
class SealedFederationTest : public FederationTest {
 protected:
  static std::string Scenario(const std::string& mode) {
    return SmallScenario(3, "cohort = 0\nquorum = 3") + "\n[privacy]\nmode = \"" + mode + "\"\n";
  }

  /// Runs the clients of a coordinator that listens, until all is over.
  void Finish(Program& coordinator, const std::string& folder = "federation") {
    Await(coordinator, StartClients(Port("address", folder), folder));
  }

  static void Await(Program& coordinator, const std::vector<std::unique_ptr<Program>>& clients) {
    ASSERT_EQ(coordinator.Wait(), 0) << coordinator.err();
    for (const auto& client : clients) {
      EXPECT_EQ(client->Wait(), 0) << client->err();
      EXPECT_EQ(boost::json::parse(client->out()).at("rounds_included").as_int64(), 3);
    }
  }

  Ending OfClient(std::vector<std::string> verb, int client = 1) {
    verb.insert(verb.begin(), "rondo-client");
    verb.insert(verb.end(),
                {"--config",
                 ClientFolder(client) + "/client.toml",
                 "--set",
                 fmt::format("data.path=log-{}", client)});
    return RunToEnd(Command(std::move(verb), "verb"));
  }

  Ending Coordinator(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "rondo-coordinator");
    return RunToEnd(Command(std::move(arguments), "verb"));
  }
};

TEST_F(SealedFederationTest, EndsWithTheModelOfChannelAndReceiptsThatHold) {
  Init(Scenario("sealed"));
  const auto key = LoadSealingKey(Path("federation/aggregation.key"));
  ASSERT_TRUE(key) << "made, and readable by its owner alone: " << key.error().message;
  const auto coordinator = StartCoordinator();
  EXPECT_THAT(coordinator->err(), HasSubstr("trust mode 'sealed'"));
  Finish(*coordinator);
  EXPECT_EQ(ReadJson(Path("federation/state/summary.json")).at("void_rounds").as_int64(), 0);

  const Ending roster = OfClient({"roster"});
  EXPECT_THAT(roster.out, HasSubstr("sealed to " + ToHex(key->public_key())));
  const Ending receipts = OfClient({"receipts", "verify"});
  EXPECT_EQ(receipts.code, 0) << receipts.err;
  EXPECT_THAT(receipts.out, AllOf(HasSubstr("receipts hold"), HasSubstr(": 3 updates, ")));

  Init(Scenario("channel"), "calm");
  const auto calm = StartCoordinator({}, "calm");
  Finish(*calm, "calm");
  EXPECT_EQ(KeptModel(1), KeptModel(1, "calm"));

  const auto file = Path(ClientFolder(1)) / "state/receipts.jsonl";
  std::string text = *ReadTextFile(file);
  text.replace(text.find("\"round\":2"), 9, "\"round\":7");
  ASSERT_TRUE(WriteTextFile(file, text));
  const Ending forged = OfClient({"receipts", "verify"});
  EXPECT_EQ(forged.code, 1);
  EXPECT_THAT(forged.out, IsEmpty());
  EXPECT_THAT(forged.err, HasSubstr("its signature does not hold"));
}

TEST_F(SealedFederationTest, WaitsForTheRosterThatGovernanceSigns) {
  const Ending made = Coordinator({"roster", "key", "--out", "governance.key"});
  ASSERT_EQ(made.code, 0) << made.err;
  Init(Scenario("sealed"), "federation", {"--governance", "governance.pub"});
  const auto coordinator = StartCoordinator();
  const auto clients = StartClients(Port());
  ASSERT_TRUE(coordinator->AwaitError("waiting for a signed roster")) << coordinator->err();
  const Ending exported =
      Coordinator({"roster", "export", "--config", "federation/coordinator.toml"});
  const auto key = LoadSealingKey(Path("federation/aggregation.key"));
  EXPECT_THAT(exported.out, HasSubstr("\naggregation " + ToHex(key->public_key()) + "\nmember "));

  // A roster without the key is left aside.
  std::string without = exported.out;
  const std::size_t line = without.find("aggregation ");
  without.erase(line, without.find('\n', line) + 1 - line);
  const std::vector<std::string> sign = {
      "roster", "sign", "roster.txt", "--key", "governance.key", "--out", "roster.signed"};
  const std::vector<std::string> publish = {
      "roster", "publish", "roster.signed", "--config", "federation/coordinator.toml"};
  Write(Path("roster.txt"), without);
  ASSERT_EQ(Coordinator(sign).code, 0);
  const Ending refused = Coordinator(publish);
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("does not name the key of files.aggregation_key"));

  Write(Path("roster.txt"), exported.out);
  ASSERT_EQ(Coordinator(sign).code, 0);
  const Ending published = Coordinator(publish);
  ASSERT_EQ(published.code, 0) << published.err;
  Await(*coordinator, clients);
}

TEST_F(SealedFederationTest, IsRehearsedByPoc) {
  Write(Path("data/log.inter"), SmallLog(60));
  Write(Path("scenario.toml"), SmallScenario(2, "cohort = 8\nquorum = 2"));
  const Ending end = RunToEnd(Command({"rondo-sim",
                                       "poc",
                                       "--clients",
                                       "2",
                                       "scenario.toml",
                                       "--out",
                                       "poc",
                                       "--set",
                                       "privacy.mode=sealed"}));
  ASSERT_EQ(end.code, 0) << end.err;
  EXPECT_THAT(*ReadTextFile(Path("poc/coordinator.log")),
              AllOf(HasSubstr("trust mode 'sealed'"), HasSubstr("\nround 2: 2 of 2 clients")));
}

}  // namespace
}  // namespace rondo::testing
