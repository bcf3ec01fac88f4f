#include "common/secagg/vector_spec.h"

#include <cstring>

#include "common/core/check.h"
#include "common/secagg/ring.h"

namespace rondo::secagg {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 33;

Status CheckSegment(const Segment& segment, std::uint32_t clients) {
  const std::string what = "masked vector: segment \"" + segment.name + "\"";
  if (segment.bits != 16 && segment.bits != 24 && segment.bits != 32 && segment.bits != 64) {
    return Fail(ErrorCode::kInvalidArgument,
                what + " has numbers of " + std::to_string(segment.bits)
                    + " bits; masks are made for 16, 24, 32 and 64");
  }
  if (segment.size == 0 || segment.size > kMostBytes / segment.width()) {
    return Fail(ErrorCode::kInvalidArgument,
                what + " has " + std::to_string(segment.size) + " numbers");
  }
  const std::uint64_t half = std::uint64_t{1} << (segment.bits - 1);
  if (segment.most > (half - 1) / clients) {
    return Fail(ErrorCode::kInvalidArgument,
                what + ": " + std::to_string(clients) + " clients of up to "
                    + std::to_string(segment.most) + " each overflow "
                    + std::to_string(segment.bits)
                    + " bits; raise privacy.ring_bits or lower strategy.cohort");
  }
  return Ok();
}

std::uint64_t Load(const std::uint8_t* bytes, std::size_t width) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, width);
  return value;
}

}  // namespace

std::size_t VectorSpec::bytes() const {
  std::size_t total = 0;
  for (const Segment& segment : segments) {
    total += segment.bytes();
  }
  return total;
}

void VectorSpec::AddTo(Transcript& transcript) const {
  transcript.U32(most_clients).U32(static_cast<std::uint32_t>(segments.size()));
  for (const Segment& segment : segments) {
    transcript.Text(segment.name)
        .U64(segment.size)
        .U32(static_cast<std::uint32_t>(segment.bits))
        .U64(segment.most);
  }
}

Status CheckSpec(const VectorSpec& spec) {
  if (spec.most_clients == 0 || spec.segments.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "masked vector: nothing to sum, or nobody");
  }
  std::uint64_t total = 0;
  for (const Segment& segment : spec.segments) {
    RONDO_TRY_STATUS(CheckSegment(segment, spec.most_clients));
    total += segment.bytes();
    if (total > kMostBytes) {
      return Fail(ErrorCode::kInvalidArgument, "masked vector: more than 8 GiB");
    }
  }
  return Ok();
}

void Pack(std::span<const std::int64_t> numbers, int bits, Bytes& out) {
  const auto width = static_cast<std::size_t>(bits) / 8;
  std::size_t at = out.size();
  out.resize(at + numbers.size() * width);
  for (const std::int64_t number : numbers) {
    std::memcpy(out.data() + at, &number, width);
    at += width;
  }
}

void Unpack(ByteView packed, int bits, std::span<std::int64_t> out) {
  const auto width = static_cast<std::size_t>(bits) / 8;
  RONDO_CHECK(packed.size() == out.size() * width) << "the caller compared the lengths";
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::int64_t>(Load(packed.data() + i * width, width));
  }
}

Status CheckWithinBounds(const VectorSpec& spec, ByteView packed) {
  if (packed.size() != spec.bytes()) {
    return Fail(ErrorCode::kInvalidArgument,
                "masked vector: expected " + std::to_string(spec.bytes()) + " bytes, got "
                    + std::to_string(packed.size()));
  }
  const std::uint8_t* at = packed.data();
  for (const Segment& segment : spec.segments) {
    const std::uint64_t mask =
        segment.bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << segment.bits) - 1;
    for (std::uint64_t i = 0; i < segment.size; ++i) {
      // In [-most, most] exactly if number + most, mod 2^bits, is at most 2 most.
      if (((Load(at, segment.width()) + segment.most) & mask) > 2 * segment.most) {
        return Fail(ErrorCode::kInvalidArgument,
                    "masked vector: a number of segment \"" + segment.name
                        + "\" is beyond its bound of " + std::to_string(segment.most));
      }
      at += segment.width();
    }
  }
  return Ok();
}

void AddPacked(const VectorSpec& spec, std::span<std::uint8_t> sum, ByteView packed) {
  std::size_t at = 0;
  for (const Segment& segment : spec.segments) {
    ring::Add(
        sum.subspan(at, segment.bytes()), packed.subspan(at, segment.bytes()), segment.width());
    at += segment.bytes();
  }
}

}  // namespace rondo::secagg
