#include "common/io/vectors.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace rondo {
namespace {

constexpr const char* kExtraPrefix = "extra.";

std::vector<TensorView> BroadcastViews(const Broadcast& broadcast) {
  std::vector<TensorView> views = ParameterViews(broadcast.model);
  for (TensorView& view : VectorViews(broadcast.extra, kExtraPrefix)) {
    views.push_back(std::move(view));
  }
  return views;
}

/// Of `model`, the tensors `names`; `model` itself if those are all.
Result<std::shared_ptr<const ParameterLayout>> PartOf(
    const std::shared_ptr<const ParameterLayout>& model,
    const std::string& vector,
    std::set<std::string> names) {
  std::vector<ParameterEntry> entries;
  for (const ParameterEntry& entry : model->entries()) {
    if (names.erase(entry.name) > 0) {
      entries.push_back(entry);
    }
  }
  if (!names.empty()) {
    return Fail(ErrorCode::kCorrupt,
                "the tensor '" + vector + "/" + *names.begin() + "' is none of this model's");
  }
  if (entries.size() == model->entries().size()) {
    return model;
  }
  return ParameterLayout::Create(std::move(entries));
}

}  // namespace

std::vector<TensorView> VectorViews(const std::vector<NamedVector>& vectors,
                                    const std::string& prefix) {
  std::vector<TensorView> views;
  for (const NamedVector& vector : vectors) {
    for (TensorView& view : ParameterViews(vector.vector, prefix + vector.name + "/")) {
      views.push_back(std::move(view));
    }
  }
  return views;
}

Result<std::vector<NamedVector>> TakeVectors(const TensorFile& file,
                                             const std::shared_ptr<const ParameterLayout>& model,
                                             const std::string& prefix) {
  std::map<std::string, std::set<std::string>> names;
  for (const NamedTensor& tensor : file.tensors) {
    if (tensor.name.rfind(prefix, 0) != 0) {
      continue;
    }
    const std::size_t slash = tensor.name.find('/', prefix.size());
    if (slash == std::string::npos) {
      return Fail(ErrorCode::kCorrupt, "the tensor '" + tensor.name + "' is of no vector");
    }
    names[tensor.name.substr(prefix.size(), slash - prefix.size())].insert(
        tensor.name.substr(slash + 1));
  }
  std::vector<NamedVector> vectors;
  for (auto& [name, tensors] : names) {
    RONDO_TRY(const auto layout, PartOf(model, name, std::move(tensors)));
    std::string start = prefix;
    start += name + "/";
    RONDO_TRY(ParameterVector vector, TakeParameters(file, layout, start));
    vectors.push_back({.name = name, .vector = std::move(vector)});
  }
  return vectors;
}

Result<Bytes> EncodeBroadcast(const Broadcast& broadcast) {
  return EncodeSafetensors(BroadcastViews(broadcast), {});
}

Result<std::string> BroadcastSha256(const Broadcast& broadcast) {
  return SafetensorsSha256(BroadcastViews(broadcast));
}

Result<Broadcast> DecodeBroadcast(ByteView bytes, std::shared_ptr<const ParameterLayout> layout) {
  RONDO_TRY(const TensorFile file, DecodeSafetensors(bytes));
  Broadcast broadcast;
  RONDO_TRY(broadcast.extra, TakeVectors(file, layout, kExtraPrefix));
  for (const NamedVector& vector : broadcast.extra) {
    if (vector.vector.layout != layout) {
      return Fail(ErrorCode::kCorrupt,
                  "the vector '" + vector.name + "' lacks tensors of the model");
    }
  }
  const std::size_t expected = layout->entries().size() * (1 + broadcast.extra.size());
  if (file.tensors.size() != expected) {
    return Fail(ErrorCode::kCorrupt,
                "expected " + std::to_string(expected) + " tensors, got "
                    + std::to_string(file.tensors.size()));
  }
  RONDO_TRY(broadcast.model, TakeParameters(file, std::move(layout)));
  return broadcast;
}

}  // namespace rondo
