#include "common/wire/sealed.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <map>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/crypto/hpke.h"
#include "common/crypto/sha256.h"
#include "tests/support/hex.h"
#include "tests/support/low_order_points.h"

namespace rondo::wire {
namespace {

constexpr std::size_t kKey = 32;
constexpr std::size_t kPiece = kSealedPiece + kAeadTagBytes;

Bytes Plain(std::size_t size) {
  Bytes plain(size);
  for (std::size_t i = 0; i < size; ++i) {
    plain[i] = static_cast<std::uint8_t>(i * 7 % 251);
  }
  return plain;
}

class SealedTest : public ::testing::Test {
 protected:
  Bytes Seal(ByteView plain) const {
    return SealContribution(key_.public_key(), bound_, plain).value();
  }

  bool Opens(ByteView sealed) const {
    const auto opened = OpenContribution(key_, bound_, sealed);
    EXPECT_TRUE(opened || opened.error().code == ErrorCode::kUnauthenticated);
    return opened.has_value();
  }

  X25519Key key_ = X25519Key::Generate();
  SealedFor bound_{.run_id = "run-7", .round = 9, .client = "north"};
};

TEST_F(SealedTest, ComesBackWhole) {
  for (const std::size_t size : {std::size_t{1},
                                 std::size_t{100},
                                 kSealedPiece - 1,
                                 kSealedPiece,
                                 kSealedPiece + 1,
                                 2 * kSealedPiece + 500}) {
    const Bytes plain = Plain(size);
    const Bytes sealed = Seal(plain);
    EXPECT_EQ(sealed.size(), SealedSize(size));
    const auto opened = OpenContribution(key_, bound_, sealed);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_TRUE(std::ranges::equal(opened->view(), plain)) << size;
  }
  EXPECT_EQ(SealContribution(key_.public_key(), bound_, {}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST_F(SealedTest, NoTwoAreAlike) {
  const Bytes plain = Plain(100);
  EXPECT_NE(Seal(plain), Seal(plain));
}

TEST_F(SealedTest, EveryFlippedByteIsRejected) {
  const Bytes sealed = Seal(Plain((std::size_t{64} << 10) - kKey - kAeadTagBytes));
  ASSERT_EQ(sealed.size(), std::size_t{65536});
  constexpr std::size_t kThreads = 4;
  std::array<std::size_t, kThreads> opened{};
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (std::size_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        Bytes flipped = sealed;
        for (std::size_t i = thread; i < flipped.size(); i += kThreads) {
          const auto bit = static_cast<std::uint8_t>(1U << (i % 8));
          flipped[i] ^= bit;
          opened[thread] += Opens(flipped) ? 1U : 0U;
          flipped[i] ^= bit;
        }
      });
    }
  }
  EXPECT_EQ(opened, (std::array<std::size_t, kThreads>{}));
  EXPECT_TRUE(Opens(sealed)) << "the one that nobody touched";
}

TEST_F(SealedTest, TheBitOfAPointThatX25519IgnoresIsBound) {
  Bytes sealed = Seal(Plain(100));
  sealed[kKey - 1] ^= 0x80;  // RFC 7748, section 5; but HPKE derives keys from the key as it came.
  EXPECT_FALSE(Opens(sealed));
}

TEST_F(SealedTest, EveryTruncationIsRejected) {
  const Bytes sealed = Seal(Plain(300));
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(Opens(ByteView(sealed).first(size))) << size;
  }
  Bytes longer = sealed;
  longer.push_back(0);
  EXPECT_FALSE(Opens(longer));
}

TEST_F(SealedTest, PiecesThatAreLeftOutRepeatedOrMovedAreRejected) {
  const Bytes plain =
      Plain(3 * kSealedPiece);  // All pieces have one size, so that any fits anywhere.
  const Bytes sealed = Seal(plain);
  const ByteView all(sealed);
  const auto build = [&](const std::vector<std::size_t>& order) {
    Bytes built(sealed.begin(), sealed.begin() + kKey);
    for (const std::size_t piece : order) {
      const ByteView part = all.subspan(kKey + piece * kPiece, kPiece);
      built.insert(built.end(), part.begin(), part.end());
    }
    return built;
  };

  EXPECT_TRUE(Opens(build({0, 1, 2})));
  for (const std::vector<std::size_t>& order : {std::vector<std::size_t>{0, 1},
                                                {0, 2},
                                                {1, 2},
                                                {0},
                                                {2},
                                                {0, 0, 1, 2},
                                                {0, 1, 1, 2},
                                                {0, 1, 2, 2},
                                                {1, 0, 2},
                                                {0, 2, 1},
                                                {2, 1, 0},
                                                {0, 0, 2}}) {
    EXPECT_FALSE(Opens(build(order))) << ::testing::PrintToString(order);
  }
  Bytes cut = build({0, 1, 2});
  cut.resize(cut.size() - 1);
  EXPECT_FALSE(Opens(cut));
}

TEST_F(SealedTest, OpensForItsOwnRunRoundKindClientAndKeyAlone) {
  const Bytes sealed = Seal(Plain(50));
  const std::vector<std::pair<const char*, std::function<void(SealedFor&)>>> changes = {
      {"run",
       [](SealedFor& bound) {
         bound.run_id = "run-8";
       }},
      {"round",
       [](SealedFor& bound) {
         bound.round = 10;
       }},
      {"kind",
       [](SealedFor& bound) {
         bound.kind = OfferKind::kEvaluate;
       }},
      {"client", [](SealedFor& bound) {
         bound.client = "south";
       }}};
  for (const auto& [what, change] : changes) {
    SealedFor other = bound_;
    change(other);
    EXPECT_EQ(OpenContribution(key_, other, sealed).error().code, ErrorCode::kUnauthenticated)
        << what;
  }
  EXPECT_FALSE(OpenContribution(X25519Key::Generate(), bound_, sealed));
}

TEST_F(SealedTest, PointsOfLowOrderAreRefusedOnBothSides) {
  for (const std::string_view point : rondo::testing::kLowOrderPoints) {
    EXPECT_EQ(SealContribution(HexArray<32>(point), bound_, Plain(5)).error().code,
              ErrorCode::kInvalidArgument);
    Bytes sealed = Seal(Plain(5));
    std::ranges::copy(HexBytes(point), sealed.begin());
    EXPECT_FALSE(Opens(sealed));
  }
}

/// golden/sealed.txt, as scripts/reference/sealed_golden.py writes it.
std::map<std::string, std::string> Golden() {
  std::map<std::string, std::string> golden;
  std::ifstream file(RONDO_GOLDEN_DIR "/sealed.txt");
  for (std::string name, value; file >> name >> value;) {
    golden[name] = value;
  }
  return golden;
}

TEST(SealedGolden, OpensWhatAnotherProgramSealed) {
  const auto golden = Golden();
  const auto key = X25519Key::FromPrivate(HexBytes(golden.at("aggregation")));
  const SealedFor bound{.run_id = "run-7", .round = 9, .client = "north"};
  const auto opened = OpenContribution(*key, bound, HexBytes(golden.at("short")));
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_TRUE(std::ranges::equal(opened->view(), Plain(100)));
}

TEST(SealedGolden, TwoPiecesByTheGrammarAreThoseOfTheOtherProgram) {
  const auto golden = Golden();
  const auto key = X25519Key::FromPrivate(HexBytes(golden.at("aggregation")));
  const auto ephemeral = X25519Key::FromPrivate(HexBytes(golden.at("ephemeral")));
  const Bytes plain = Plain(kSealedPiece + 10);
  const std::string info("rondo/sealed/1\0run-7", 20);
  auto sender =
      HpkeSender::CreateWith(*ephemeral, AeadKind::kAes256Gcm, key->public_key(), AsBytes(info));
  const std::string round("\xEE\x6B\x28\x00\x01", 5);  // 4 * 10^9, evaluation.
  Bytes sealed(sender->encapsulated_key().begin(), sender->encapsulated_key().end());
  for (const std::uint8_t index : Bytes{0, 1}) {
    Bytes aad(round.begin(), round.end());
    aad.insert(aad.end(), {0, 0, 0, index, index, 's', 'o', 'u', 't', 'h'});
    const ByteView part =
        index == 0 ? ByteView(plain).first(kSealedPiece) : ByteView(plain).subspan(kSealedPiece);
    const Bytes piece = sender->Seal(aad, part);
    sealed.insert(sealed.end(), piece.begin(), piece.end());
  }

  EXPECT_EQ(std::to_string(sealed.size()), golden.at("long_size"));
  EXPECT_EQ(Sha256Hex(sealed), golden.at("long_sha256"));
  const SealedFor bound{
      .run_id = "run-7", .round = 4'000'000'000, .kind = OfferKind::kEvaluate, .client = "south"};
  const auto opened = OpenContribution(*key, bound, sealed);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_TRUE(std::ranges::equal(opened->view(), plain));
}

}  // namespace
}  // namespace rondo::wire
