#include "common/wire/messages.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
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
  // Lengths are read as 32 bits; what is longer is far beyond every cap.
  RONDO_CHECK(length <= kMostParsed) << "large content travels in chunks";
  Bytes frame(kFrameHeaderSize + length);
  WriteFrameHeader(std::span<std::uint8_t, kFrameHeaderSize>(frame.data(), kFrameHeaderSize),
                   type,
                   static_cast<std::uint32_t>(length));
  const auto room = static_cast<int>(length);
  google::protobuf::io::ArrayOutputStream array(frame.data() + kFrameHeaderSize, room);
  google::protobuf::io::CodedOutputStream out(&array);
  out.SetSerializationDeterministic(true);  // Else maps come in another order each time.
  RONDO_CHECK(proto.SerializeToCodedStream(&out)) << "the size was asked for above";
  return frame;
}

Status ParseInto(google::protobuf::MessageLite& proto, ByteView payload) {
  // What is malformed is our error to report; a peer must not fill the log through the library's
  // own lines.
  static const bool kSilenced = (google::protobuf::SetLogHandler(nullptr), true);
  (void)kSilenced;
  // The library throws nothing.
  if (payload.size() > kMostParsed
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

std::string Cut(const std::string& text, std::size_t longest) {
  if (text.size() <= longest) {
    return text;
  }
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  return text.substr(0, end);
}

std::string Printable(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto before = static_cast<unsigned char>(i > 0 ? text[i - 1] : '\0');
    if (byte < 0x20 || byte == 0x7F) {
      text[i] = '?';
    } else if (before == 0xC2 && byte < 0xA0) {  // U+0080 to U+009F.
      text.replace(--i, 2, "?");
    }
  }
  return text;
}

}  // namespace detail

namespace {

Bytes FrameWith(const Message& message) {
  return std::visit([](const auto& value) { return detail::ToFrame(value); }, message);
}

}  // namespace

Bytes Encode(const Message& message) {
  Bytes frame = FrameWith(message);
  RONDO_CHECK(ParseFrame(frame).has_value()) << "large content travels in chunks";
  return frame;
}

Status CheckSendable(const Message& message) {
  const Result<Message> read = Decode(FrameWith(message));
  return read ? Ok() : Status(Fail(ErrorCode::kInvalidArgument, read.error().message));
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
    case FrameType::kEnrol:
    case FrameType::kEnrolled:
    case FrameType::kCatalogueChunk:
    case FrameType::kMemberRoster:
      return detail::EnrolmentMessage(view.type, view.payload);
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
                                           "aggregation",
                                           "enrol",
                                           "enrolled",
                                           "catalogue chunk",
                                           "member roster"};
  static_assert(std::size(kNames) == std::variant_size_v<Message>);
  return kNames[message.index()];
}

}  // namespace rondo::wire
