#include <algorithm>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "common/core/file.h"
#include "tests/fuzz/target.h"

// What libFuzzer runs, over the inputs that are kept: seeds, and whatever once broke something.

namespace rondo::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLargest = 1 << 20;

std::vector<fs::path> Inputs(const Target& target) {
  std::vector<fs::path> paths;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(fs::path(RONDO_CORPUS) / target.name, absent)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool IsSeed(const fs::path& path) {
  return path.filename().string().starts_with("seed-");
}

class Replay : public ::testing::TestWithParam<Target> {};

TEST_P(Replay, EverySeedIsAcceptedAndNothingBreaks) {
  const Target& target = GetParam();
  const std::vector<fs::path> inputs = Inputs(target);

  EXPECT_GE(std::count_if(inputs.begin(), inputs.end(), IsSeed), 1);
  for (const fs::path& path : inputs) {
    const Bytes input = ReadFile(path, kLargest).value();
    const bool accepted = target.run(input);
    EXPECT_TRUE(accepted || !IsSeed(path)) << path;
  }
}

TEST_P(Replay, WhatTheEncodersMakeTodayIsAccepted) {
  const Target& target = GetParam();
  const std::vector<Bytes> seeds = target.seeds();

  for (std::size_t i = 0; i < seeds.size(); ++i) {
    EXPECT_TRUE(target.run(seeds[i])) << target.name << ' ' << i;
  }
}

/// Every beginning and every changed byte of a short input; of a long one as many, spread evenly.
TEST_P(Replay, CutAndChangedSeedsBreakNothing) {
  constexpr std::size_t kMost = 300;
  const Target& target = GetParam();
  std::size_t runs = 0;

  for (const fs::path& path : Inputs(target)) {
    const Bytes input = ReadFile(path, kLargest).value();
    const std::size_t stride = input.size() / kMost + 1;
    for (std::size_t at = 0; at < input.size(); at += stride) {
      target.run(ByteView(input).first(at));
      Bytes changed = input;
      changed[at] ^= static_cast<std::uint8_t>(1U << (at % 8));
      target.run(changed);
      changed[at] = 0xFF;
      target.run(changed);
      runs += 3;
    }
  }

  EXPECT_GE(runs, 9U) << target.name;
}

INSTANTIATE_TEST_SUITE_P(Decoders,
                         Replay,
                         ::testing::ValuesIn(Targets().begin(), Targets().end()),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace rondo::fuzz
