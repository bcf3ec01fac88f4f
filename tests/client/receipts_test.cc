#include "client/receipts.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/papers.h"
#include "common/core/file.h"
#include "common/core/text_bytes.h"
#include "common/crypto/sha256.h"
#include "common/io/json.h"
#include "tests/support/temporary_folder.h"

namespace rondo::client {
namespace {

using ::testing::HasSubstr;

class ReceiptsTest : public ::testing::Test {
 protected:
  Papers Open() const {
    Papers::Own own{.id = "north",
                    .key = SigningKey::FromPrivate(key_.private_key()).value(),
                    .federation = std::string(64, 'a')};
    return Papers::Open(std::move(own), folder_.path()).value();
  }

  static Papers::Sent Sent(RoundId round, OfferKind kind = OfferKind::kTrain) {
    return {.run_id = "r1",
            .round = round,
            .kind = kind,
            .model_sha256 = std::string(64, '1'),
            .contribution_sha256 = std::string(64, '2'),
            .bytes = 100,
            .server_key_sha256 = std::string(64, '3')};
  }

  std::filesystem::path File() const { return Papers::ReceiptsFile(folder_.path()); }

  std::string Text() const { return ReadTextFile(File()).value(); }

  Result<ReceiptsVerdict> Verify() const { return VerifyReceipts(File(), key_.public_key()); }

  /// Not to be kept through a power cut, and so quick.
  void Write(const std::string& text) const {
    std::ofstream stream(File(), std::ios::binary);
    stream << text;
    ASSERT_TRUE(stream.flush());
  }

  rondo::testing::TemporaryFolder folder_;
  SigningKey key_ = SigningKey::Generate();
};

TEST_F(ReceiptsTest, SayWhatWentToWhom) {
  {
    Papers papers = Open();
    ASSERT_TRUE(papers.NoteSent(Sent(1)));
    ASSERT_TRUE(papers.NoteSent(Sent(1, OfferKind::kEvaluate)));
  }
  Papers papers = Open();  // The chain goes on after a restart.
  ASSERT_TRUE(papers.NoteSent(Sent(2)));
  Papers::Sent other = Sent(1);
  other.server_key_sha256 = std::string(64, '4');
  ASSERT_TRUE(papers.NoteSent(other));

  const auto verdict = Verify();
  ASSERT_TRUE(verdict) << verdict.error().message;
  EXPECT_EQ(verdict->receipts, 4U);
  ASSERT_EQ(verdict->sent.size(), 2U);
  EXPECT_EQ(verdict->sent[0].trainings, 2U);
  EXPECT_EQ(verdict->sent[0].evaluations, 1U);
  EXPECT_EQ(verdict->sent[0].bytes, 300U);
  EXPECT_EQ(verdict->sent[1].server_key_sha256, std::string(64, '4'));
  const std::string text = Text();
  const std::size_t begin = text.rfind('\n', text.size() - 2) + 1;
  EXPECT_EQ(verdict->newest, Sha256Hex(AsBytes(text.substr(begin, text.size() - 1 - begin))));
  EXPECT_THAT(ReceiptsText(*verdict), HasSubstr("2 updates, 1 evaluations, 300 bytes"));
  EXPECT_EQ(ParseJson(ReceiptsJson(*verdict))->at("sent").as_array().size(), 2U);
}

TEST_F(ReceiptsTest, EveryChangedByteShows) {
  Papers papers = Open();
  for (const RoundId round : {1U, 2U, 3U}) {
    ASSERT_TRUE(papers.NoteSent(Sent(round)));
  }
  const std::string good = Text();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    Write(bad);
    const auto verdict = Verify();
    // Without its end the last line is one that a crash left.
    EXPECT_TRUE(!verdict || (i + 1 == good.size() && verdict->receipts == 2)) << i;
  }
  EXPECT_FALSE(VerifyReceipts(File(), SigningKey::Generate().public_key()));
}

TEST_F(ReceiptsTest, ALineThatIsMissingMovedOrRepeatedShows) {
  Papers papers = Open();
  for (const RoundId round : {1U, 2U, 3U}) {
    ASSERT_TRUE(papers.NoteSent(Sent(round)));
  }
  const std::string good = Text();
  const std::size_t first = good.find('\n') + 1;
  const std::size_t second = good.find('\n', first) + 1;
  const std::string a = good.substr(0, first);
  const std::string b = good.substr(first, second - first);
  const std::string c = good.substr(second);
  for (const std::string& bad : {b + c, a + c, b + a + c, a + a + b + c, a + b + b + c}) {
    Write(bad);
    EXPECT_EQ(Verify().error().code, ErrorCode::kCorrupt);
  }
  Write(a + b);
  const auto cut = Verify();
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->newest, Sha256Hex(AsBytes(b.substr(0, b.size() - 1))))
      << "that the end was cut off shows by the digest alone";
}

TEST_F(ReceiptsTest, HalfALineThatACrashLeftIsCutOff) {
  ASSERT_TRUE(Open().NoteSent(Sent(1)));
  Write(Text() + R"({"seq":2,"time":"20)");
  EXPECT_EQ(Verify()->torn, 19U);

  ASSERT_TRUE(Open().NoteSent(Sent(2)));

  const auto verdict = Verify();
  ASSERT_TRUE(verdict) << verdict.error().message;
  EXPECT_EQ(verdict->receipts, 2U);
  EXPECT_EQ(verdict->torn, 0U);
}

TEST_F(ReceiptsTest, NothingIsAddedToAFileOfAnotherKind) {
  Write("my notes\n");
  EXPECT_EQ(Open().NoteSent(Sent(1)).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(Text(), "my notes\n");
  EXPECT_EQ(VerifyReceipts(folder_.path() / "none", key_.public_key()).error().code,
            ErrorCode::kNotFound);
}

}  // namespace
}  // namespace rondo::client
