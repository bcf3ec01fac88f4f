#include "common/federated/packing.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string>

#include "common/config/validate.h"

namespace rondo {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are copied as they lie in memory");

std::int64_t MostLevel(const CompressionConfig& config) {
  return (std::int64_t{1} << (config.bits - 1)) - 1;
}

/// Ascending indices of the coordinates that are sent.
std::vector<std::uint32_t> Places(const CompressionConfig& config, std::span<const float> values) {
  std::vector<std::uint32_t> places(values.size());
  std::iota(places.begin(), places.end(), 0U);
  if (!HasStage(config, "top_k")) {
    return places;
  }
  const auto kept = static_cast<std::ptrdiff_t>(CoordinatesSent(config, values.size()));
  std::nth_element(places.begin(),
                   places.begin() + kept - 1,
                   places.end(),
                   [&](std::uint32_t a, std::uint32_t b) {
                     const float left = std::abs(values[a]);
                     const float right = std::abs(values[b]);
                     return left != right ? left > right : a < b;
                   });
  places.resize(static_cast<std::size_t>(kept));
  std::sort(places.begin(), places.end());
  return places;
}

/// The tensor that each place lies in, for ascending places.
template <typename Visit>
void ForEachTensor(const ParameterLayout& layout,
                   std::span<const std::uint32_t> places,
                   Visit&& visit) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < layout.entries().size(); ++i) {
    const ParameterEntry& entry = layout.entries()[i];
    std::size_t end = begin;
    while (end < places.size() && places[end] < entry.offset + entry.size) {
      ++end;
    }
    visit(i, begin, end);
    begin = end;
  }
}

class Writer {
 public:
  void Number(std::uint64_t value) {
    while (value >= 0x80) {
      bytes_.push_back(static_cast<std::uint8_t>(value | 0x80U));
      value >>= 7;
    }
    bytes_.push_back(static_cast<std::uint8_t>(value));
  }

  void Real(float value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof value);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }

  void Bits(std::uint64_t value, int bits) {
    waiting_ |= value << count_;
    count_ += bits;
    while (count_ >= 8) {
      bytes_.push_back(static_cast<std::uint8_t>(waiting_));
      waiting_ >>= 8;
      count_ -= 8;
    }
  }

  Bytes Take() && {
    if (count_ > 0) {
      bytes_.push_back(static_cast<std::uint8_t>(waiting_));
    }
    return std::move(bytes_);
  }

 private:
  Bytes bytes_;
  std::uint64_t waiting_ = 0;
  int count_ = 0;
};

class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}

  Result<std::uint64_t> Number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      if (at_ == bytes_.size()) {
        return Short();
      }
      const std::uint8_t byte = bytes_[at_++];
      value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if (byte < 0x80) {
        return value;
      }
    }
    return Fail(ErrorCode::kCorrupt, "packed update: a number has more than 35 bits");
  }

  Result<float> Real() {
    float value = 0.0F;
    if (bytes_.size() - at_ < sizeof value) {
      return Short();
    }
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    if (!std::isfinite(value)) {
      return Fail(ErrorCode::kCorrupt, "packed update: a number is not finite");
    }
    return value;
  }

  Result<std::uint64_t> Bits(int bits) {
    while (count_ < bits) {
      if (at_ == bytes_.size()) {
        return Short();
      }
      waiting_ |= static_cast<std::uint64_t>(bytes_[at_++]) << count_;
      count_ += 8;
    }
    const std::uint64_t value = waiting_ & ((std::uint64_t{1} << bits) - 1);
    waiting_ >>= bits;
    count_ -= bits;
    return value;
  }

  bool AtEnd() const { return at_ == bytes_.size() && waiting_ == 0; }

 private:
  static Failure Short() {
    return Fail(ErrorCode::kCorrupt, "packed update: it ends before its last coordinate");
  }

  ByteView bytes_;
  std::size_t at_ = 0;
  std::uint64_t waiting_ = 0;
  int count_ = 0;
};

Result<std::vector<std::uint32_t>> ReadPlaces(const CompressionConfig& config,
                                              std::size_t size,
                                              Reader& reader) {
  std::vector<std::uint32_t> places;
  if (!HasStage(config, "top_k")) {
    places.resize(size);
    std::iota(places.begin(), places.end(), 0U);
    return places;
  }
  RONDO_TRY(const std::uint64_t count, reader.Number());
  if (count != CoordinatesSent(config, size)) {
    return Fail(ErrorCode::kCorrupt,
                "packed update: " + std::to_string(count) + " coordinates, asked for were "
                    + std::to_string(CoordinatesSent(config, size)));
  }
  std::uint64_t next = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    RONDO_TRY(const std::uint64_t gap, reader.Number());
    next += gap;
    if (next >= size) {
      return Fail(ErrorCode::kCorrupt, "packed update: a coordinate lies outside the layout");
    }
    places.push_back(static_cast<std::uint32_t>(next++));
  }
  return places;
}

