#include "common/io/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include <boost/json/serialize.hpp>

#include "common/core/file.h"
#include "common/crypto/sha256.h"
#include "common/io/json.h"

namespace rondo {
namespace {

static_assert(std::endian::native == std::endian::little,
              "values are copied as they lie in memory");

constexpr std::uint64_t kLargestHeader = 100'000'000;
constexpr std::uint64_t kLargestFile = 1ULL << 36;
constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kAlignment = 8;
constexpr std::string_view kMetadataKey = "__metadata__";

Failure Corrupt(const std::string& what) {
  return Fail(ErrorCode::kCorrupt, "broken safetensors: " + what);
}

ByteView RawBytes(const TensorView& tensor) {
  return std::visit(
      [](const auto& values) {
        return ByteView(reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes());
      },
      tensor.values);
}

const char* TypeName(const TensorView& tensor) {
  return std::holds_alternative<std::span<const float>>(tensor.values) ? "F32" : "I64";
}

std::size_t CountValues(const TensorView& tensor) {
  return std::visit([](const auto& values) { return values.size(); }, tensor.values);
}

/// The number of elements of a shape, or nothing if it is negative or over `limit`.
std::optional<std::uint64_t> CountElements(const Shape& shape, std::uint64_t limit) {
  std::uint64_t count = 1;
  for (const std::int64_t size : shape) {
    if (size < 0) {
      return std::nullopt;
    }
    const auto factor = static_cast<std::uint64_t>(size);
    if (factor != 0 && count > limit / factor) {
      return std::nullopt;
    }
    count *= factor;
  }
  return count <= limit ? std::optional(count) : std::nullopt;
}

Result<boost::json::object> MakeHeader(std::span<const TensorView> tensors,
                                       const Metadata& metadata) {
  boost::json::object header;
  if (!metadata.empty()) {
    boost::json::object texts;
    for (const auto& [key, text] : metadata) {
      texts[key] = text;
    }
    header[kMetadataKey] = std::move(texts);
  }
  std::uint64_t begin = 0;
  for (const TensorView& tensor : tensors) {
    if (tensor.name.empty() || tensor.name == kMetadataKey || header.contains(tensor.name)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the tensor name '" + tensor.name + "' is empty, reserved or repeated");
    }
    const std::size_t count = CountValues(tensor);
    if (CountElements(tensor.shape, count) != count) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the shape of tensor '" + tensor.name + "' does not fit its values");
    }
    const std::uint64_t end = begin + RawBytes(tensor).size();
    header[tensor.name] = {{"dtype", TypeName(tensor)},
                           {"shape", boost::json::array(tensor.shape.begin(), tensor.shape.end())},
                           {"data_offsets", {begin, end}}};
    begin = end;
  }
  return header;
}

/// Everything before the data.
Result<std::string> EncodeHeader(std::span<const TensorView> tensors, const Metadata& metadata) {
  RONDO_TRY(const boost::json::object entries, MakeHeader(tensors, metadata));
  std::string text = boost::json::serialize(entries);
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  if (text.size() > kLargestHeader) {
    return Fail(ErrorCode::kInvalidArgument, "the safetensors header would exceed 100 MB");
  }
  if (!ParseJson(text)) {
    return Fail(ErrorCode::kInvalidArgument, "a tensor name or metadata text is not valid UTF-8");
  }
  std::string header(kLengthBytes, '\0');
  const std::uint64_t length = text.size();
  std::memcpy(header.data(), &length, kLengthBytes);
  return header + text;
}

struct TensorInfo {
  std::string name;
  Shape shape;
  bool is_float = true;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// A list of integers, none negative.
Result<Shape> ReadIntegers(const boost::json::value* value, const std::string& where) {
  if (value == nullptr || !value->is_array()) {
    return Corrupt(where + " is missing or no list");
  }
  Shape integers;
  for (const boost::json::value& element : value->get_array()) {
    if (!element.is_int64() || element.get_int64() < 0) {
      return Corrupt(where + " holds something else than whole numbers");
    }
    integers.push_back(element.get_int64());
  }
  return integers;
}

Result<TensorInfo> ReadInfo(const std::string& name,
                            const boost::json::value& value,
                            std::uint64_t data_size) {
  const std::string where = " of tensor '" + name + "'";
  if (name.empty()) {
    return Corrupt("a tensor has no name");
  }
  if (!value.is_object()) {
    return Corrupt("the entry" + where + " is no object");
  }
  const boost::json::object& object = value.get_object();
  constexpr std::size_t kKeys = 3;
  const boost::json::value* type = object.if_contains("dtype");
  if (object.size() != kKeys || type == nullptr || !type->is_string()) {
    return Corrupt("the entry" + where + " must hold dtype, shape and data_offsets");
  }
  const std::string type_name(type->get_string());
  if (type_name != "F32" && type_name != "I64") {
    return Fail(ErrorCode::kUnsupported,
                "the dtype '" + type_name + "'" + where + " is not supported; expected F32 or I64");
  }
  TensorInfo info{.name = name, .is_float = type_name == "F32"};
  RONDO_TRY(info.shape, ReadIntegers(object.if_contains("shape"), "the shape" + where));
  RONDO_TRY(const Shape offsets,
            ReadIntegers(object.if_contains("data_offsets"), "the data_offsets" + where));
  if (offsets.size() != 2) {
    return Corrupt("the data_offsets" + where + " are not two numbers");
  }
  info.begin = static_cast<std::uint64_t>(offsets[0]);
  info.end = static_cast<std::uint64_t>(offsets[1]);
  const std::uint64_t width = info.is_float ? sizeof(float) : sizeof(std::int64_t);
  const std::optional<std::uint64_t> count = CountElements(info.shape, data_size / width);
  if (info.begin > info.end || info.end > data_size) {
    return Corrupt("the data_offsets" + where + " lie outside the data; the file may be cut off");
  }
  if (!count || *count * width != info.end - info.begin) {
    return Corrupt("the shape" + where + " does not fit its data_offsets");
  }
  return info;
}

Status ReadMetadata(const boost::json::value& value, Metadata& metadata) {
  if (!value.is_object()) {
    return Corrupt("__metadata__ is no object");
  }
  for (const auto& [key, text] : value.get_object()) {
    if (!text.is_string()) {
      return Corrupt("the metadata '" + std::string(key) + "' is no text");
    }
    metadata[std::string(key)] = std::string(text.get_string());
  }
  return Ok();
}

/// The ranges, sorted, must cover the data from its first byte to its last.
Status CheckCover(const std::vector<TensorInfo>& infos, std::uint64_t data_size) {
  std::uint64_t end = 0;
  for (const TensorInfo& info : infos) {
    if (info.begin != end) {
      return Corrupt("the data of tensor '" + info.name + "' "
                     + (info.begin < end ? "overlaps another" : "leaves a hole before it"));
    }
    end = info.end;
  }
  if (end != data_size) {
    return Corrupt(std::to_string(data_size - end) + " bytes of data belong to no tensor");
  }
  return Ok();
}

template <typename T>
std::vector<T> CopyValues(ByteView bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) {
    std::memcpy(values.data(), bytes.data(), bytes.size());
  }
  return values;
}

}  // namespace

