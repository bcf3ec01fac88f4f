#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/core/bytes.h"
#include "common/core/result.h"
#include "common/federated/parameters.h"

/// Tensors in the safetensors format, as files and on the wire.
///
///     file     := length header data
///     length   := u64, little endian, of the header in bytes; at most 100 MB
///     header   := JSON object, padded with spaces to a multiple of 8 bytes:
///                 {"__metadata__": {text: text, ...}, NAME: {"dtype": "F32" | "I64", "shape": [n,
///                 ...],
///                  "data_offsets": [begin, end]}, ...}; offsets count from the begin of data
///     data     := the tensors, row-major, little endian, without overlap and without holes
///
/// Source  github.com/huggingface/safetensors, "Format".
namespace rondo {

using Metadata = std::map<std::string, std::string>;
using Shape = std::vector<std::int64_t>;

/// A tensor of a file that was read.
struct NamedTensor {
  std::string name;
  Shape shape;
  std::variant<std::vector<float>, std::vector<std::int64_t>> values;
};

/// A tensor about to be written. Name and values outlive the view.
struct TensorView {
  std::string name;
  Shape shape;
  std::variant<std::span<const float>, std::span<const std::int64_t>> values;
};

struct TensorFile {
  Metadata metadata;
  std::vector<NamedTensor> tensors;  ///< in order of their data

  /// Null if there is none of this name.
  const NamedTensor* Find(std::string_view name) const;
};

/// Equal input gives equal bytes.
/// Errors  kInvalidArgument for a repeated or reserved name, a shape that does not fit the values,
/// a header
///         over the limit, or text that is not UTF-8.
Result<Bytes> EncodeSafetensors(std::span<const TensorView> tensors, const Metadata& metadata);

/// Checks everything before it allocates.
/// Errors  kCorrupt for anything the grammar does not allow; kUnsupported for other types of
/// numbers.
Result<TensorFile> DecodeSafetensors(ByteView bytes);

/// Errors  of ReadFile and DecodeSafetensors, with the path.
Result<TensorFile> ReadSafetensors(const std::filesystem::path& path);

/// The tensors of a model, each name after `prefix`. The views end with the vector.
std::vector<TensorView> ParameterViews(const ParameterVector& parameters,
                                       const std::string& prefix = "");

/// Collects the tensors of `layout`, each name after `prefix`, from a file that may hold others.
/// Errors  kCorrupt if a tensor is missing, has another shape or is not F32.
Result<ParameterVector> TakeParameters(const TensorFile& file,
                                       std::shared_ptr<const ParameterLayout> layout,
                                       const std::string& prefix = "");

/// A model alone, as it goes over the wire.
Result<Bytes> EncodeParameters(const ParameterVector& parameters, const Metadata& metadata = {});

/// SHA-256 of the file that EncodeSafetensors makes without metadata, in hexadecimal.
Result<std::string> SafetensorsSha256(std::span<const TensorView> tensors);

/// The opposite; a tensor that the layout does not name is an error, too.
Result<ParameterVector> DecodeParameters(ByteView bytes,
                                         std::shared_ptr<const ParameterLayout> layout);

}  // namespace rondo
