#include "common/secagg/shamir.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "common/core/rng.h"
#include "common/crypto/ed25519.h"
#include "common/secagg/field.h"
#include "common/secagg/opening.h"

namespace rondo::secagg {
namespace {

std::vector<std::uint64_t> Xs(std::size_t holders) {
  std::vector<std::uint64_t> xs(holders);
  std::iota(xs.begin(), xs.end(), 1U);
  return xs;
}

std::vector<ByteView> Views(const SecretBytes& shares) {
  std::vector<ByteView> views;
  for (std::size_t i = 0; i < shares.size(); i += kShareSize) {
    views.push_back(shares.view().subspan(i, kShareSize));
  }
  return views;
}

std::vector<std::uint8_t> Copy(ByteView bytes) {
  return {bytes.begin(), bytes.end()};
}

/// The highest six bits of a number below 2^61.
std::size_t CellOf(ByteView number) {
  return ((number[7] << 1U) | (number[6] >> 7U)) & 63U;
}

TEST(FieldTest, AgreesWithWideArithmetic) {
  Rng rng({.purpose = Purpose::kGenerator});
  const std::array<std::uint64_t, 5> edges = {0, 1, 2, field::kPrime - 2, field::kPrime - 1};
  for (int i = 0; i < 10000; ++i) {
    const std::uint64_t a =
        i < 25 ? edges[static_cast<std::size_t>(i / 5)] : rng.Below(field::kPrime);
    const std::uint64_t b =
        i < 25 ? edges[static_cast<std::size_t>(i % 5)] : rng.Below(field::kPrime);
    const unsigned __int128 wide = static_cast<unsigned __int128>(a) * b;
    ASSERT_EQ(field::Multiply(a, b), static_cast<std::uint64_t>(wide % field::kPrime));
    ASSERT_EQ(field::Add(a, b), (a + b) % field::kPrime);
    ASSERT_EQ(field::Add(field::Subtract(a, b), b), a);
    ASSERT_EQ(field::Multiply(a, field::Inverse(a)), a == 0 ? 0U : 1U);
  }
}

TEST(ShamirTest, AnySharesOfTheThresholdGiveTheSecretBack) {
  Rng rng({.purpose = Purpose::kGenerator});
  for (const auto& [threshold, holders] :
       {std::pair<std::size_t, std::size_t>{1, 1}, {2, 3}, {3, 3}, {7, 10}, {67, 100}}) {
    const SecretBytes secret = SecretBytes::Random(kSecretSize);
    std::vector<std::uint64_t> xs = Xs(holders);
    const SecretBytes shares = SplitSecret(secret.view(), threshold, xs);
    for (int pick = 0; pick < 20; ++pick) {
      std::vector<std::uint64_t> order = Xs(holders);
      rng.Shuffle(std::span(order));
      order.resize(threshold);
      std::vector<ByteView> chosen;
      chosen.reserve(order.size());
      for (const std::uint64_t x : order) {
        chosen.push_back(shares.view().subspan((x - 1) * kShareSize, kShareSize));
      }
      const auto back = Interpolation(order).Secret(chosen);
      ASSERT_TRUE(back) << threshold << " of " << holders;
      EXPECT_EQ(Copy(back->view()), Copy(secret.view()));
    }
  }
}

TEST(ShamirTest, ExtremeSecretsSurvive) {
  for (const int byte : {0x00, 0xff}) {
    const Bytes secret(kSecretSize, static_cast<std::uint8_t>(byte));
    const SecretBytes shares = SplitSecret(secret, 2, Xs(2));
    const auto back = Interpolation(Xs(2)).Secret(Views(shares));
    ASSERT_TRUE(back);
    EXPECT_EQ(Copy(back->view()), secret);
  }
}

/// One less than the threshold: for any secret the missing share that would give it is as likely as
/// any other. So shares of a fixed secret are uniform; by chi-square over 64 cells of each limb.
TEST(ShamirTest, FewerSharesThanTheThresholdAreUniform) {
  constexpr int kDraws = 20000;
  constexpr std::size_t kCells = 64;
  const Bytes secret(kSecretSize, 0x5a);
  std::array<std::array<int, kCells>, kLimbs> counts{};
  std::array<std::array<int, kCells>, kLimbs> guesses{};
  const Interpolation wrong(Xs(3));
  for (int draw = 0; draw < kDraws; ++draw) {
    const SecretBytes shares = SplitSecret(secret, 4, Xs(5));
    const std::vector<ByteView> views = Views(shares);
    // Whoever holds three shares and guesses a polynomial of lower degree gets a uniform number.
    const Share guess = wrong.At(77, std::span(views).first(3));
    for (std::size_t limb = 0; limb < kLimbs; ++limb) {
      ++counts[limb][CellOf(views[2].subspan(limb * 8, 8))];
      ++guesses[limb][CellOf(ByteView(guess).subspan(limb * 8, 8))];
    }
  }
  for (std::size_t limb = 0; limb < kLimbs; ++limb) {
    for (const auto& cells : {counts[limb], guesses[limb]}) {
      double chi = 0.0;
      for (const int count : cells) {
        const double expected = static_cast<double>(kDraws) / kCells;
        chi += (count - expected) * (count - expected) / expected;
      }
      // 63 degrees of freedom: beyond 130 with a probability of 1e-6.
      EXPECT_LT(chi, 130.0) << limb;
    }
  }
}

class OpenerTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kHolders = 10;  // of which 7 are needed

