#include "coordinator/audit_log.h"

#include <filesystem>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/file.h"
#include "common/crypto/sha256.h"
#include "coordinator/line_budget.h"
#include "tests/support/temporary_folder.h"

namespace rondo::coordinator {
namespace {

using ::testing::HasSubstr;

class AuditLogTest : public ::testing::Test {
 protected:
  void Append(const std::vector<std::string>& events) const {
    AuditLog log = AuditLog::Open(folder_.path()).value();
    for (const std::string& event : events) {
      ASSERT_TRUE(log.Append(event, {{"client", "north"}}));
    }
  }

  std::string Text() const { return ReadTextFile(File()).value(); }

  void Replace(const std::string& text) const { ASSERT_TRUE(WriteTextFile(File(), text)); }

  std::filesystem::path File() const { return folder_.path() / "audit.jsonl"; }

  testing::TemporaryFolder folder_;
};

TEST_F(AuditLogTest, EveryLineFollowsTheOneBefore) {
  Append({"invited", "enrolled"});
  Append({"revoked"});

  const AuditVerdict verdict = VerifyAudit(File()).value();
  EXPECT_EQ(verdict.lines, 3U);
  EXPECT_EQ(verdict.torn, 0U);
  // The definition by hand, for the first line.
  const std::string text = Text();
  const std::string first = text.substr(0, text.find('\n'));
  const std::size_t cut = first.find(",\"sha256\":\"");
  const boost::json::object line = boost::json::parse(first).as_object();
  EXPECT_EQ(line.at("sha256").as_string(), Sha256Hex(AsBytes(first.substr(0, cut))));
  EXPECT_EQ(line.at("prev").as_string(), std::string(64, '0'));
  EXPECT_EQ(line.at("event").as_string(), "invited");
  EXPECT_EQ(line.at("fields").at("client").as_string(), "north");
  const std::string rest = text.substr(text.find('\n') + 1);
  const boost::json::object second =
      boost::json::parse(rest.substr(0, rest.find('\n'))).as_object();
  EXPECT_EQ(second.at("prev"), line.at("sha256"));
  EXPECT_EQ(second.at("seq").as_int64(), 2);
}

TEST_F(AuditLogTest, EveryChangedByteIsFound) {
  Append({"a", "b", "c"});
  const std::string text = Text();
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    Replace(changed);
    EXPECT_EQ(VerifyAudit(File()).error().code, ErrorCode::kCorrupt) << i;
  }
}

TEST_F(AuditLogTest, LinesTakenOutOrMovedAreNamed) {
  Append({"a", "b", "c"});
  const std::string text = Text();
  const std::size_t one = text.find('\n') + 1;
  const std::size_t two = text.find('\n', one) + 1;
  const std::string a = text.substr(0, one);
  const std::string b = text.substr(one, two - one);
  const std::string c = text.substr(two);

  Replace(a + c);
  EXPECT_THAT(VerifyAudit(File()).error().message, HasSubstr("audit.jsonl:2: it does not follow"));
  Replace(b + c);
  EXPECT_THAT(VerifyAudit(File()).error().message, HasSubstr("audit.jsonl:1: "));
  Replace(a + b + b + c);
  EXPECT_THAT(VerifyAudit(File()).error().message, HasSubstr("audit.jsonl:3: "));
  Replace(a + b + c + "{}\n");
  EXPECT_THAT(VerifyAudit(File()).error().message, HasSubstr("audit.jsonl:4: it is no audit"));
}

TEST_F(AuditLogTest, HalfALineOfACrashIsCutOffAndNoted) {
  Append({"a", "b"});
  const std::string text = Text();
  const std::size_t second = text.find('\n') + 1;
  for (std::size_t size = second + 1; size < text.size(); ++size) {
    Replace(text.substr(0, size));
    EXPECT_EQ(VerifyAudit(File())->torn, size - second);

    Append({"c"});

    EXPECT_EQ(VerifyAudit(File())->lines, 3U) << size;
    EXPECT_THAT(Text(), HasSubstr("\"event\":\"healed\""));
  }
}

TEST_F(AuditLogTest, ALogWhoseEndWasTamperedWithIsNotContinued) {
  Append({"a", "b"});
  std::string text = Text();
  text.replace(text.rfind("north"), 5, "south");
  Replace(text);

  EXPECT_THAT(AuditLog::Open(folder_.path()).error().message, HasSubstr("audit verify"));
  EXPECT_EQ(Text(), text);
}

TEST_F(AuditLogTest, TwoWritersShareOneChain) {
  AuditLog first = AuditLog::Open(folder_.path()).value();
  AuditLog second = AuditLog::Open(folder_.path()).value();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(first.Append("first", {}));
    ASSERT_TRUE(second.Append("second", {}));
  }

  EXPECT_EQ(VerifyAudit(File())->lines, 10U);
}

TEST_F(AuditLogTest, TextsOfPeersCannotForgeLines) {
  AuditLog log = AuditLog::Open(folder_.path()).value();
  ASSERT_TRUE(log.Append("refused", {{"reason", "\"}\n{\"seq\":2,\"sha256\":\"x\"}"}}));

  EXPECT_EQ(VerifyAudit(File())->lines, 1U);
}

TEST(LineBudget, CountsWhatAFloodLeavesOut) {
  LineBudget budget;
  for (int i = 0; i < 64; ++i) {
    EXPECT_EQ(budget.Take(1000.0), 0U);
  }
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(budget.Take(1000.5), std::nullopt);
  }
  EXPECT_EQ(budget.Take(1001.0), 10U);
  EXPECT_EQ(budget.Take(1001.0), std::nullopt);
}

}  // namespace
}  // namespace rondo::coordinator
