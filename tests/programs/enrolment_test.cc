#include "common/crypto/certificate_request.h"
#include "tests/programs/federation.h"

namespace rondo::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto kDay = std::chrono::hours(24);

/// A federation whose members enrol: `north` from its invitation to the end of its membership.
class EnrolmentTest : public FederationTest {
 protected:
  /// A federation that waits for as many newcomers, and rounds enough to watch.
  void Found(int expect, int rounds) {
    Write(Path("scenario.toml"), SmallScenario(rounds, "cohort = 0\nquorum = 1"));
    Write(Path("catalogue.tsv"), SmallCatalogue());
    Write(Path("log/log.inter"), SmallLog(24));
    const Ending end = RunToEnd(Command({"rondo-coordinator",
                                         "init",
                                         "--scenario",
                                         "scenario.toml",
                                         "--catalogue",
                                         "catalogue.tsv",
                                         "--expect",
                                         std::to_string(expect),
                                         "--host",
                                         "127.0.0.1",
                                         "--port",
                                         "0",
                                         "--out",
                                         "federation"}));
    ASSERT_EQ(end.code, 0) << end.err;
    EXPECT_THAT(end.err, HasSubstr("rondo-coordinator invite NAME"));
  }

  Ending Coordinator(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "rondo-coordinator");
    return RunToEnd(Command(std::move(arguments), "verb"));
  }

  Ending OfFederation(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--config", "federation/coordinator.toml"});
    return Coordinator(std::move(arguments));
  }

  Ending Enroll(const std::string& token, const std::string& folder) {
    return RunToEnd(Command(
        {"rondo-client", "enroll", token, "--coordinator", "127.0.0.1:" + Port(), "--out", folder},
        "enroll"));
  }

  std::string Invite(const std::string& name) {
    const Ending end = OfFederation({"invite", name});
    EXPECT_EQ(end.code, 0) << end.err;
    return end.out.substr(0, end.out.find('\n'));
  }

  Program::Options North(const std::string& verb) const {
    return Command({"rondo-client",
                    verb,
                    "--config",
                    "north/client.toml",
                    "--set",
                    "coordinator.port=" + Port(),
                    "--set",
                    "data.path=log",
                    "--set",
                    "client.threads=1"},
                   "north-" + verb);
  }

  /// Signs the members of now outside the coordinator and hands the list in.
  void PublishRoster() {
    const Ending exported = OfFederation({"roster", "export"});
    ASSERT_EQ(exported.code, 0) << exported.err;
    Write(Path("roster.txt"), exported.out);
    const Ending sign = Coordinator({"roster",
                                     "sign",
                                     "roster.txt",
                                     "--key",
                                     "federation/governance.key",
                                     "--out",
                                     "roster.signed"});
    ASSERT_EQ(sign.code, 0) << sign.err;
    const Ending publish = OfFederation({"roster", "publish", "roster.signed"});
    ASSERT_EQ(publish.code, 0) << publish.err;
  }

  std::string Audit() const { return *ReadTextFile(Path("federation/state/audit.jsonl")); }
};

