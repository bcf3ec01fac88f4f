#include <algorithm>

#include "common/crypto/sha256.h"
#include "common/wire/chunks.h"
#include "common/wire/convert.h"

#include "proto/enrolment.pb.h"

namespace rondo::wire {
namespace detail {
namespace {

constexpr std::size_t kRequestCap = 4 << 10;
constexpr std::size_t kPemCap = 16 << 10;
constexpr std::size_t kRosterCap = 640 << 10;
constexpr std::size_t kMostEvents = 1024;

template <std::size_t kSize>
void CopyBytes(Bounds& bounds,
               const char* field,
               const std::string& from,
               std::array<std::uint8_t, kSize>& to) {
  if (from.size() != kSize) {
    bounds.Broken(field, "does not have " + std::to_string(kSize) + " bytes");
    return;
  }
  std::copy(from.begin(), from.end(), to.begin());
}

std::string Text(ByteView bytes) {
  return std::string(AsText(bytes));
}

Result<Message> ParseEnrol(ByteView payload) {
  v1::Enrol proto;
  RONDO_TRY_STATUS(ParseInto(proto, payload));
  Bounds bounds("enrol");
  bounds.Text("request", proto.request(), kRequestCap);
  Enrol message;
  message.request.assign(proto.request().begin(), proto.request().end());
  CopyBytes(bounds, "roster_key", proto.roster_key(), message.roster_key);
  CopyBytes(bounds, "roster_signature", proto.roster_signature(), message.roster_signature);
  if (!proto.token_key().empty() || !proto.token_signature().empty()) {
    Enrol::Token token;
    CopyBytes(bounds, "token_key", proto.token_key(), token.key);
    CopyBytes(bounds, "token_signature", proto.token_signature(), token.signature);
    message.token = token;
  }
  RONDO_TRY_STATUS(bounds.status());
  return Message(std::move(message));
}

void ToProto(const DataConfig& data, v1::DataRules* proto) {
  proto->set_order(data.order);
  proto->set_ties(data.ties);
  proto->set_split(data.split);
  proto->set_validation_ratio(data.validation_ratio);
  proto->set_test_ratio(data.test_ratio);
  proto->set_validation_from(data.validation_from);
  proto->set_test_from(data.test_from);
  proto->set_min_user_events(data.min_user_events);
  proto->set_min_rating(data.min_rating);
  proto->set_seed(data.seed);
  for (const auto& [event, role] : data.events) {
    (*proto->mutable_events())[event] = role;
  }
}

DataConfig FromProto(Bounds& bounds, const v1::DataRules& proto) {
  bounds.Text("data.order", proto.order(), 64);
  bounds.Text("data.ties", proto.ties(), 64);
  bounds.Text("data.split", proto.split(), 64);
  bounds.Range("data.validation_ratio", proto.validation_ratio(), 0.0, 1.0);
  bounds.Range("data.test_ratio", proto.test_ratio(), 0.0, 1.0);
  bounds.Finite("data.validation_from", proto.validation_from());
  bounds.Finite("data.test_from", proto.test_from());
  bounds.Range("data.min_user_events", proto.min_user_events(), 0, 0x7FFFFFFF);
  bounds.Finite("data.min_rating", proto.min_rating());
  bounds.Count("data.events", proto.events().size(), kMostEvents);
  DataConfig data;
  data.order = Printable(proto.order());
  data.ties = Printable(proto.ties());
  data.split = Printable(proto.split());
  data.validation_ratio = proto.validation_ratio();
  data.test_ratio = proto.test_ratio();
  data.validation_from = proto.validation_from();
  data.test_from = proto.test_from();
  data.min_user_events = proto.min_user_events();
  data.min_rating = proto.min_rating();
  data.seed = proto.seed();
  for (const auto& [event, role] : proto.events()) {
    bounds.Text("data.events", event, 256);
    bounds.Text("data.events", role, 256);
    data.events[Printable(event)] = Printable(role);
  }
  return data;
}

Result<Message> ParseEnrolled(ByteView payload) {
  v1::Enrolled proto;
  RONDO_TRY_STATUS(ParseInto(proto, payload));
  Bounds bounds("enrolled");
  bounds.Text("certificate", proto.certificate(), kPemCap);
  bounds.Text("authority", proto.authority(), kPemCap);
  bounds.Digest("catalogue_sha256", proto.catalogue_sha256(), true);
  bounds.Text("trust_mode", proto.trust_mode(), 64);
  Enrolled message{.certificate_pem = proto.certificate(),
                   .authority_pem = proto.authority(),
                   .data = FromProto(bounds, proto.data()),
                   .catalogue_sha256 = proto.catalogue_sha256(),
                   .trust_mode = Printable(proto.trust_mode())};
  RONDO_TRY_STATUS(bounds.status());
  return Message(std::move(message));
}

Result<Message> ParseCatalogueChunk(ByteView payload) {
  v1::CatalogueChunk proto;
  RONDO_TRY_STATUS(ParseInto(proto, payload));
  Bounds bounds("catalogue chunk");
  bounds.Text("data", proto.data(), kChunkSize);
  bounds.Range("total", proto.total(), std::uint64_t{0}, kCatalogueCap);
  RONDO_TRY_STATUS(bounds.status());
  return Message(CatalogueChunk{
      .total = proto.total(), .offset = proto.offset(), .bytes = std::move(*proto.mutable_data())});
}

Result<Message> ParseMemberRoster(ByteView payload) {
  v1::MemberRoster proto;
  RONDO_TRY_STATUS(ParseInto(proto, payload));
  Bounds bounds("member roster");
  bounds.Text("text", proto.text(), kRosterCap);
  RONDO_TRY_STATUS(bounds.status());
  return Message(MemberRoster{.text = std::move(*proto.mutable_text())});
}

}  // namespace

Bytes ToFrame(const Enrol& message) {
  v1::Enrol proto;
  proto.set_request(Text(message.request));
  proto.set_roster_key(Text(message.roster_key));
  proto.set_roster_signature(Text(message.roster_signature));
  if (message.token) {
    proto.set_token_key(Text(message.token->key));
    proto.set_token_signature(Text(message.token->signature));
  }
  return FrameOf(FrameType::kEnrol, proto);
}

Bytes ToFrame(const Enrolled& message) {
  v1::Enrolled proto;
  proto.set_certificate(message.certificate_pem);
  proto.set_authority(message.authority_pem);
  ToProto(message.data, proto.mutable_data());
  proto.set_catalogue_sha256(message.catalogue_sha256);
  proto.set_trust_mode(message.trust_mode);
  return FrameOf(FrameType::kEnrolled, proto);
}

Bytes ToFrame(const CatalogueChunk& message) {
  v1::CatalogueChunk proto;
  proto.set_total(message.total);
  proto.set_offset(message.offset);
  proto.set_data(message.bytes);
  return FrameOf(FrameType::kCatalogueChunk, proto);
}

Bytes ToFrame(const MemberRoster& message) {
  v1::MemberRoster proto;
  proto.set_text(message.text);
  return FrameOf(FrameType::kMemberRoster, proto);
}

Result<Message> EnrolmentMessage(FrameType type, ByteView payload) {
  switch (type) {
    case FrameType::kEnrol:
      return ParseEnrol(payload);
    case FrameType::kEnrolled:
      return ParseEnrolled(payload);
    case FrameType::kCatalogueChunk:
      return ParseCatalogueChunk(payload);
    default:
      return ParseMemberRoster(payload);
  }
}

}  // namespace detail

Bytes EnrolTranscript(const Enrol& message, ByteView binding) {
  constexpr std::string_view kLabel = "rondo/enrol/1";
  Sha256 hash;
  hash.Update(message.request);
  const auto digest = hash.Finish();
  Bytes transcript(kLabel.begin(), kLabel.end());
  transcript.push_back(0);
  for (const ByteView part : {binding, ByteView(digest), ByteView(message.roster_key)}) {
    transcript.insert(transcript.end(), part.begin(), part.end());
  }
  return transcript;
}

}  // namespace rondo::wire
