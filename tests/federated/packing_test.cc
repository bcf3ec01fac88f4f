#include "common/federated/packing.h"

#include <array>
#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rondo {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const ParameterLayout> LayoutOf(const std::vector<std::int64_t>& sizes) {
  std::vector<ParameterEntry> entries;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    entries.push_back({.name = "t" + std::to_string(i), .shape = {sizes[i]}});
  }
  return ParameterLayout::Create(std::move(entries)).value();
}

Rng RngOf(std::uint64_t seed) {
  return Rng({.seed = seed, .purpose = Purpose::kCompression});
}

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, ',');) {
    words.push_back(word);
  }
  return words;
}

/// zlib's polynomial, bit by bit.
std::uint32_t Crc32(std::span<const float> values) {
  std::uint32_t crc = ~0U;
  for (const float value : values) {
    for (const std::uint8_t byte : std::bit_cast<std::array<std::uint8_t, 4>>(value)) {
      crc ^= byte;
      for (int bit = 0; bit < 8; ++bit) {
        crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
      }
    }
  }
  return ~crc;
}

/// A line of packing.txt.
struct GoldenCase {
  CompressionConfig config;
  std::shared_ptr<const ParameterLayout> layout;
  std::vector<float> values;
  std::string hex;
  std::uint32_t crc = 0;
};

/// The values that scripts/reference/compression_golden.py makes of a seed.
std::vector<float> ValuesOf(const CompressionConfig& config,
                            std::uint32_t seed,
                            const std::vector<std::int64_t>& sizes,
                            const std::vector<int>& exponents) {
  const bool quantised = config.stages.back() == "quantise";
  const std::int64_t most = (std::int64_t{1} << (config.bits - 1)) - 1;
  std::vector<float> values;
  for (std::size_t tensor = 0; tensor < sizes.size(); ++tensor) {
    for (std::int64_t k = 0; k < sizes[tensor]; ++k) {
      seed = 1664525U * seed + 1013904223U;
      const std::int64_t level = k == 0 ? most : (seed >> 8) % (2 * most + 1) - most;
      const double number = quantised ? static_cast<double>(level) : (seed >> 8) / 0x1p24 - 0.5;
      values.push_back(static_cast<float>(std::ldexp(number, -exponents[tensor])));
    }
  }
  return values;
}

std::vector<GoldenCase> GoldenCases() {
  std::ifstream file(RONDO_GOLDEN_DIR "/packing.txt");
  std::vector<GoldenCase> cases;
  std::string stages;
  std::uint32_t seed = 0;
  std::string size_words;
  std::string exponent_words;
  std::string crc;
  GoldenCase golden;
  while (file >> stages >> golden.config.top_k >> golden.config.bits >> seed >> size_words
         >> exponent_words >> golden.hex >> crc) {
    golden.config.stages = Split(stages);
    std::vector<std::int64_t> sizes;
    for (const std::string& word : Split(size_words)) {
      sizes.push_back(std::stoll(word));
    }
    std::vector<int> exponents;
    for (const std::string& word : Split(exponent_words)) {
      exponents.push_back(std::stoi(word));
    }
    golden.layout = LayoutOf(sizes);
    golden.values = ValuesOf(golden.config, seed, sizes, exponents);
    golden.crc = static_cast<std::uint32_t>(std::stoul(crc, nullptr, 16));
    cases.push_back(golden);
  }
  return cases;
}

TEST(Packing, WritesAndReadsWhatTheGrammarSays) {
  const std::vector<GoldenCase> cases = GoldenCases();
  ASSERT_EQ(cases.size(), 9U);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const GoldenCase& golden = cases[i];
    Rng rng = RngOf(i);

    const Bytes packed = PackUpdate(golden.config, *golden.layout, golden.values, rng);
    const auto read = UnpackUpdate(golden.config, *golden.layout, packed);

    EXPECT_EQ(ToHex(packed), golden.hex) << i;
    ASSERT_TRUE(read.has_value()) << i << ": " << read.error().message;
    EXPECT_EQ(Crc32(*read), golden.crc) << i;
  }
}

TEST(Packing, EveryPrefixAndEveryFurtherByteIsRefused) {
  for (const GoldenCase& golden : GoldenCases()) {
    Rng rng = RngOf(1);
    Bytes packed = PackUpdate(golden.config, *golden.layout, golden.values, rng);
    for (std::size_t size = 0; size < packed.size(); ++size) {
      const auto read = UnpackUpdate(golden.config, *golden.layout, ByteView(packed).first(size));
      ASSERT_FALSE(read.has_value()) << golden.hex << " of " << size << " bytes";
      EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
    }
    packed.push_back(0);
    EXPECT_FALSE(UnpackUpdate(golden.config, *golden.layout, packed).has_value()) << golden.hex;
  }
}

TEST(Packing, RandomBytesGiveAnErrorOrFiniteNumbersOfTheLayout) {
  Rng rng = RngOf(2);
  int read_whole = 0;
  for (const GoldenCase& golden : GoldenCases()) {
    const std::size_t packed = golden.hex.size() / 2;
    for (int trial = 0; trial < 300; ++trial) {
      Bytes bytes(trial % 2 == 0 ? packed : rng.Below(2 * packed));
      for (std::uint8_t& byte : bytes) {
        byte = static_cast<std::uint8_t>(rng.NextU32());
      }
      const auto read = UnpackUpdate(golden.config, *golden.layout, bytes);
      if (!read) {
        EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
        continue;
      }
      ++read_whole;
      EXPECT_EQ(read->size(), golden.layout->size());
      for (const float value : *read) {
        EXPECT_TRUE(std::isfinite(value));
      }
    }
  }
  EXPECT_GT(read_whole, 0);
}

