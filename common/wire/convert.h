#pragma once

#include <cmath>
#include <string>

#include "common/core/bytes.h"
#include "common/core/result.h"
#include "common/wire/frame.h"
#include "common/wire/messages.h"

namespace google::protobuf {
class MessageLite;
}

/// Conversion of single messages, shared by the sources of this folder only.
namespace rondo::wire::detail {

/// The library reads no more bytes at once.
inline constexpr std::size_t kMostParsed = 0x7FFFFFFF;

/// Whether the length is within the cap of the type is left to Encode.
Bytes FrameOf(FrameType type, const google::protobuf::MessageLite& proto);
Status ParseInto(google::protobuf::MessageLite& proto, ByteView payload);

/// A whole frame of the message.
Bytes ToFrame(const Hello& message);
Bytes ToFrame(const Welcome& message);
Bytes ToFrame(const Reject& message);
Bytes ToFrame(const Heartbeat& message);
Bytes ToFrame(const Goodbye& message);
Bytes ToFrame(const Finish& message);
Bytes ToFrame(const Offer& message);
Bytes ToFrame(const RoundResult& message);
Bytes ToFrame(const Decline& message);
Bytes ToFrame(const ModelChunk& message);
Bytes ToFrame(const ContributionChunk& message);
Bytes ToFrame(const Aggregation& message);
Bytes ToFrame(const Enrol& message);
Bytes ToFrame(const Enrolled& message);
Bytes ToFrame(const CatalogueChunk& message);
Bytes ToFrame(const MemberRoster& message);

/// A payload of the given type, with every bound checked.
Result<Message> SessionMessage(FrameType type, ByteView payload);
Result<Message> RoundMessage(FrameType type, ByteView payload);
Result<Message> ChunkMessage(FrameType type, ByteView payload);
Result<Message> EnrolmentMessage(FrameType type, ByteView payload);

/// Collects the first bound that a message breaks.
class Bounds {
 public:
  explicit Bounds(const char* message) : message_(message) {}

  void Text(const char* field, const std::string& value, std::size_t longest) {
    if (value.size() > longest) {
      Broken(field, "is longer than " + std::to_string(longest) + " bytes");
    }
  }

  void Digest(const char* field, const std::string& value, bool may_be_empty);

  template <typename T>
  void Range(const char* field, T value, T low, T high) {
    // Written so that NaN is outside.
    if (!(value >= low && value <= high)) {
      Broken(field, "is out of range");
    }
  }

  void Finite(const char* field, double value) {
    if (!std::isfinite(value)) {
      Broken(field, "is not finite");
    }
  }

  void Count(const char* field, std::size_t count, std::size_t most) {
    if (count > most) {
      Broken(field, "has more than " + std::to_string(most) + " entries");
    }
  }

  void Broken(const char* field, const std::string& how);

  Status status() const {
    return error_.empty() ? Ok() : Status(Fail(ErrorCode::kCorrupt, error_));
  }

 private:
  const char* message_;
  std::string error_;
};

/// The first characters, `longest` bytes at most. A character is never cut in two: the other side
/// refuses text that is no UTF-8.
std::string Cut(const std::string& text, std::size_t longest);

/// The text with '?' for each control character, ASCII or not.
std::string Printable(std::string text);

}  // namespace rondo::wire::detail
