// What the coordinator sees says nothing but the sum.
#include <array>
#include <cmath>

#include "common/secagg/mask_stream.h"
#include "tests/secagg/liar.h"

namespace rondo::secagg {
namespace {

/// Beyond 255 + 5 standard deviations and skew: a probability of 1e-6 with 255 degrees of freedom.
constexpr double kChiLimit = 377.0;

double ChiSquare(ByteView bytes) {
  std::array<int, 256> counts{};
  for (const std::uint8_t byte : bytes) {
    ++counts[byte];
  }
  const double expected = static_cast<double>(bytes.size()) / 256.0;
  double chi = 0.0;
  for (const int count : counts) {
    chi += (count - expected) * (count - expected) / expected;
  }
  return chi;
}

/// Distance of the share of ones from a half, in standard deviations.
double Monobit(ByteView bytes) {
  std::int64_t ones = 0;
  for (const std::uint8_t byte : bytes) {
    ones += std::popcount(byte);
  }
  const double bits = 8.0 * static_cast<double>(bytes.size());
  return (static_cast<double>(ones) - bits / 2.0) / std::sqrt(bits / 4.0);
}

double Correlation(ByteView masked, ByteView plain) {
  const std::size_t size = masked.size() / 4;
  std::vector<std::int64_t> a(size);
  std::vector<std::int64_t> b(size);
  Unpack(masked, 32, a);
  Unpack(plain, 32, b);
  double sum_a = 0.0;
  double sum_b = 0.0;
  double sum_aa = 0.0;
  double sum_bb = 0.0;
  double sum_ab = 0.0;
  for (std::size_t i = 0; i < size; ++i) {
    const auto x = static_cast<double>(static_cast<std::int32_t>(a[i]));
    const auto y = static_cast<double>(static_cast<std::int32_t>(b[i]));
    sum_a += x;
    sum_b += y;
    sum_aa += x * x;
    sum_bb += y * y;
    sum_ab += x * y;
  }
  const auto n = static_cast<double>(size);
  return (n * sum_ab - sum_a * sum_b)
         / std::sqrt((n * sum_aa - sum_a * sum_a) * (n * sum_bb - sum_b * sum_b));
}

TEST(SecaggPrivacyTest, MaskedVectorsLookLikeNoise) {
  constexpr std::size_t kNumbers = 4000;
  for (std::uint64_t run = 0; run < 200; ++run) {
    World world(4, OneSegment(kNumbers, 32, 4), run);
    // Small numbers, as real updates are, and one client that sends nothing but zeros.
    world.terms.vector.segments[0].most = 1000;
    for (Bytes& vector : world.vectors) {
      vector = world.DrawVector();
    }
    world.vectors[3].assign(world.vectors[3].size(), 0);
    Liar liar(world);
    ASSERT_NO_FATAL_FAILURE(liar.Mask());
    ASSERT_EQ(liar.masked.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_LT(ChiSquare(liar.masked[i]), kChiLimit) << run;
      EXPECT_LT(std::abs(Monobit(liar.masked[i])), 5.0) << run;
      if (i < 3) {
        EXPECT_LT(std::abs(Correlation(liar.masked[i], world.vectors[i])),
                  5.0 / std::sqrt(static_cast<double>(kNumbers)))
            << run;
      }
    }
  }
}

/// Two worlds with equal sums: what is sent is the same, byte for byte, if the mask of one honest
/// pair differs by what was moved from one to the other. As that mask is uniform for all who lack
/// the pair's keys, both worlds are equally likely to them.
TEST(SecaggPrivacyTest, TwoWorldsWithEqualSumsSendTheSame) {
  constexpr std::size_t kClients = 5;
  const VectorSpec spec = OneSegment(3000, 32, kClients);
  World world(kClients, spec);
  std::vector<X25519Key> keys;
  std::vector<SecretBytes> seeds;
  for (std::size_t i = 0; i < kClients; ++i) {
    keys.push_back(X25519Key::Generate());
    seeds.push_back(SecretBytes::Random(kSecretSize));
  }
  const Digest session = SessionId(world.terms);
  const auto masked = [&](std::size_t i, Bytes vector, std::optional<std::size_t> without) {
    std::vector<Mask> masks;
    masks.push_back({.key = OwnMaskKey(seeds[i].view(), session, world.ids[i])});
    for (std::size_t j = 0; j < kClients; ++j) {
      if (j == i || j == without) {
        continue;
      }
      masks.push_back(
          {.key = MaskKeyBetween(keys[i], keys[j].public_key(), session, world.ids[i], world.ids[j])
                      .value(),
           .subtract = j < i});
    }
    ApplyMasks(spec, vector, masks, world.workers);
    return vector;
  };
  const auto add = [&](const Bytes& a, const Bytes& b, bool subtract) {
    std::vector<std::int64_t> left(3000);
    std::vector<std::int64_t> right(3000);
    Unpack(a, 32, left);
    Unpack(b, 32, right);
    for (std::size_t i = 0; i < left.size(); ++i) {
      left[i] = subtract ? left[i] - right[i] : left[i] + right[i];
    }
    Bytes out;
    Pack(left, 32, out);
    return out;
  };
  const Bytes moved = world.DrawVector();
  const Bytes pair_mask = [&] {
    Bytes zeros(spec.bytes(), 0);
    std::vector<Mask> one;
    one.push_back(
        {.key = MaskKeyBetween(keys[1], keys[3].public_key(), session, world.ids[1], world.ids[3])
                    .value()});
    ApplyMasks(spec, zeros, one, world.workers);
    return zeros;
  }();
  const Bytes programmed = add(pair_mask, moved, true);

  for (std::size_t i = 0; i < kClients; ++i) {
    const Bytes first = masked(i, world.vectors[i], std::nullopt);
    Bytes other = world.vectors[i];
    Bytes second;
    if (i == 1) {
      second = add(masked(i, add(other, moved, false), 3), programmed, false);
    } else if (i == 3) {
      second = add(masked(i, add(other, moved, true), 1), programmed, true);
    } else {
      second = masked(i, other, std::nullopt);
    }
    EXPECT_EQ(first, second) << i;
  }
}

/// A coordinator that gives two clients different models, and could make them believe each other's
/// keys: their masks would not cancel, and the sum would be noise.
TEST(SecaggPrivacyTest, SumsOverDifferentModelsAreNoise) {
  World world(3, OneSegment(20000, 32, 3));
  SessionTerms other = world.terms;
  other.model_sha256 = std::string(64, 'c');
  const Digest one = DirectoryHash(SessionId(world.terms), {});
  const Digest two = DirectoryHash(SessionId(other), {});
  const X25519Key a = X25519Key::Generate();
  const X25519Key b = X25519Key::Generate();
  std::vector<Mask> masks;
  masks.push_back({.key = MaskKeyBetween(a, b.public_key(), one, "a", "b").value()});
  masks.push_back(
      {.key = MaskKeyBetween(b, a.public_key(), two, "a", "b").value(), .subtract = true});
  Bytes sum(world.terms.vector.bytes(), 0);
  ApplyMasks(world.terms.vector, sum, masks, world.workers);
  EXPECT_LT(ChiSquare(sum), kChiLimit);
  EXPECT_GT(ChiSquare(sum), 140.0);
}

/// What is sent before the vector does not depend on it, and has the same length whatever it is.
TEST(SecaggPrivacyTest, LengthsDoNotDependOnTheVector) {
  std::vector<std::vector<std::size_t>> lengths;
  for (const bool zeros : {false, true}) {
    World world(5, OneSegment(700, 32, 5));
    if (zeros) {
      for (Bytes& vector : world.vectors) {
        vector.assign(vector.size(), 0);
      }
    }
    Liar liar(world);
    ASSERT_NO_FATAL_FAILURE(liar.Mask());
    std::vector<std::size_t> sizes;
    for (const ShareKeys& shares : liar.shares) {
      for (const SealedShare& share : shares.shares) {
        sizes.push_back(share.sealed.size());
      }
    }
    for (const Bytes& vector : liar.masked) {
      sizes.push_back(vector.size());
    }
    lengths.push_back(std::move(sizes));
  }
  EXPECT_EQ(lengths[0], lengths[1]);
}

}  // namespace
}  // namespace rondo::secagg
