#include <cmath>

#include "common/core/check.h"
#include "common/federated/packing.h"
#include "tests/fuzz/target.h"

namespace rondo::fuzz {
namespace {

const ParameterLayout& Layout() {
  static const auto kLayout =
      ParameterLayout::Create({{.name = "x", .shape = {37}}, {.name = "y", .shape = {3, 5}}})
          .value();
  return *kLayout;
}

const std::vector<CompressionConfig>& Configs() {
  static const std::vector<CompressionConfig> kConfigs = {
      {.stages = {"top_k"}, .top_k = 0.2},
      {.stages = {"quantise"}, .bits = 7},
      {.stages = {"top_k", "quantise"}, .top_k = 0.3, .bits = 2},
      {.stages = {"top_k", "quantise"}, .top_k = 1.0, .bits = 16}};
  return kConfigs;
}

/// input := index of the configuration, packed update
bool Run(ByteView input) {
  if (input.empty()) {
    return false;
  }
  const CompressionConfig& config = Configs()[input[0] % Configs().size()];
  const auto values = UnpackUpdate(config, Layout(), input.subspan(1));
  if (!values) {
    return false;
  }
  RONDO_CHECK(values->size() == Layout().size()) << "another number of values than the layout has";
  for (const float value : *values) {
    RONDO_CHECK(std::isfinite(value)) << "a value that is not finite";
  }
  return true;
}

std::vector<Bytes> Seeds() {
  std::vector<float> values(Layout().size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = std::sin(static_cast<float>(i));
  }
  std::vector<Bytes> seeds;
  for (std::size_t i = 0; i < Configs().size(); ++i) {
    Rng rng({.seed = i, .purpose = Purpose::kCompression});
    Bytes seed = PackUpdate(Configs()[i], Layout(), values, rng);
    seed.insert(seed.begin(), static_cast<std::uint8_t>(i));
    seeds.push_back(std::move(seed));
  }
  return seeds;
}

}  // namespace

Target PackingTarget() {
  return {"packing", Run, Seeds};
}

}  // namespace rondo::fuzz
