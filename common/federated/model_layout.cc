#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "common/core/ids.h"
#include "common/federated/parameters.h"

namespace rondo {
namespace {

constexpr double kEmbeddingScale = 0.02;
constexpr double kLinearGain = 0.6;

/// Appends the tensors of the model one after the other.
class LayoutBuilder {
 public:
  explicit LayoutBuilder(std::int64_t width) : width_(width) {}

  void Normal(std::string name, std::vector<std::int64_t> shape, double scale) {
    entries_.push_back({.name = std::move(name),
                        .shape = std::move(shape),
                        .init = InitRule::kNormal,
                        .init_scale = scale});
  }

  void Linear(const std::string& name, std::int64_t inputs) {
    Normal(
        name + ".weight", {width_, inputs}, kLinearGain / std::sqrt(static_cast<double>(width_)));
    entries_.push_back({.name = name + ".bias", .shape = {width_}, .init = InitRule::kZeros});
  }

  void Norm(const std::string& name) {
    entries_.push_back({.name = name + ".weight", .shape = {width_}, .init = InitRule::kOnes});
    entries_.push_back({.name = name + ".bias", .shape = {width_}, .init = InitRule::kZeros});
  }

  std::vector<ParameterEntry>& entries() { return entries_; }

 private:
  std::int64_t width_;
  std::vector<ParameterEntry> entries_;
};

Status CheckConfig(const ModelConfig& config, std::int64_t items, std::int64_t feature_values) {
  if (items < 1 || items >= std::numeric_limits<ItemRow>::max() || feature_values < 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "the catalogue needs 1 to 2^31 - 2 items, got " + std::to_string(items));
  }
  if (config.width < 1 || config.blocks < 1 || config.history < 1) {
    return Fail(ErrorCode::kInvalidArgument,
                "model.width, model.blocks and model.history must be at least 1");
  }
  if (config.heads < 1 || config.width % config.heads != 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "model.heads = " + std::to_string(config.heads)
                    + " must divide model.width = " + std::to_string(config.width));
  }
  if (config.attention.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "model.attention names no attention; use [\"multi_head\"]");
  }
  for (const std::string& kind : config.attention) {
    if (kind != "multi_head" && kind != "dot" && kind != "additive" && kind != "bilinear") {
      return Fail(
          ErrorCode::kInvalidArgument,
          "model.attention: unknown \"" + kind + "\"; use multi_head, dot, additive or bilinear");
    }
  }
  if (config.fusion != "sum" && config.fusion != "gate" && config.fusion != "concat") {
    return Fail(ErrorCode::kInvalidArgument,
                "model.fusion: unknown \"" + config.fusion + "\"; use sum, gate or concat");
  }
  if (config.features.empty() != (feature_values == 0)) {
    return Fail(ErrorCode::kInvalidArgument,
                "model.features names " + std::to_string(config.features.size())
                    + " columns, but the catalogue gives them " + std::to_string(feature_values)
                    + " values");
  }
  return Ok();
}

void AppendBlock(LayoutBuilder& builder, const ModelConfig& config, std::size_t block) {
  const std::string prefix = "blocks." + std::to_string(block) + ".";
  const std::string& kind = config.attention[std::min(block, config.attention.size() - 1)];
  const std::int64_t heads = config.heads;
  const std::int64_t head_width = config.width / config.heads;
  builder.Norm(prefix + "norm1");
  for (const char* name : {"query", "key", "value", "output"}) {
    builder.Linear(prefix + name, config.width);
  }
  if (kind == "additive") {
    builder.Normal(prefix + "additive.weight",
                   {heads, head_width},
                   1.0 / std::sqrt(static_cast<double>(head_width)));
  } else if (kind == "bilinear") {
    builder.Normal(prefix + "bilinear.weight",
                   {heads, head_width, head_width},
                   1.0 / static_cast<double>(head_width));
  }
  builder.Norm(prefix + "norm2");
  builder.Linear(prefix + "ff1", config.width);
  builder.Linear(prefix + "ff2", config.width);
}

}  // namespace

Result<std::shared_ptr<const ParameterLayout>> ModelLayout(const ModelConfig& config,
                                                           std::int64_t items,
                                                           std::int64_t feature_values) {
  RONDO_TRY_STATUS(CheckConfig(config, items, feature_values));
  const std::int64_t width = config.width;
  LayoutBuilder builder(width);
  builder.Normal("item.weight", {items + 1, width}, kEmbeddingScale);
  builder.entries().back().row_addressable = true;
  builder.entries().back().zero_first_row = true;
  if (feature_values > 0) {
    builder.Normal("feature.weight", {feature_values, width}, kEmbeddingScale);
    if (config.fusion != "sum") {
      builder.Linear("fusion", 2 * width);
    }
  }
  if (config.positions) {
    builder.Normal("position.weight", {config.history, width}, kEmbeddingScale);
  }
  for (int block = 0; block < config.blocks; ++block) {
    AppendBlock(builder, config, static_cast<std::size_t>(block));
  }
  builder.Norm("norm");
  RONDO_TRY_STATUS(SetGroups(config, builder.entries()));
  return ParameterLayout::Create(std::move(builder.entries()));
}

}  // namespace rondo
