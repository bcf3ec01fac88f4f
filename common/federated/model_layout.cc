#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "common/core/ids.h"
#include "common/core/suggest.h"
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

  void Zeros(std::string name, std::vector<std::int64_t> shape) {
    entries_.push_back(
        {.name = std::move(name), .shape = std::move(shape), .init = InitRule::kZeros});
  }

  void Linear(const std::string& name, std::int64_t inputs, std::int64_t parts = 1) {
    Normal(name + ".weight",
           {parts * width_, inputs},
           kLinearGain / std::sqrt(static_cast<double>(width_)));
    Zeros(name + ".bias", {parts * width_});
  }

  void Norm(const std::string& name) {
    entries_.push_back({.name = name + ".weight", .shape = {width_}, .init = InitRule::kOnes});
    Zeros(name + ".bias", {width_});
  }

  std::vector<ParameterEntry>& entries() { return entries_; }

 private:
  std::int64_t width_;
  std::vector<ParameterEntry> entries_;
};

/// Appends the parameters of a part of block `prefix`.
using Append = void (*)(LayoutBuilder& builder,
                        const ModelConfig& config,
                        const std::string& prefix);

/// A word of the scenario and its parameters.
struct Part {
  const char* word;
  Append append;
};

void NoParameters(LayoutBuilder&, const ModelConfig&, const std::string&) {}

void AppendAdditive(LayoutBuilder& builder, const ModelConfig& config, const std::string& prefix) {
  const std::int64_t head_width = config.width / config.heads;
  builder.Normal(prefix + "additive.weight",
                 {config.heads, head_width},
                 1.0 / std::sqrt(static_cast<double>(head_width)));
}

void AppendBilinear(LayoutBuilder& builder, const ModelConfig& config, const std::string& prefix) {
  const std::int64_t head_width = config.width / config.heads;
  builder.Normal(prefix + "bilinear.weight",
                 {config.heads, head_width, head_width},
                 1.0 / static_cast<double>(head_width));
}

void AppendGate(LayoutBuilder& builder, const ModelConfig& config, const std::string& prefix) {
  builder.Linear(prefix + "gate", config.width);
}

void AppendRelative(LayoutBuilder& builder, const ModelConfig& config, const std::string& prefix) {
  builder.Zeros(prefix + "relative.weight", {config.heads, config.history});
}

// Their functions are in common/model: attention.cc and attention_forms.cc.
constexpr std::array<Part, 5> kScores = {{{"multi_head", NoParameters},
                                          {"dot", NoParameters},
                                          {"additive", AppendAdditive},
                                          {"bilinear", AppendBilinear},
                                          {"uniform", NoParameters}}};
constexpr std::array<Part, 4> kForms = {{{"window", NoParameters},
                                         {"top_k", NoParameters},
                                         {"gated", AppendGate},
                                         {"relative", AppendRelative}}};

/// One block, or one layer of another encoder.
using AppendEncoder = void (*)(LayoutBuilder& builder, const ModelConfig& config, int block);

void AppendGru(LayoutBuilder& builder, const ModelConfig& config, int block) {
  const std::string prefix = "blocks." + std::to_string(block) + ".";
  builder.Linear(prefix + "input", config.width, 3);
  builder.Linear(prefix + "hidden", config.width, 3);
}

const Part& Find(std::span<const Part> parts, const std::string& word) {
  return *std::find_if(
      parts.begin(), parts.end(), [&](const Part& part) { return part.word == word; });
}

void AppendAttention(LayoutBuilder& builder, const ModelConfig& config, int block) {
  const std::string prefix = "blocks." + std::to_string(block) + ".";
  const std::size_t last = config.attention.size() - 1;
  const std::string& score = config.attention[std::min(static_cast<std::size_t>(block), last)];
  builder.Norm(prefix + "norm1");
  for (const char* name : {"query", "key", "value", "output"}) {
    builder.Linear(prefix + name, config.width);
  }
  Find(kScores, score).append(builder, config, prefix);
  const bool candidates_ask = config.encoder == "target_attention" && block + 1 == config.blocks;
  if (!candidates_ask) {
    for (const std::string& form : config.forms) {
      Find(kForms, form).append(builder, config, prefix);
    }
  }
  builder.Norm(prefix + "norm2");
  builder.Linear(prefix + "ff1", config.width);
  builder.Linear(prefix + "ff2", config.width);
}

struct EncoderPart {
  const char* word;
  AppendEncoder append;
};

constexpr std::array<EncoderPart, 3> kEncoders = {{{"self_attention", AppendAttention},
                                                   {"gru", AppendGru},
                                                   {"target_attention", AppendAttention}}};

template <typename Parts>
Status CheckWord(const char* key, const Parts& parts, const std::string& word) {
  std::vector<std::string> words;
  words.reserve(parts.size());
  for (const auto& part : parts) {
    words.emplace_back(part.word);
  }
  if (std::find(words.begin(), words.end(), word) != words.end()) {
    return Ok();
  }
  return Fail(ErrorCode::kInvalidArgument,
              std::string(key) + ": unknown \"" + word + "\"; use " + JoinChoices(words)
                  + DidYouMean(word, words));
}

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
    RONDO_TRY_STATUS(CheckWord("model.attention", kScores, kind));
  }
  for (const std::string& form : config.forms) {
    RONDO_TRY_STATUS(CheckWord("model.forms", kForms, form));
  }
  RONDO_TRY_STATUS(CheckWord("model.encoder", kEncoders, config.encoder));
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
  const auto* const encoder =
      std::find_if(kEncoders.begin(), kEncoders.end(), [&](const EncoderPart& part) {
        return part.word == config.encoder;
      });
  for (int block = 0; block < config.blocks; ++block) {
    encoder->append(builder, config, block);
  }
  builder.Norm("norm");
  RONDO_TRY_STATUS(SetGroups(config, builder.entries()));
  return ParameterLayout::Create(std::move(builder.entries()));
}

}  // namespace rondo
