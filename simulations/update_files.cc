#include "simulations/update_files.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/core/file.h"

namespace rondo::sim {
namespace {

Result<std::vector<std::filesystem::path>> FilesOf(const std::filesystem::path& folder) {
  std::error_code failed;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    if (entry.path().extension() == ".safetensors") {
      files.push_back(entry.path());
    }
  }
  if (failed) {
    return Fail(ErrorCode::kNotFound,
                "--updates: cannot read the folder '" + folder.string() + "': " + failed.message());
  }
  if (files.empty()) {
    return Fail(ErrorCode::kNotFound,
                "--updates: '" + folder.string() + "' holds no .safetensors file");
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    return a.filename().native() < b.filename().native();
  });
  return files;
}

std::size_t SizeOf(const Shape& shape) {
  std::size_t size = 1;
  for (const std::int64_t extent : shape) {
    size *= static_cast<std::size_t>(extent);
  }
  return size;
}

Result<double> WeightOf(const TensorFile& file, const std::string& name) {
  const auto found = file.metadata.find("weight");
  if (found == file.metadata.end()) {
    return 1.0;
  }
  const std::string& text = found->second;
  double weight = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), weight);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || !std::isfinite(weight) || weight <= 0.0) {
    return Fail(
        ErrorCode::kCorrupt,
        "'" + name + "': the weight must be a positive decimal number, got \"" + text + "\"");
  }
  return weight;
}

Status Append(TensorFile file, const std::string& name, UpdateFiles& updates) {
  std::sort(file.tensors.begin(), file.tensors.end(), [](const auto& a, const auto& b) {
    return a.name < b.name;
  });
  std::vector<std::pair<std::string, Shape>> tensors;
  std::vector<float> values;
  for (NamedTensor& tensor : file.tensors) {
    auto* const floats = std::get_if<std::vector<float>>(&tensor.values);
    if (floats == nullptr) {
      return Fail(ErrorCode::kCorrupt,
                  "'" + name + "': tensor \"" + tensor.name + "\" is not float32");
    }
    tensors.emplace_back(tensor.name, tensor.shape);
    if (values.empty()) {
      values = std::move(*floats);
    } else {
      values.insert(values.end(), floats->begin(), floats->end());
    }
  }
  if (updates.values.empty()) {
    updates.tensors = tensors;
  } else if (tensors != updates.tensors) {
    return Fail(ErrorCode::kCorrupt,
                "'" + name + "': names or shapes of the tensors differ from those of '"
                    + updates.names.front() + "'");
  }
  RONDO_TRY(const double weight, WeightOf(file, name));
  updates.weights.push_back(weight);
  updates.names.push_back(name);
  updates.values.push_back(std::move(values));
  return Ok();
}

}  // namespace

coordinator::Updates UpdateFiles::View() {
  coordinator::Updates updates{.weights = weights, .size = values.front().size()};
  for (std::vector<float>& row : values) {
    updates.rows.push_back(row.data());
  }
  std::size_t offset = 0;
  for (const auto& [name, shape] : tensors) {
    const std::size_t size = SizeOf(shape);
    if (shape.size() == 2 && size > 0) {
      const auto items = static_cast<std::size_t>(shape.front());
      updates.tables.push_back({.offset = offset, .items = items, .width = size / items});
    }
    offset += size;
  }
  return updates;
}

Result<UpdateFiles> ReadUpdateFiles(const std::filesystem::path& folder) {
  RONDO_TRY(const std::vector<std::filesystem::path> files, FilesOf(folder));
  UpdateFiles updates;
  for (const std::filesystem::path& path : files) {
    RONDO_TRY(TensorFile file, ReadSafetensors(path));
    RONDO_TRY_STATUS(Append(std::move(file), path.filename().string(), updates));
  }
  return updates;
}

Status WriteVector(const std::filesystem::path& path,
                   const UpdateFiles& like,
                   std::span<const float> values,
                   const Metadata& metadata) {
  std::vector<TensorView> views;
  for (const auto& [name, shape] : like.tensors) {
    const std::size_t size = SizeOf(shape);
    views.push_back({.name = name, .shape = shape, .values = values.first(size)});
    values = values.subspan(size);
  }
  RONDO_TRY(const Bytes bytes, EncodeSafetensors(views, metadata));
  return WriteFileAtomic(path, bytes);
}

}  // namespace rondo::sim
