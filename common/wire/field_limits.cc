#include "common/wire/field_limits.h"

#include <algorithm>
#include <array>
#include <string>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include "common/wire/convert.h"

namespace rondo::wire::detail {
namespace {

using google::protobuf::internal::WireFormatLite;

constexpr std::size_t kMostFields = 16;

Status Broken(const char* message, int number, const std::string& how) {
  return Fail(ErrorCode::kCorrupt,
              std::string(message) + ": field " + std::to_string(number) + " " + how);
}

}  // namespace

Status CheckFields(const char* message, ByteView bytes, std::span<const FieldLimit> limits) {
  if (bytes.size() > kMostParsed) {
    return Ok();  // Refused by its size.
  }
  google::protobuf::io::CodedInputStream input(bytes.data(), static_cast<int>(bytes.size()));
  std::array<std::size_t, kMostFields> counts{};
  while (const std::uint32_t tag = input.ReadTag()) {
    const int number = WireFormatLite::GetTagFieldNumber(tag);
    const auto limit = std::find_if(limits.begin(), limits.end(), [number](const FieldLimit& row) {
      return row.number == number;
    });
    if (limit == limits.end()) {
      return Broken(message, number, "is unknown");
    }
    if (++counts.at(static_cast<std::size_t>(limit - limits.begin())) > limit->count) {
      return Broken(message, number, "has more than " + std::to_string(limit->count) + " entries");
    }
    if (WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!WireFormatLite::SkipField(&input, tag)) {
        return Ok();
      }
      continue;
    }
    std::uint32_t length = 0;
    const bool read = input.ReadVarint32(&length);
    const auto begin = static_cast<std::size_t>(input.CurrentPosition());
    if (!read || length > bytes.size() - begin) {
      return Ok();
    }
    if (length > limit->bytes) {
      return Broken(message, number, "is longer than " + std::to_string(limit->bytes) + " bytes");
    }
    if (!limit->inside.empty()) {
      RONDO_TRY_STATUS(CheckFields(message, bytes.subspan(begin, length), limit->inside));
    }
    input.Skip(static_cast<int>(length));
  }
  return Ok();
}

}  // namespace rondo::wire::detail
