// Compares with files that scripts/reference/grid_golden.py computed from Python integers.
#include <array>
#include <bit>
#include <fstream>
#include <iterator>
#include <sstream>

#include <gtest/gtest.h>

#include "common/federated/update_sum.h"

namespace rondo {
namespace {

std::ifstream OpenGolden(const std::string& name) {
  return std::ifstream(std::string(RONDO_GOLDEN_DIR "/") + name);
}

std::shared_ptr<const ParameterLayout> OneTensor(std::string name,
                                                 std::int64_t size,
                                                 double scale) {
  return ParameterLayout::Create({{.name = std::move(name),
                                   .shape = {size},
                                   .init = InitRule::kNormal,
                                   .init_scale = scale}})
      .value();
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

TEST(ExactGrid, AgreesWithPythonIntegers) {
  std::ifstream file = OpenGolden("exact_grid.txt");
  std::string bits;
  std::uint64_t weight = 0;
  double limit = 0;
  std::int64_t steps = 0;
  std::uint64_t saturated = 0;
  int cases = 0;
  const auto layout = OneTensor("x", 1, 0.0);

  while (file >> bits >> weight >> limit >> steps >> saturated) {
    const float value =
        std::bit_cast<float>(static_cast<std::uint32_t>(std::stoul(bits, nullptr, 16)));
    GridBlock block = MakeBlock("x", layout, GridSpec{.limit = limit}, Scaling::kByWeight);
    const auto count = FoldDense(block, std::span(&value, 1), weight, nullptr);
    ASSERT_TRUE(count.has_value());
    EXPECT_EQ(block.values[0], steps) << bits << " weight " << weight << " limit " << limit;
    EXPECT_EQ(count.value(), saturated) << bits << " weight " << weight << " limit " << limit;
    ++cases;
  }

  EXPECT_EQ(cases, 2000);
}

TEST(ExactGrid, LimitIsTheLargestPowerOfTwoThatCannotOverflow) {
  std::ifstream file = OpenGolden("exact_limits.txt");
  std::uint64_t clients = 0;
  double limit = 0;
  int cases = 0;

  while (file >> clients >> limit) {
    const auto grid = MakeGrid(PrivacyConfig{}, 1, clients);
    ASSERT_TRUE(grid.has_value());
    EXPECT_EQ(grid.value().limit, limit) << clients;
    ++cases;
  }

  EXPECT_EQ(cases, 14);
}

TEST(InitialParameters, AgreeWithPythonIntegers) {
  std::ifstream file = OpenGolden("initial.txt");
  std::uint64_t seed = 0;
  std::string name;
  double scale = 0;
  std::int64_t size = 0;
  std::string crc;
  int cases = 0;

  while (file >> seed >> name >> scale >> size) {
    const ParameterVector model = InitialParameters(OneTensor(name, size, scale), seed);
    for (std::size_t i = 0; i < 8; ++i) {
      std::string bits;
      file >> bits;
      EXPECT_EQ(std::bit_cast<std::uint32_t>(model.values[i]), std::stoul(bits, nullptr, 16))
          << name << " " << i;
    }
    file >> crc;
    EXPECT_EQ(Crc32(model.values), std::stoul(crc, nullptr, 16)) << name;
    ++cases;
  }

  EXPECT_EQ(cases, 4);
}

}  // namespace
}  // namespace rondo