  OpenerTest() {
    std::vector<DirectoryEntry> entries;
    for (std::size_t i = 0; i < kHolders; ++i) {
      const ClientId id = "c" + std::to_string(i);
      entries.push_back({.id = id});
      roster.entries.push_back({.id = id, .key = {}});
    }
    directory.emplace(Digest{}, std::move(entries), roster);
    all = SplitSecret(secret.view(), directory->threshold(), Xs(kHolders));
  }

  std::vector<HeldShare> Shares() {
    std::vector<HeldShare> shares;
    for (Place i = 0; i < kHolders; ++i) {
      shares.push_back({.holder = i, .share = all.view().subspan(i * kShareSize, kShareSize)});
    }
    return shares;
  }

  void Corrupt(Place holder, std::size_t byte) { all.bytes()[holder * kShareSize + byte] ^= 1U; }

  Result<SecretBytes> Open(Opener& opener) {
    return opener.Open(Shares(), [this](const SecretBytes& opened) {
      return EqualInConstantTime(opened.view(), secret.view());
    });
  }

  Roster roster;
  SecretBytes secret = SecretBytes::Random(kSecretSize);
  std::optional<Directory> directory;
  SecretBytes all;
};

TEST_F(OpenerTest, OneCorruptedShareIsFoundWhereverItIs) {
  for (Place liar = 0; liar < directory->threshold(); ++liar) {
    for (std::size_t byte = 0; byte < kShareSize; byte += 8) {
      Opener opener(*directory);
      Corrupt(liar, byte);
      const auto opened = Open(opener);
      Corrupt(liar, byte);
      ASSERT_TRUE(opened) << liar;
      EXPECT_EQ(opener.liars(), std::set<Place>{liar});
    }
  }
}

TEST_F(OpenerTest, AsManyLiarsAsThereAreSharesToSpareAreFound) {
  for (const Place liar : {1U, 4U, 8U}) {
    Corrupt(liar, liar);  // In different bytes: equal lies of the second and the fifth cancel.
  }
  int opened = 0;
  for (int attempt = 0; attempt < 20; ++attempt) {
    Opener opener(*directory);
    if (Open(opener)) {
      ++opened;
      EXPECT_EQ(opener.liars(), (std::set<Place>{1, 4, 8}));
    }
  }
  // One of 120 sets of seven is right; 64 are tried.
  EXPECT_GT(opened, 0);
}

TEST_F(OpenerTest, TooManyLiarsGiveNoSecret) {
  for (const Place liar : {1U, 4U, 8U, 9U}) {
    Corrupt(liar, liar);
  }
  Opener opener(*directory);
  const auto opened = Open(opener);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
}

TEST_F(OpenerTest, FewerSharesThanTheThresholdAreNoTry) {
  Opener opener(*directory);
  std::vector<HeldShare> shares = Shares();
  shares.resize(directory->threshold() - 1);
  const auto opened = opener.Open(shares, [](const SecretBytes&) { return true; });
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kTooFewClients);
}

}  // namespace
}  // namespace rondo::secagg