const NamedTensor* TensorFile::Find(std::string_view name) const {
  const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const NamedTensor& tensor) {
    return tensor.name == name;
  });
  return found == tensors.end() ? nullptr : &*found;
}

Result<Bytes> EncodeSafetensors(std::span<const TensorView> tensors, const Metadata& metadata) {
  RONDO_TRY(const std::string header, EncodeHeader(tensors, metadata));
  std::size_t size = header.size();
  for (const TensorView& tensor : tensors) {
    size += RawBytes(tensor).size();
  }
  Bytes bytes;
  bytes.reserve(size);
  bytes.insert(bytes.end(), header.begin(), header.end());
  for (const TensorView& tensor : tensors) {
    const ByteView raw = RawBytes(tensor);
    bytes.insert(bytes.end(), raw.begin(), raw.end());
  }
  return bytes;
}

Result<TensorFile> DecodeSafetensors(ByteView bytes) {
  if (bytes.size() < kLengthBytes) {
    return Corrupt("only " + std::to_string(bytes.size()) + " bytes");
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kLargestHeader || length > bytes.size() - kLengthBytes) {
    return Corrupt("a header of " + std::to_string(length) + " bytes in a file of "
                   + std::to_string(bytes.size()) + "; the file may be cut off");
  }
  const std::string_view text = AsText(bytes.subspan(kLengthBytes, length));
  if (text.empty() || text.front() != '{') {
    return Corrupt("the header does not begin with '{'");
  }
  constexpr std::size_t kDepth = 4;
  Result<boost::json::value> header = ParseJson(text, kDepth);
  if (!header) {
    return Corrupt("the header is " + header.error().message);
  }
  const ByteView data = bytes.subspan(kLengthBytes + length);
  TensorFile file;
  std::vector<TensorInfo> infos;
  for (const auto& [key, value] : header->get_object()) {
    if (key == kMetadataKey) {
      RONDO_TRY_STATUS(ReadMetadata(value, file.metadata));
      continue;
    }
    RONDO_TRY(TensorInfo info, ReadInfo(std::string(key), value, data.size()));
    infos.push_back(std::move(info));
  }
  std::stable_sort(infos.begin(), infos.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  RONDO_TRY_STATUS(CheckCover(infos, data.size()));
  for (TensorInfo& info : infos) {
    const ByteView raw = data.subspan(info.begin, info.end - info.begin);
    NamedTensor tensor{.name = std::move(info.name), .shape = std::move(info.shape), .values = {}};
    if (info.is_float) {
      tensor.values = CopyValues<float>(raw);
    } else {
      tensor.values = CopyValues<std::int64_t>(raw);
    }
    file.tensors.push_back(std::move(tensor));
  }
  return file;
}

Result<TensorFile> ReadSafetensors(const std::filesystem::path& path) {
  RONDO_TRY(const Bytes bytes, ReadFile(path, kLargestFile));
  Result<TensorFile> file = DecodeSafetensors(bytes);
  if (!file) {
    return Fail(file.error().code, "'" + path.string() + "': " + file.error().message);
  }
  return file;
}

std::vector<TensorView> ParameterViews(const ParameterVector& parameters,
                                       const std::string& prefix) {
  std::vector<TensorView> views;
  for (const ParameterEntry& entry : parameters.layout->entries()) {
    views.push_back({.name = prefix + entry.name,
                     .shape = entry.shape,
                     .values = std::span(parameters.values).subspan(entry.offset, entry.size)});
  }
  return views;
}

Result<ParameterVector> TakeParameters(const TensorFile& file,
                                       std::shared_ptr<const ParameterLayout> layout,
                                       const std::string& prefix) {
  ParameterVector parameters{.layout = layout, .values = std::vector<float>(layout->size())};
  for (const ParameterEntry& entry : layout->entries()) {
    const NamedTensor* tensor = file.Find(prefix + entry.name);
    if (tensor == nullptr) {
      return Fail(ErrorCode::kCorrupt, "the tensor '" + prefix + entry.name + "' is missing");
    }
    const auto* values = std::get_if<std::vector<float>>(&tensor->values);
    if (values == nullptr || tensor->shape != entry.shape) {
      return Fail(ErrorCode::kCorrupt,
                  "the tensor '" + prefix + entry.name
                      + "' does not have the type and shape of this model");
    }
    std::copy(values->begin(),
              values->end(),
              parameters.values.begin() + static_cast<std::ptrdiff_t>(entry.offset));
  }
  return parameters;
}

Result<Bytes> EncodeParameters(const ParameterVector& parameters, const Metadata& metadata) {
  return EncodeSafetensors(ParameterViews(parameters), metadata);
}

Result<std::string> SafetensorsSha256(std::span<const TensorView> tensors) {
  RONDO_TRY(const std::string header, EncodeHeader(tensors, {}));
  Sha256 hash;
  hash.Update(AsBytes(header));
  for (const TensorView& tensor : tensors) {
    hash.Update(RawBytes(tensor));
  }
  return ToHex(hash.Finish());
}

Result<ParameterVector> DecodeParameters(ByteView bytes,
                                         std::shared_ptr<const ParameterLayout> layout) {
  RONDO_TRY(const TensorFile file, DecodeSafetensors(bytes));
  if (file.tensors.size() != layout->entries().size()) {
    return Fail(ErrorCode::kCorrupt,
                "expected " + std::to_string(layout->entries().size()) + " tensors, got "
                    + std::to_string(file.tensors.size()));
  }
  return TakeParameters(file, std::move(layout));
}

}  // namespace rondo
