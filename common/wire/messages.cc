#include "common/wire/messages.h"

#include <google/protobuf/message_lite.h>
#include <google/protobuf/stubs/logging.h>

#include "common/core/check.h"
#include "common/crypto/sha256.h"
#include "common/wire/convert.h"
#include "common/wire/frame.h"

namespace rondo::wire {
namespace detail {

Bytes FrameOf(FrameType type, const google::protobuf::MessageLite& proto) {
  const std::size_t length = proto.ByteSizeLong();
  Bytes frame(kFrameHeaderSize + length);
  WriteFrameHeader(std::span<std::uint8_t, kFrameHeaderSize>(frame.data(), kFrameHeaderSize),
                   type,
                   static_cast<std::uint32_t>(length));
  RONDO_CHECK(proto.SerializeToArray(frame.data() + kFrameHeaderSize, static_cast<int>(length)))
      << "the size was asked for above";
  return frame;
}

Status ParseInto(google::protobuf::MessageLite& proto, ByteView payload) {
  // What is malformed is our error to report; a peer must not fill the log through the library's
  // own lines.
  static const bool kSilenced = (google::protobuf::SetLogHandler(nullptr), true);
  (void)kSilenced;
  // The library reads at most 2 GiB, and throws nothing.
  if (payload.size() > 0x7FFFFFFF
      || !proto.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return Fail(ErrorCode::kCorrupt,
                "a message of " + std::to_string(payload.size()) + " bytes is malformed");
  }
  return Ok();
}

void Bounds::Digest(const char* field, const std::string& value, bool may_be_empty) {
  if (value.empty() && may_be_empty) {
    return;
  }
  if (!IsSha256Hex(value)) {
    Broken(field, "is no SHA-256 in hexadecimal");
  }
}

void Bounds::Broken(const char* field, const std::string& how) {
  if (error_.empty()) {
    error_ = std::string(message_) + ": " + field + " " + how;
  }
}

}  // namespace detail

Bytes Encode(const Message& message) {
  return std::visit([](const auto& value) { return detail::ToFrame(value); }, message);
}

Result<Message> Decode(ByteView frame) {
  RONDO_TRY(const FrameView view, ParseFrame(frame));
  switch (view.type) {
    case FrameType::kHello:
    case FrameType::kWelcome:
    case FrameType::kReject:
    case FrameType::kHeartbeat:
    case FrameType::kGoodbye:
    case FrameType::kFinish:
      return detail::SessionMessage(view.type, view.payload);
    case FrameType::kOffer:
    case FrameType::kRoundResult:
    case FrameType::kDecline:
      return detail::RoundMessage(view.type, view.payload);
    case FrameType::kModelChunk:
    case FrameType::kContributionChunk:
    case FrameType::kAggregation:
      return detail::ChunkMessage(view.type, view.payload);
  }
  return Fail(ErrorCode::kCorrupt, "unknown frame type");
}

const char* MessageName(const Message& message) {
  static constexpr const char* kNames[] = {"hello",
                                           "welcome",
                                           "reject",
                                           "heartbeat",
                                           "goodbye",
                                           "finish",
                                           "offer",
                                           "round result",
                                           "decline",
                                           "model chunk",
                                           "contribution chunk",
                                           "aggregation"};
  static_assert(std::size(kNames) == std::variant_size_v<Message>);
  return kNames[message.index()];
}

}  // namespace rondo::wire
