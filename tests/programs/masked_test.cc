#include "tests/programs/federation.h"

/// Trust mode "masked" with real processes.
namespace rondo::testing {
namespace {

using ::testing::HasSubstr;

std::string InMode(const std::string& mode, int rounds) {
  return SmallScenario(rounds, "cohort = 0\nquorum = 3") + "[privacy]\nmode = \"" + mode
         + "\"\ngrid = \"exact\"\n";
}

class MaskedProgramsTest : public FederationTest {
 protected:
  boost::json::object RecordOf(int client) const {
    return ReadJson(Path(ClientFolder(client)) / "state/masked.json");
  }
};

TEST_F(MaskedProgramsTest, TheModelHasTheBitsOfAFederationInTheClear) {
  Init(InMode("masked", 4));
  const auto coordinator = StartCoordinator();
  const auto clients = StartClients(Port());
  ASSERT_EQ(coordinator->Wait(), 0) << coordinator->err();
  for (const auto& client : clients) {
    EXPECT_EQ(client->Wait(), 0) << client->err();
    EXPECT_EQ(boost::json::parse(client->out()).at("rounds_included").as_int64(), 4);
    EXPECT_THAT(client->err(), HasSubstr("sums over clients alone"));
  }
  EXPECT_THAT(coordinator->err(), HasSubstr("trust mode 'masked'"));
  // Evaluations are masked too, one after round 4 and the test.
  const boost::json::object summary = boost::json::parse(coordinator->out()).as_object();
  EXPECT_EQ(summary.at("test").at("full").at("users").as_int64(), 72);
  EXPECT_EQ(Lines(*ReadTextFile(Path(ClientFolder(1)) / "state/receipts.jsonl")), 6U);
  const boost::json::object record = RecordOf(1);
  EXPECT_EQ(record.at("kind").as_string(), "evaluate");
  EXPECT_EQ(record.at("opened_sha256").as_string().size(), 64U);
  EXPECT_EQ(std::to_string(record.at("serial").to_number<std::uint64_t>()) + "\n",
            *ReadTextFile(Path("federation/state/masked")));

  Init(InMode("channel", 4), "clear");
  const auto other = StartCoordinator({}, "clear");
  const auto members = StartClients(Port("address", "clear"), "clear");
  ASSERT_EQ(other->Wait(), 0) << other->err();
  for (int client = 1; client <= kClients; ++client) {
    EXPECT_EQ(members[static_cast<std::size_t>(client - 1)]->Wait(), 0);
    EXPECT_EQ(KeptModel(client), KeptModel(client, "clear"));
  }
}

TEST_F(MaskedProgramsTest, AKilledClientComesBackAndJoinsNoSessionTwice) {
  Init(InMode("masked", 12));
  const auto coordinator = StartCoordinator();
  const std::string port = Port();
  auto clients = StartClients(port);
  ASSERT_TRUE(coordinator->Await([&] { return NewestSaved() >= 3; })) << coordinator->err();
  clients[0]->Signal(SIGKILL);
  ASSERT_EQ(clients[0]->Wait(), 128 + SIGKILL);
  const auto before = RecordOf(1).at("serial").to_number<std::uint64_t>();
  clients[0] = std::make_unique<Program>(ClientCommand(1, port));

  ASSERT_EQ(coordinator->Wait(), 0) << coordinator->err();
  for (const auto& client : clients) {
    EXPECT_EQ(client->Wait(), 0) << client->err();
  }
  EXPECT_GT(RecordOf(1).at("serial").to_number<std::uint64_t>(), before);
  EXPECT_EQ(KeptModel(1), KeptModel(2));
}

TEST_F(MaskedProgramsTest, AKilledCoordinatorGoesOnWithNewSessions) {
  Init(InMode("masked", 30));
  KillCoordinatorAndFinish();
}

TEST_F(MaskedProgramsTest, TwoInstitutionsAreTooFew) {
  Write(Path("scenario.toml"), SmallScenario(2, "cohort = 0") + "[privacy]\nmode = \"masked\"\n");
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
  EXPECT_EQ(end.code, 4) << end.err;
  EXPECT_THAT(end.err, HasSubstr("opens no sum of fewer than 3 clients"));
  EXPECT_FALSE(std::filesystem::exists(Path("federation")));
}

}  // namespace
}  // namespace rondo::testing
