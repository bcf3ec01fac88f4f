#include "client/papers.h"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/file.h"
#include "common/core/text_bytes.h"
#include "tests/support/temporary_folder.h"

namespace rondo::client {
namespace {

using ::testing::HasSubstr;

class PapersTest : public ::testing::Test {
 protected:
  Papers Open() const {
    Papers::Own own{.id = "north",
                    .key = SigningKey::FromPrivate(key_.private_key()).value(),
                    .governance = governance_.public_key(),
                    .federation = std::string(64, 'a')};
    return Papers::Open(std::move(own), folder_.path()).value();
  }

  /// A roster of north, with its key unless told otherwise, and south.
  Roster MakeRoster(std::uint64_t version) const {
    return {.federation = std::string(64, 'a'),
            .version = version,
            .entries = {{.id = "north", .key = key_.public_key()},
                        {.id = "south", .key = other_.public_key()}}};
  }

  std::string Signed(const Roster& roster) const { return SignRoster(roster, governance_)->Text(); }

  testing::TemporaryFolder folder_;
  SigningKey key_ = SigningKey::Generate();
  SigningKey other_ = SigningKey::Generate();
  SigningKey governance_ = SigningKey::Generate();
};

TEST_F(PapersTest, ARosterThatHoldsIsKeptAcrossRestarts) {
  Papers papers = Open();
  EXPECT_EQ(papers.roster(), nullptr);

  ASSERT_TRUE(papers.TakeRoster(Signed(MakeRoster(2))));
  ASSERT_TRUE(papers.TakeRoster(Signed(MakeRoster(2)))) << "told twice";
  ASSERT_TRUE(papers.TakeRoster(Signed(MakeRoster(3))));

  EXPECT_EQ(papers.roster()->roster.version, 3U);
  EXPECT_EQ(Open().roster()->Text(), papers.roster()->Text());
}

TEST_F(PapersTest, ALyingCoordinatorIsCaught) {
  Papers papers = Open();
  ASSERT_TRUE(papers.TakeRoster(Signed(MakeRoster(2))));
  const std::string accepted = papers.roster()->Text();
  Roster invented = MakeRoster(3);
  invented.entries.push_back({.id = "sybil", .key = SigningKey::Generate().public_key()});
  Roster elsewhere = MakeRoster(3);
  elsewhere.federation = std::string(64, 'b');
  Roster same_version = MakeRoster(2);
  same_version.entries.pop_back();

  // Signed by somebody else; an older version; a second list of one version; another federation.
  EXPECT_EQ(papers.TakeRoster(SignRoster(invented, other_)->Text()).error().code,
            ErrorCode::kUnauthenticated);
  EXPECT_EQ(papers.TakeRoster(Signed(MakeRoster(1))).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(papers.TakeRoster(Signed(same_version)).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(papers.TakeRoster(Signed(elsewhere)).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(papers.TakeRoster("nonsense").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(Open().TakeRoster(Signed(MakeRoster(1))).error().code, ErrorCode::kUnauthenticated)
      << "the version is remembered across restarts";
  EXPECT_EQ(papers.roster()->Text(), accepted);
}

TEST_F(PapersTest, ARosterWithoutThisClientAndItsKeyIsNotAccepted) {
  Papers papers = Open();
  Roster without = MakeRoster(2);
  without.entries.erase(without.entries.begin());
  Roster wrong_key = MakeRoster(2);
  wrong_key.entries[0].key = SigningKey::Generate().public_key();

  for (const Roster& roster : {without, wrong_key}) {
    EXPECT_EQ(papers.TakeRoster(Signed(roster)).error().code, ErrorCode::kFailedPrecondition);
  }
  EXPECT_EQ(papers.roster(), nullptr);
}

TEST_F(PapersTest, AKeptRosterThatWasChangedIsFoundAtTheStart) {
  Papers papers = Open();
  ASSERT_TRUE(papers.TakeRoster(Signed(MakeRoster(2))));
  std::string text = papers.roster()->Text();
  text.replace(text.find("version 2"), 9, "version 1");
  ASSERT_TRUE(WriteTextFile(folder_.path() / "roster.signed", text));

  Papers::Own own{.id = "north", .key = SigningKey::Generate(), .federation = std::string(64, 'a')};
  own.governance = governance_.public_key();
  EXPECT_EQ(Papers::Open(std::move(own), folder_.path()).error().code, ErrorCode::kUnauthenticated);
}

TEST_F(PapersTest, AReceiptIsSignedToTheByte) {
  Papers papers = Open();
  ASSERT_TRUE(papers.NoteSent({.run_id = "r1",
                               .round = 7,
                               .kind = OfferKind::kEvaluate,
                               .model_sha256 = std::string(64, '1'),
                               .contribution_sha256 = std::string(64, '2'),
                               .bytes = 250,
                               .server_key_sha256 = std::string(64, '3')}));
  ASSERT_TRUE(papers.NoteSent({.run_id = "r1", .round = 8}));

  const std::string text = ReadTextFile(folder_.path() / "receipts.jsonl").value();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  const std::string line = text.substr(0, text.find('\n'));
  const boost::json::object receipt = boost::json::parse(line).as_object();
  EXPECT_EQ(receipt.at("round").as_int64(), 7);
  EXPECT_EQ(receipt.at("kind").as_string(), "evaluate");
  EXPECT_EQ(receipt.at("contribution_sha256").as_string(), std::string(64, '2'));
  EXPECT_EQ(receipt.at("server_key_sha256").as_string(), std::string(64, '3'));
  const std::string signed_part = line.substr(0, line.find(",\"signature\":\""));
  const Bytes signature = FromHex(std::string(receipt.at("signature").as_string())).value();
  EXPECT_TRUE(VerifySignature(key_.public_key(), AsBytes(signed_part), signature));
  EXPECT_EQ(std::filesystem::status(folder_.path() / "receipts.jsonl").permissions(),
            std::filesystem::perms(0600));
}

}  // namespace
}  // namespace rondo::client
