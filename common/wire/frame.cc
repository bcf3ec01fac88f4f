#include "common/wire/frame.h"

#include <algorithm>
#include <string>

namespace rondo::wire {
namespace {

constexpr std::uint32_t kKiB = 1024;
constexpr std::uint32_t kChunkCap = 1024 * kKiB + kKiB;

}  // namespace

std::uint32_t FrameCap(std::uint8_t type) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::kHello:
      return 4 * kKiB;
    case FrameType::kWelcome:
      return 64 * kKiB;
    case FrameType::kReject:
      return 4 * kKiB;
    case FrameType::kHeartbeat:
      return 64;
    case FrameType::kGoodbye:
      return kKiB;
    case FrameType::kFinish:
      return kKiB;
    case FrameType::kOffer:
      return 16 * kKiB;
    case FrameType::kRoundResult:
      return kKiB;
    case FrameType::kDecline:
      return 4 * kKiB;
    case FrameType::kModelChunk:
      return kChunkCap;
    case FrameType::kContributionChunk:
      return kChunkCap;
    case FrameType::kAggregation:
    case FrameType::kCatalogueChunk:
      return kChunkCap;
    case FrameType::kEnrol:
      return 8 * kKiB;
    case FrameType::kEnrolled:
      return 1024 * kKiB;
    case FrameType::kMemberRoster:
      return 641 * kKiB;
  }
  return 0;
}

Result<FrameHeader> ParseFrameHeader(const std::array<std::uint8_t, kFrameHeaderSize>& bytes) {
  const std::uint32_t length = (std::uint32_t{bytes[0]} << 24) | (std::uint32_t{bytes[1]} << 16)
                               | (std::uint32_t{bytes[2]} << 8) | std::uint32_t{bytes[3]};
  const std::uint32_t cap = FrameCap(bytes[4]);
  if (cap == 0) {
    return Fail(ErrorCode::kCorrupt, "unknown frame type " + std::to_string(bytes[4]));
  }
  if (bytes[5] != kFrameVersion) {
    return Fail(ErrorCode::kCorrupt,
                "frame version " + std::to_string(bytes[5]) + ", expected "
                    + std::to_string(kFrameVersion));
  }
  if (length > cap) {
    return Fail(ErrorCode::kCorrupt,
                "a frame of type " + std::to_string(bytes[4]) + " announces "
                    + std::to_string(length) + " bytes, at most " + std::to_string(cap)
                    + " are allowed");
  }
  return FrameHeader{.length = length, .type = static_cast<FrameType>(bytes[4])};
}

void WriteFrameHeader(std::span<std::uint8_t, kFrameHeaderSize> out,
                      FrameType type,
                      std::uint32_t length) {
  out[0] = static_cast<std::uint8_t>(length >> 24);
  out[1] = static_cast<std::uint8_t>(length >> 16);
  out[2] = static_cast<std::uint8_t>(length >> 8);
  out[3] = static_cast<std::uint8_t>(length);
  out[4] = static_cast<std::uint8_t>(type);
  out[5] = kFrameVersion;
}

Result<FrameView> ParseFrame(ByteView frame) {
  if (frame.size() < kFrameHeaderSize) {
    return Fail(ErrorCode::kCorrupt,
                "a frame of " + std::to_string(frame.size()) + " bytes has no header");
  }
  std::array<std::uint8_t, kFrameHeaderSize> bytes{};
  std::copy_n(frame.begin(), kFrameHeaderSize, bytes.begin());
  RONDO_TRY(const FrameHeader header, ParseFrameHeader(bytes));
  const ByteView payload = frame.subspan(kFrameHeaderSize);
  if (payload.size() != header.length) {
    return Fail(ErrorCode::kCorrupt,
                "a frame announces " + std::to_string(header.length) + " bytes and has "
                    + std::to_string(payload.size()));
  }
  return FrameView{.type = header.type, .payload = payload};
}

}  // namespace rondo::wire
