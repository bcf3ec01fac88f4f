#include "common/crypto/certificate.h"
#include "tests/programs/federation.h"

namespace rondo::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr auto kDay = std::chrono::hours(24);

/// A federation whose coordinator waits for clients, and one who comes with wrong papers.
class CertificatesTest : public FederationTest {
 protected:
  CertificatesTest() : foreign_(MakeAuthority("foreign authority", Validity::Days(10)).value()) {
    Init(SmallScenario(3, "cohort = 0\nquorum = 3"));
    Write(Path("foreign.crt"), foreign_.certificate_pem);
    // The client's own check passes where it trusts both authorities.
    Write(Path("both.crt"), foreign_.certificate_pem + Authority().certificate_pem);
    coordinator_ = StartCoordinator();
  }

  /// The authority that init made.
  CertifiedKey Authority() const {
    return LoadCertifiedKey(Path("federation/ca.crt"), Path("federation/ca.key")).value();
  }

  /// Client 1 with this certificate, trusting the authorities in `trusted`. The last line it says;
  /// it must end at once and with exit code 2.
  std::string Refusal(const CertifiedKey& pair, const std::string& trusted) {
    EXPECT_TRUE(SaveCertifiedKey(pair, Path("wrong.crt"), Path("wrong.key")));
    const Ending end = RunToEnd(WrongCommand(trusted));
    EXPECT_EQ(end.code, 2) << end.err;
    EXPECT_THAT(end.out, IsEmpty());
    EXPECT_THAT(end.err, Not(HasSubstr("trying again")));
    EXPECT_THAT(LastLine(end.err), StartsWith("rondo-client: "));
    return LastLine(end.err);
  }

  /// What the doctor says about the papers of the last Refusal.
  std::string Doctor(const std::string& trusted) {
    Program::Options command = WrongCommand(trusted);
    command.arguments[1] = "doctor";
    std::erase(command.arguments, "--json");
    const Ending end = RunToEnd(command);
    EXPECT_EQ(end.code, 1) << end.err;
    return end.out;
  }

  Program::Options WrongCommand(const std::string& trusted) const {
    Program::Options command = ClientCommand(1, Port());
    const std::vector<std::string> sets = {
        "identity.certificate=wrong.crt", "identity.key=wrong.key", "identity.ca=" + trusted};
    for (const std::string& set : sets) {
      command.arguments.insert(command.arguments.end(), {"--set", set});
    }
    return command;
  }

  std::unique_ptr<Program> coordinator_;
  CertifiedKey foreign_;
};

TEST_F(CertificatesTest, WrongPapersAreNamedAndCostNobodyElse) {
  const auto now = std::chrono::system_clock::now();
  const Validity good = Validity::Days(10);
  const Validity past{.from = now - 3 * kDay, .until = now - kDay};
  const CertifiedKey foreign = IssueClient(foreign_, "client-1", good).value();

  EXPECT_THAT(Refusal(foreign, "both.crt"),
              HasSubstr("the peer refused us, it does not know the authority of our certificate"));
  EXPECT_THAT(coordinator_->err(), HasSubstr("its certificate was signed by a foreign authority"));
  // The last papers were these: the doctor sees what the coordinator thinks of them, not only what
  // the client does.
  EXPECT_THAT(Doctor("both.crt"),
              ContainsRegex("FAIL  reachability .*the peer refused us, it does not know the "
                            "authority of our certificate"));
  EXPECT_THAT(Refusal(foreign, "foreign.crt"),
              HasSubstr("the peer was refused, its certificate was signed by a foreign authority"));
  EXPECT_THAT(Refusal(foreign, "federation/ca.crt"),
              AllOf(HasSubstr("wrong.crt does not hold against"), HasSubstr("ask the operator")));
  EXPECT_THAT(Refusal(IssueClient(Authority(), "client-1", past).value(), "federation/ca.crt"),
              AllOf(HasSubstr("wrong.crt does not hold against"), HasSubstr("expired")));
  EXPECT_THAT(Refusal(IssueServer(Authority(), {"127.0.0.1"}, good).value(), "federation/ca.crt"),
              HasSubstr("wrong.crt names no client"));

  const auto clients = StartClients(Port());
  EXPECT_EQ(coordinator_->Wait(), 0) << coordinator_->err();
  for (const auto& client : clients) {
    EXPECT_EQ(client->Wait(), 0) << client->err();
  }
}

}  // namespace
}  // namespace rondo::testing
