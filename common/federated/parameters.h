#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/result.h"

namespace rondo {

enum class ParameterGroup : std::uint8_t { kShared = 0, kPersonal = 1, kFrozen = 2 };

enum class InitRule : std::uint8_t { kZeros = 0, kOnes = 1, kNormal = 2 };

/// One named tensor of a layout, row-major.
struct ParameterEntry {
  std::string name;
  std::vector<std::int64_t> shape;
  InitRule init = InitRule::kZeros;
  double init_scale = 0.0;  ///< standard deviation of kNormal
  ParameterGroup group = ParameterGroup::kShared;
  bool row_addressable = false;  ///< an embedding table: a client touches few rows
  bool zero_first_row = false;   ///< row 0 (padding) is and stays zero
  std::size_t offset = 0;        ///< set by ParameterLayout
  std::size_t size = 0;          ///< set by ParameterLayout
};

/// Names and places of all tensors in one flat float buffer. Immutable, shareable.
class ParameterLayout {
 public:
  /// Errors  kInvalidArgument for an empty or repeated name, a shape without elements, or 2^31
  /// elements and more.
  static Result<std::shared_ptr<const ParameterLayout>> Create(std::vector<ParameterEntry> entries);

  const std::vector<ParameterEntry>& entries() const { return entries_; }

  std::size_t size() const { return size_; }

  const ParameterEntry* Find(std::string_view name) const;

  /// SHA-256 over names, shapes, groups, flags and init rules: equal digests mean equal layouts.
  const std::string& digest() const { return digest_; }

 private:
  ParameterLayout() = default;
  std::vector<ParameterEntry> entries_;
  std::size_t size_ = 0;
  std::string digest_;
};

/// All weights of a model (or a delta of them) in layout order.
struct ParameterVector {
  std::shared_ptr<const ParameterLayout> layout;
  std::vector<float> values;

  std::span<float> Tensor(std::string_view name);
  std::span<const float> Tensor(std::string_view name) const;
};

/// A vector in a model's layout that is kept or sent beside it.
struct NamedVector {
  std::string name;
  ParameterVector vector;
};

/// The group of a parameter by `model.personal` and `model.frozen`, whose words are names of
/// tensors or their beginnings.
ParameterGroup GroupOf(const ModelConfig& config, std::string_view name);

/// Puts every entry into its group. Errors  kInvalidArgument for a word that names none, a
/// parameter in both groups, and if nothing is left to share.
Status SetGroups(const ModelConfig& config, std::vector<ParameterEntry>& entries);

/// The entries that clients and server share, which is all that an update holds. `layout` itself if
/// that is every entry.
std::shared_ptr<const ParameterLayout> SharedLayout(
    const std::shared_ptr<const ParameterLayout>& layout);

/// The entries that stay with a client; null without any.
std::shared_ptr<const ParameterLayout> PersonalLayout(const ParameterLayout& layout);

/// Copies the tensors that both layouts have from `from` to `to`.
void CopyTensors(const ParameterVector& from, ParameterVector& to);

/// The layout of the attention recommender for a catalogue of `items` items (rows 1 .. items) with
/// `feature_values` distinct item-feature values.
/// Errors  kInvalidArgument for an impossible configuration, features without values and the
/// reverse, or a word of `personal` or `frozen` that names nothing.
Result<std::shared_ptr<const ParameterLayout>> ModelLayout(const ModelConfig& config,
                                                           std::int64_t items,
                                                           std::int64_t feature_values = 0);

/// The initial weights: a function of layout and seed alone, the same bits on every machine.
ParameterVector InitialParameters(std::shared_ptr<const ParameterLayout> layout,
                                  std::uint64_t seed);

}  // namespace rondo
