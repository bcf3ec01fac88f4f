#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/io/safetensors.h"
#include "coordinator/aggregators/updates.h"

namespace rondo::sim {

/// Updates read from files, with memory of their own.
struct UpdateFiles {
  std::vector<std::string> names;                      ///< of the files, in byte order
  std::vector<std::pair<std::string, Shape>> tensors;  ///< in byte order of their names
  std::vector<std::vector<float>> values;              ///< one a file: all tensors in that order
  std::vector<double> weights;                         ///< of the metadata's "weight"; 1 without

  /// Every tensor of two dimensions is a table.
  coordinator::Updates View();
};

/// Reads every `.safetensors` file of a folder.
/// Errors  kNotFound without any; kCorrupt for tensors that are not float32 or differ from those of
/// the first file, and for weights that are not positive decimal numbers; those of ReadSafetensors.
Result<UpdateFiles> ReadUpdateFiles(const std::filesystem::path& folder);

/// Writes one vector with the tensors of the files.
Status WriteVector(const std::filesystem::path& path,
                   const UpdateFiles& like,
                   std::span<const float> values,
                   const Metadata& metadata);

}  // namespace rondo::sim