void WritePlaces(std::span<const std::uint32_t> places, Writer& writer) {
  writer.Number(places.size());
  std::uint32_t next = 0;
  for (const std::uint32_t place : places) {
    writer.Number(place - next);
    next = place + 1;
  }
}

void WriteLevels(const CompressionConfig& config,
                 const ParameterLayout& layout,
                 std::span<const float> values,
                 std::span<const std::uint32_t> places,
                 Rng& rng,
                 Writer& writer) {
  std::vector<float> scales(layout.entries().size(), 0.0F);
  ForEachTensor(layout, places, [&](std::size_t tensor, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      scales[tensor] = std::max(scales[tensor], std::abs(values[places[i]]));
    }
  });
  for (const float scale : scales) {
    writer.Real(scale);
  }
  const std::int64_t most = MostLevel(config);
  ForEachTensor(layout, places, [&](std::size_t tensor, std::size_t begin, std::size_t end) {
    const double factor = scales[tensor] > 0.0F ? static_cast<double>(most) / scales[tensor] : 0.0;
    for (std::size_t i = begin; i < end; ++i) {
      const double level = std::floor(values[places[i]] * factor + rng.Uniform());
      const auto whole = std::clamp(static_cast<std::int64_t>(level), -most, most);
      writer.Bits(static_cast<std::uint64_t>(whole + most), config.bits);
    }
  });
}

Status ReadLevels(const CompressionConfig& config,
                  const ParameterLayout& layout,
                  std::span<const std::uint32_t> places,
                  Reader& reader,
                  std::vector<float>& values) {
  std::vector<float> scales;
  for (std::size_t tensor = 0; tensor < layout.entries().size(); ++tensor) {
    RONDO_TRY(const float scale, reader.Real());
    if (scale < 0.0F) {
      return Fail(ErrorCode::kCorrupt, "packed update: a scale is negative");
    }
    scales.push_back(scale);
  }
  const std::int64_t most = MostLevel(config);
  Status status = Ok();
  ForEachTensor(layout, places, [&](std::size_t tensor, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end && status; ++i) {
      const Result<std::uint64_t> raw = reader.Bits(config.bits);
      if (!raw) {
        status = Fail(raw.error());
      } else if (*raw > static_cast<std::uint64_t>(2 * most)) {
        status = Fail(ErrorCode::kCorrupt, "packed update: a level is beyond the largest");
      } else {
        const auto level = static_cast<double>(static_cast<std::int64_t>(*raw) - most);
        values[places[i]] = static_cast<float>(level * scales[tensor] / static_cast<double>(most));
      }
    }
  });
  return status;
}

}  // namespace

std::size_t CoordinatesSent(const CompressionConfig& config, std::size_t size) {
  if (!HasStage(config, "top_k")) {
    return size;
  }
  const double share = std::ceil(config.top_k * static_cast<double>(size));
  return std::clamp<std::size_t>(static_cast<std::size_t>(share), 1, size);
}

Bytes PackUpdate(const CompressionConfig& config,
                 const ParameterLayout& layout,
                 std::span<const float> values,
                 Rng& rng) {
  Writer writer;
  const std::vector<std::uint32_t> places = Places(config, values);
  if (HasStage(config, "top_k")) {
    WritePlaces(places, writer);
  }
  if (HasStage(config, "quantise")) {
    WriteLevels(config, layout, values, places, rng, writer);
  } else {
    for (const std::uint32_t place : places) {
      writer.Real(values[place]);
    }
  }
  return std::move(writer).Take();
}

Result<std::vector<float>> UnpackUpdate(const CompressionConfig& config,
                                        const ParameterLayout& layout,
                                        ByteView bytes) {
  Reader reader(bytes);
  RONDO_TRY(const std::vector<std::uint32_t> places, ReadPlaces(config, layout.size(), reader));
  std::vector<float> values(layout.size(), 0.0F);
  if (HasStage(config, "quantise")) {
    RONDO_TRY_STATUS(ReadLevels(config, layout, places, reader, values));
  } else {
    for (const std::uint32_t place : places) {
      RONDO_TRY(values[place], reader.Real());
    }
  }
  if (!reader.AtEnd()) {
    return Fail(ErrorCode::kCorrupt, "packed update: there are bytes to spare");
  }
  return values;
}

}  // namespace rondo