TEST(Packing, RefusesWhatBreaksTheGrammar) {
  const CompressionConfig top{.stages = {"top_k"}, .top_k = 0.5};     // Two of three.
  const CompressionConfig levels{.stages = {"quantise"}, .bits = 3};  // Levels of -3 to 3.
  const CompressionConfig both{.stages = {"top_k", "quantise"}, .top_k = 0.5, .bits = 3};

  const struct {
    const char* name;
    CompressionConfig config;
    Bytes bytes;
    const char* message;
  } cases[] = {
      {"nothing", top, {}, "ends before"},
      {"another count", top, {1, 0, 0, 0, 0x80, 0x3F}, "1 coordinates, asked for were 2"},
      {"outside", top, {2, 0, 2}, "outside the layout"},
      {"far outside", top, {2, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F}, "outside the layout"},
      {"long number", top, {0x82, 0x80, 0x80, 0x80, 0x80, 0x00}, "more than 35 bits"},
      {"not a number", top, {2, 0, 0, 0, 0, 0xC0, 0x7F, 0, 0, 0x80, 0x3F}, "not finite"},
      {"infinite", top, {2, 0, 0, 0, 0, 0x80, 0xFF, 0, 0, 0x80, 0x3F}, "not finite"},
      {"spare", top, {2, 0, 0, 0, 0, 0x80, 0x3F, 0, 0, 0x80, 0x3F, 0}, "bytes to spare"},
      {"level", levels, {0, 0, 0x80, 0x3F, 0, 0, 0x80, 0x3F, 0x07, 0}, "beyond the largest"},
      {"scale", levels, {0, 0, 0x80, 0xBF, 0, 0, 0x80, 0x3F, 0, 0}, "scale is negative"},
      {"infinite scale", levels, {0, 0, 0x80, 0x7F, 0, 0, 0x80, 0x3F, 0, 0}, "not finite"},
      {"filling", levels, {0, 0, 0x80, 0x3F, 0, 0, 0x80, 0x3F, 0, 0x02}, "bytes to spare"},
      {"filling of two", both, {2, 0, 0, 0, 0, 0x80, 0x3F, 0, 0, 0, 0, 0x40}, "bytes to spare"},
  };

  const auto layout = LayoutOf({2, 1});
  for (const auto& test : cases) {
    const auto read = UnpackUpdate(test.config, *layout, test.bytes);
    ASSERT_FALSE(read.has_value()) << test.name;
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt) << test.name;
    EXPECT_THAT(read.error().message, HasSubstr(test.message)) << test.name;
  }
}

TEST(Packing, KeepsTheLargestCoordinatesAndOfEqualOnesTheFirst) {
  const CompressionConfig config{.stages = {"top_k"}, .top_k = 0.4};  // Two of five.
  const auto layout = LayoutOf({5});
  const std::vector<float> values = {1.0F, -2.0F, 2.0F, -2.0F, 0.5F};
  Rng rng = RngOf(1);

  const auto read = UnpackUpdate(config, *layout, PackUpdate(config, *layout, values, rng)).value();

  EXPECT_EQ(read, (std::vector<float>{0.0F, -2.0F, 2.0F, 0.0F, 0.0F}));
}

TEST(Packing, ANeighbouringLevelIsChosenSoThatTheMeanIsTheCoordinate) {
  // With 3 bits and a largest magnitude of 0.9 the levels lie 0.3 apart.
  const CompressionConfig config{.stages = {"quantise"}, .bits = 3};
  const auto layout = LayoutOf({6});
  const std::vector<float> values = {0.9F, 0.1F, -0.1F, 0.45F, -0.85F, 0.0F};
  constexpr int kDraws = 20000;
  constexpr double kStep = 0.3;
  Rng rng = RngOf(3);

  std::vector<double> sums(values.size());
  for (int draw = 0; draw < kDraws; ++draw) {
    const auto read =
        UnpackUpdate(config, *layout, PackUpdate(config, *layout, values, rng)).value();
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_LT(std::abs(read[i] - values[i]), kStep * 1.0001) << i;
      sums[i] += static_cast<double>(read[i]);
    }
  }

  // One draw deviates by at most half a level; five deviations of the mean are passed by chance
  // once in 1.7 million.
  const double bound = 5.0 * (kStep / 2.0) / std::sqrt(kDraws);
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(sums[i] / kDraws, values[i], bound) << i;
  }
  EXPECT_NEAR(sums[0] / kDraws, 0.9, 1e-6);  // The largest lies on a level.
  EXPECT_EQ(sums[5], 0.0);
}

TEST(Packing, ExtremeNumbersStayWithinTheirScale) {
  const CompressionConfig config{.stages = {"quantise"}, .bits = 8};
  const auto layout = LayoutOf({2, 2, 2});
  const float tiny = std::numeric_limits<float>::denorm_min();
  const float huge = std::numeric_limits<float>::max();
  const std::vector<float> values = {huge, -huge, tiny, -tiny, 0.0F, -0.0F};
  Rng rng = RngOf(4);

  const auto read = UnpackUpdate(config, *layout, PackUpdate(config, *layout, values, rng)).value();

  EXPECT_EQ(read, values);
}

}  // namespace
}  // namespace rondo
