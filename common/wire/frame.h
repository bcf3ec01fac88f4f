#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "common/core/bytes.h"
#include "common/core/result.h"

/// The envelope of every message:
///
///   frame   := length:u32be type:u8 version:u8 payload[length]
///   version := 1
///
/// Each type has a cap on `length`, checked before anything is allocated.
namespace rondo::wire {

inline constexpr std::size_t kFrameHeaderSize = 6;
inline constexpr std::uint8_t kFrameVersion = 1;

/// Values are part of the format: append, never renumber.
enum class FrameType : std::uint8_t {
  kHello = 1,
  kWelcome = 2,
  kReject = 3,
  kHeartbeat = 4,
  kGoodbye = 5,
  kFinish = 6,
  kOffer = 7,
  kRoundResult = 8,
  kDecline = 9,
  kModelChunk = 10,
  kContributionChunk = 11,
  kAggregation = 12,
  kEnrol = 13,
  kEnrolled = 14,
  kCatalogueChunk = 15,
  kMemberRoster = 16,
};

/// Largest payload of a type in bytes; 0 for an unknown type.
std::uint32_t FrameCap(std::uint8_t type);

struct FrameHeader {
  std::uint32_t length = 0;
  FrameType type = FrameType::kHeartbeat;
};

/// Errors  kCorrupt for an unknown type or version, or a length above the type's cap.
Result<FrameHeader> ParseFrameHeader(const std::array<std::uint8_t, kFrameHeaderSize>& bytes);

/// Writes the header of a frame. That `length` is within the cap of the type is up to the caller.
void WriteFrameHeader(std::span<std::uint8_t, kFrameHeaderSize> out,
                      FrameType type,
                      std::uint32_t length);

/// Splits one whole frame.
/// Errors  as ParseFrameHeader; kCorrupt if `frame` is shorter or longer than its header says.
struct FrameView {
  FrameType type = FrameType::kHeartbeat;
  ByteView payload;
};

Result<FrameView> ParseFrame(ByteView frame);

}  // namespace rondo::wire
