#include "common/federated/parameters.h"

#include <bit>
#include <limits>
#include <set>
#include <utility>

#include "common/core/check.h"
#include "common/core/rng.h"
#include "common/crypto/sha256.h"

namespace rondo {
namespace {

constexpr std::size_t kMaxElements = std::numeric_limits<std::int32_t>::max();

/// The number of elements, or 0 for a shape that is empty or too large.
std::size_t ElementCount(const std::vector<std::int64_t>& shape) {
  if (shape.empty()) {
    return 0;
  }
  std::size_t count = 1;
  for (const std::int64_t dimension : shape) {
    if (dimension <= 0 || static_cast<std::uint64_t>(dimension) > kMaxElements / count) {
      return 0;
    }
    count *= static_cast<std::size_t>(dimension);
  }
  return count;
}

std::string Describe(const ParameterEntry& entry) {
  std::string text = std::to_string(entry.name.size()) + ":" + entry.name;
  for (const std::int64_t dimension : entry.shape) {
    text += " " + std::to_string(dimension);
  }
  // The bits of the scale, since decimal text would depend on a formatter.
  text += " init=" + std::to_string(static_cast<int>(entry.init)) + ","
          + std::to_string(std::bit_cast<std::uint64_t>(entry.init_scale));
  text += " group=" + std::to_string(static_cast<int>(entry.group));
  text += entry.row_addressable ? " rows" : "";
  text += entry.zero_first_row ? " zero_first" : "";
  return text + "\n";
}

/// Approximately normal with deviation 1: twelve uniform numbers less their mean. Integers only, so
/// that no mathematics library decides a bit.
double NormalDraw(Rng& rng) {
  std::int64_t sum = -(std::int64_t{6} << 32);
  for (int i = 0; i < 12; ++i) {
    sum += rng.NextU32();
  }
  return static_cast<double>(sum) * 0x1p-32;
}

void Fill(const ParameterEntry& entry, std::uint64_t seed, std::span<float> values) {
  if (entry.init == InitRule::kOnes) {
    std::fill(values.begin(), values.end(), 1.0F);
  } else if (entry.init == InitRule::kNormal) {
    Rng rng(StreamName{
        .seed = seed, .round = 0, .client = HashId(entry.name), .purpose = Purpose::kInit});
    for (float& value : values) {
      value = static_cast<float>(NormalDraw(rng) * entry.init_scale);
    }
  }
  if (entry.zero_first_row) {
    const auto row = values.size() / static_cast<std::size_t>(entry.shape.front());
    std::fill_n(values.begin(), row, 0.0F);
  }
}

}  // namespace

Result<std::shared_ptr<const ParameterLayout>> ParameterLayout::Create(
    std::vector<ParameterEntry> entries) {
  std::set<std::string_view> names;
  std::string description;
  std::size_t offset = 0;
  for (ParameterEntry& entry : entries) {
    if (entry.name.empty()) {
      return Fail(ErrorCode::kInvalidArgument, "a tensor of the layout has no name");
    }
    if (!names.insert(entry.name).second) {
      return Fail(ErrorCode::kInvalidArgument,
                  "tensor \"" + entry.name + "\" is in the layout twice");
    }
    entry.size = ElementCount(entry.shape);
    if (entry.size == 0) {
      return Fail(
          ErrorCode::kInvalidArgument,
          "tensor \"" + entry.name + "\" has a shape without elements or with 2^31 and more");
    }
    entry.offset = offset;
    if (entry.size > kMaxElements - offset) {
      return Fail(
          ErrorCode::kInvalidArgument,
          "the layout has 2^31 elements and more; use fewer items or a smaller model.width");
    }
    offset += entry.size;
    description += Describe(entry);
  }
  auto layout = std::shared_ptr<ParameterLayout>(new ParameterLayout());
  layout->entries_ = std::move(entries);
  layout->size_ = offset;
  layout->digest_ = Sha256Hex(AsBytes(description));
  return std::shared_ptr<const ParameterLayout>(std::move(layout));
}

const ParameterEntry* ParameterLayout::Find(std::string_view name) const {
  for (const ParameterEntry& entry : entries_) {
    if (entry.name == name) {
      return &entry;
    }
  }
  return nullptr;
}

std::span<float> ParameterVector::Tensor(std::string_view name) {
  const ParameterEntry* entry = layout->Find(name);
  RONDO_CHECK(entry != nullptr) << "no tensor \"" << name << "\" in the layout";
  return std::span<float>(values).subspan(entry->offset, entry->size);
}

std::span<const float> ParameterVector::Tensor(std::string_view name) const {
  const ParameterEntry* entry = layout->Find(name);
  RONDO_CHECK(entry != nullptr) << "no tensor \"" << name << "\" in the layout";
  return std::span<const float>(values).subspan(entry->offset, entry->size);
}

ParameterVector InitialParameters(std::shared_ptr<const ParameterLayout> layout,
                                  std::uint64_t seed) {
  ParameterVector model{.layout = std::move(layout), .values = {}};
  model.values.assign(model.layout->size(), 0.0F);
  for (const ParameterEntry& entry : model.layout->entries()) {
    Fill(entry, seed, std::span<float>(model.values).subspan(entry.offset, entry.size));
  }
  return model;
}

}  // namespace rondo