TEST_F(EnrolmentTest, ANewcomerComesTakesPartRenewsAndIsRevoked) {
  Found(1, 100000);
  const std::string token = Invite("north");
  const auto coordinator = StartCoordinator({"--set", "server.expected_wait_s=0"});

  const Ending enrolled = Enroll(token, "north");
  ASSERT_EQ(enrolled.code, 0) << enrolled.err;
  for (const char* key : {"client.key", "roster.key"}) {
    EXPECT_EQ(std::filesystem::status(Path("north") / key).permissions(),
              std::filesystem::perms(0600));
  }
  const Ending again = Enroll(token, "thief");
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("the token was used already"));

  const Ending doctor = RunToEnd(North("doctor"));
  EXPECT_EQ(doctor.code, 0) << doctor.out;

  // Two thirds of this certificate's life are over.
  const CertifiedKey authority =
      LoadCertifiedKey(Path("federation/ca.crt"), Path("federation/ca.key")).value();
  const std::string key_pem = *ReadTextFile(Path("north/client.key"));
  const auto now = std::chrono::system_clock::now();
  const std::string old = IssueFromRequest(authority,
                                           MakeRequest(key_pem)->der,
                                           "north",
                                           {.from = now - 25 * kDay, .until = now + 5 * kDay})
                              .value();
  ASSERT_TRUE(WriteTextFile(Path("north/client.crt"), old));
  Program north(North("run"));
  ASSERT_TRUE(north.AwaitError("renewed the certificate")) << north.err();
  EXPECT_GT(InspectCertificate(*ReadTextFile(Path("north/client.crt")))->not_after,
            now + 29 * kDay);
  ASSERT_TRUE(north.AwaitError("this client's update is part of the model")) << north.err();

  PublishRoster();
  ASSERT_TRUE(north.AwaitError("roster: version 1 with 1 members")) << north.err();
  const Ending roster = RunToEnd(North("roster"));
  EXPECT_THAT(roster.out,
              AllOf(HasSubstr("version 1"), HasSubstr("north"), HasSubstr("this client")));

  Program::Options renewal = Command({"rondo-client",
                                      "enroll",
                                      "--renew",
                                      "--config",
                                      "north/client.toml",
                                      "--set",
                                      "coordinator.port=" + Port()},
                                     "renew");
  const Ending renewed = RunToEnd(renewal);
  EXPECT_EQ(renewed.code, 0) << renewed.err;

  const Ending revoked = OfFederation({"revoke", "north"});
  ASSERT_EQ(revoked.code, 0) << revoked.err;
  EXPECT_EQ(north.Wait(), 2);
  EXPECT_THAT(north.err(), HasSubstr("was revoked"));
  EXPECT_EQ(RunToEnd(renewal).code, 2);

  coordinator->Signal(SIGINT);
  coordinator->Wait();
  for (const char* event : {"founded",
                            "invited",
                            "started",
                            "enrolled",
                            "refused",
                            "renewed",
                            "round",
                            "release",
                            "roster",
                            "revoked"}) {
    EXPECT_THAT(Audit(), HasSubstr(std::string("\"event\":\"") + event + "\"")) << event;
  }
  const Ending verified = OfFederation({"audit", "verify"});
  EXPECT_EQ(verified.code, 0) << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("lines hold"));
  // What reached the coordinator's folder of keys: none of them.
  const std::string database = *ReadTextFile(Path("federation/state/members.db"));
  EXPECT_THAT(database, Not(HasSubstr("PRIVATE KEY")));
  EXPECT_THAT(database, Not(HasSubstr(token.substr(0, 40))));
}

TEST_F(EnrolmentTest, TheChainOfTheLogOutlivesAKillAndShowsAChange) {
  Found(1, 100000);
  const auto coordinator = StartCoordinator();
  coordinator->Signal(SIGKILL);
  coordinator->Wait();
  const std::string whole = Audit();
  ASSERT_TRUE(WriteTextFile(Path("federation/state/audit.jsonl"), whole + R"({"seq":3,"ti)"));

  const Ending torn = OfFederation({"audit", "verify"});
  EXPECT_EQ(torn.code, 0);
  EXPECT_THAT(torn.out, HasSubstr("half a line"));
  const auto restarted = StartCoordinator();
  EXPECT_EQ(OfFederation({"audit", "verify"}).code, 0);
  EXPECT_THAT(Audit(), HasSubstr("\"event\":\"healed\""));
  restarted->Signal(SIGKILL);
  restarted->Wait();

  std::string changed = Audit();
  changed.replace(changed.find("\"clients\":0"), 11, "\"clients\":9");
  ASSERT_TRUE(WriteTextFile(Path("federation/state/audit.jsonl"), changed));
  const Ending broken = OfFederation({"audit", "verify"});
  EXPECT_EQ(broken.code, 1);
  EXPECT_THAT(broken.err, HasSubstr("audit.jsonl:1: its digest does not fit"));
}

TEST_F(EnrolmentTest, ARosterOfAnotherKeyIsNotPublished) {
  Found(1, 3);
  const Ending exported = OfFederation({"roster", "export"});
  Write(Path("roster.txt"), exported.out);
  ASSERT_EQ(Coordinator({"roster", "key", "--out", "other.key"}).code, 0);
  ASSERT_EQ(
      Coordinator({"roster", "sign", "roster.txt", "--key", "other.key", "--out", "roster.signed"})
          .code,
      0);

  const Ending publish = OfFederation({"roster", "publish", "roster.signed"});

  EXPECT_EQ(publish.code, 2);
  EXPECT_THAT(publish.err, HasSubstr("is governed by"));
  EXPECT_FALSE(std::filesystem::exists(Path("federation/roster.signed")));
}

}  // namespace
}  // namespace rondo::testing
