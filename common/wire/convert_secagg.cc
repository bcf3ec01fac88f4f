#include <algorithm>
#include <bit>
#include <cstring>

#include "common/core/check.h"
#include "common/secagg/graph.h"
#include "common/secagg/session.h"
#include "common/wire/convert.h"
#include "common/wire/field_limits.h"
#include "common/wire/secagg_messages.h"

#include "proto/secagg.pb.h"

namespace rondo::wire {
namespace {

using secagg::kMostSessionClients;
using secagg::Place;

static_assert(std::endian::native == std::endian::little,
              "places are copied as they lie in memory");

constexpr std::size_t kPlace = sizeof(Place);
constexpr std::size_t kKeysOfEntry = 32 + 32 + 64;

// -- writing

void Put(ByteView bytes, std::string* out) {
  out->append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void PutPlace(Place place, std::string* out) {
  out->append(reinterpret_cast<const char*>(&place), kPlace);
}

void PutShares(const std::vector<secagg::SealedShare>& shares, std::string* out) {
  for (const secagg::SealedShare& share : shares) {
    PutPlace(share.peer, out);
    Put(share.sealed, out);
  }
}

void PutShares(const std::vector<secagg::OpenedShare>& shares, std::string* out) {
  for (const secagg::OpenedShare& share : shares) {
    PutPlace(share.owner, out);
    Put(share.share, out);
  }
}

void Write(const secagg::AdvertiseKeys& message, v1::SecaggFromClient& proto) {
  v1::AdvertiseKeys* out = proto.mutable_advertise_keys();
  Put(message.share_key, out->mutable_share_key());
  Put(message.mask_key, out->mutable_mask_key());
  Put(message.signature, out->mutable_signature());
}

void Write(const secagg::ShareKeys& message, v1::SecaggFromClient& proto) {
  v1::ShareKeys* out = proto.mutable_share_keys();
  Put(message.seed_commitment, out->mutable_seed_commitment());
  PutShares(message.shares, out->mutable_shares());
  Put(message.signature, out->mutable_signature());
}

void Write(const secagg::MaskedChunk& message, v1::SecaggFromClient& proto) {
  v1::MaskedChunk* out = proto.mutable_masked_chunk();
  out->set_offset(message.offset);
  Put(ByteView(message.bytes), out->mutable_bytes());
}

void Write(const secagg::ConsistencySignature& message, v1::SecaggFromClient& proto) {
  Put(message.signature, proto.mutable_consistency_signature()->mutable_signature());
}

void Write(const secagg::UnmaskShares& message, v1::SecaggFromClient& proto) {
  v1::UnmaskShares* out = proto.mutable_unmask_shares();
  PutShares(message.seeds, out->mutable_seeds());
  PutShares(message.mask_keys, out->mutable_mask_keys());
}

void Write(const secagg::KeyDirectory& message, v1::SecaggFromServer& proto) {
  v1::KeyDirectory* out = proto.mutable_key_directory();
  out->set_threshold(message.threshold);
  std::string* entries = out->mutable_entries();
  for (const secagg::DirectoryEntry& entry : message.entries) {
    RONDO_CHECK(!entry.id.empty() && entry.id.size() <= 255) << "ids in a roster are short";
    entries->push_back(static_cast<char>(entry.id.size()));
    entries->append(entry.id);
    Put(entry.share_key, entries);
    Put(entry.mask_key, entries);
    Put(entry.signature, entries);
  }
}

void Write(const secagg::ShareDelivery& message, v1::SecaggFromServer& proto) {
  v1::ShareDelivery* out = proto.mutable_share_delivery();
  out->mutable_sharers()->Add(message.sharers.begin(), message.sharers.end());
  PutShares(message.shares, out->mutable_shares());
}

void Write(const secagg::SurvivorSet& message, v1::SecaggFromServer& proto) {
  proto.mutable_survivor_set()->mutable_survivors()->Add(message.survivors.begin(),
                                                         message.survivors.end());
}

void Write(const secagg::ConsistencyProof& message, v1::SecaggFromServer& proto) {
  std::string* out = proto.mutable_consistency_proof()->mutable_signatures();
  for (const secagg::MemberSignature& signature : message.signatures) {
    PutPlace(signature.member, out);
    Put(signature.signature, out);
  }
}

void Write(const secagg::SessionOffer& message, v1::SecaggFromServer& proto) {
  v1::SessionOffer* out = proto.mutable_session_offer();
  out->set_kind(static_cast<std::uint32_t>(message.kind));
  out->set_round(message.round);
  out->set_serial(message.serial);
  Put(message.nonce, out->mutable_nonce());
  out->set_min_clients(message.min_clients);
  out->set_most_clients(message.most_clients);
}

template <typename Proto, typename Message>
Bytes EncodeAs(const Message& message) {
  Proto proto;
  std::visit(
      [&](const auto& step) {
        Put(step.session, proto.mutable_session());
        Write(step, proto);
      },
      message);
  Bytes bytes(proto.ByteSizeLong());
  RONDO_CHECK(proto.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())))
      << "the size was asked for above";
  return bytes;
}

// -- reading

template <std::size_t N>
void Get(detail::Bounds& bounds,
         const char* field,
         const std::string& bytes,
         std::array<std::uint8_t, N>& out) {
  if (bytes.size() != N) {
    bounds.Broken(field, "does not have " + std::to_string(N) + " bytes");
    return;
  }
  std::memcpy(out.data(), bytes.data(), N);
}

/// Calls `take` with the place and the rest of each record.
template <typename Take>
void GetRecords(detail::Bounds& bounds,
                const char* field,
                const std::string& bytes,
                std::size_t size,
                const Take& take) {
  const std::size_t record = kPlace + size;
  if (bytes.size() % record != 0 || bytes.size() / record > kMostSessionClients) {
    bounds.Broken(field, "is no whole number of records, or too many");
    return;
  }
  for (std::size_t at = 0; at < bytes.size(); at += record) {
    Place place = 0;
    std::memcpy(&place, bytes.data() + at, kPlace);
    take(place, AsBytes(bytes).subspan(at + kPlace, size));
  }
}

void GetSealed(detail::Bounds& bounds,
               const std::string& bytes,
               std::vector<secagg::SealedShare>& out) {
  GetRecords(bounds, "shares", bytes, secagg::kSealedShareSize, [&](Place place, ByteView rest) {
    out.push_back({.peer = place, .sealed = Bytes(rest.begin(), rest.end())});
  });
}

void GetOpened(detail::Bounds& bounds,
               const char* field,
               const std::string& bytes,
               std::vector<secagg::OpenedShare>& out) {
  GetRecords(bounds, field, bytes, secagg::kShareSize, [&](Place place, ByteView rest) {
    secagg::OpenedShare& share = out.emplace_back(secagg::OpenedShare{.owner = place});
    std::copy(rest.begin(), rest.end(), share.share.begin());
  });
}

template <typename Repeated>
void GetPlaces(detail::Bounds& bounds,
               const char* field,
               const Repeated& places,
               std::vector<Place>& out) {
  bounds.Count(field, static_cast<std::size_t>(places.size()), kMostSessionClients);
  if (places.empty()) {
    bounds.Broken(field, "is empty");
  }
  if (bounds.status()) {
    out.assign(places.begin(), places.end());
  }
}

secagg::AdvertiseKeys Read(detail::Bounds& bounds, const v1::AdvertiseKeys& proto) {
  secagg::AdvertiseKeys message;
  Get(bounds, "share_key", proto.share_key(), message.share_key);
  Get(bounds, "mask_key", proto.mask_key(), message.mask_key);
  Get(bounds, "signature", proto.signature(), message.signature);
  return message;
}

secagg::ShareKeys Read(detail::Bounds& bounds, const v1::ShareKeys& proto) {
  secagg::ShareKeys message;
  Get(bounds, "seed_commitment", proto.seed_commitment(), message.seed_commitment);
  Get(bounds, "signature", proto.signature(), message.signature);
  GetSealed(bounds, proto.shares(), message.shares);
  return message;
}

secagg::MaskedChunk Read(detail::Bounds& bounds, const v1::MaskedChunk& proto) {
  if (proto.bytes().empty() || proto.bytes().size() > secagg::kMaskedChunk) {
    bounds.Broken("bytes", "is empty or longer than a piece may be");
  }
  const ByteView bytes = AsBytes(proto.bytes());
  return {.session = {}, .offset = proto.offset(), .bytes = Bytes(bytes.begin(), bytes.end())};
}

secagg::ConsistencySignature Read(detail::Bounds& bounds, const v1::ConsistencySignature& proto) {
  secagg::ConsistencySignature message;
  Get(bounds, "signature", proto.signature(), message.signature);
  return message;
}

secagg::UnmaskShares Read(detail::Bounds& bounds, const v1::UnmaskShares& proto) {
  secagg::UnmaskShares message;
  GetOpened(bounds, "seeds", proto.seeds(), message.seeds);
  GetOpened(bounds, "mask_keys", proto.mask_keys(), message.mask_keys);
  return message;
}

secagg::KeyDirectory Read(detail::Bounds& bounds, const v1::KeyDirectory& proto) {
  secagg::KeyDirectory message{.session = {}, .threshold = proto.threshold(), .entries = {}};
  ByteView rest = AsBytes(proto.entries());
  while (!rest.empty()) {
    const std::size_t length = rest.front();
    if (length == 0 || rest.size() < 1 + length + kKeysOfEntry
        || message.entries.size() == kMostSessionClients) {
      bounds.Broken("entries", "is no whole number of entries, or too many");
      break;
    }
    secagg::DirectoryEntry& entry = message.entries.emplace_back();
    entry.id = AsText(rest.subspan(1, length));
    const std::uint8_t* keys = rest.data() + 1 + length;
    std::memcpy(entry.share_key.data(), keys, 32);
    std::memcpy(entry.mask_key.data(), keys + 32, 32);
    std::memcpy(entry.signature.data(), keys + 64, 64);
    rest = rest.subspan(1 + length + kKeysOfEntry);
  }
  if (message.entries.empty()) {
    bounds.Broken("entries", "is empty");
  }
  return message;
}

secagg::ShareDelivery Read(detail::Bounds& bounds, const v1::ShareDelivery& proto) {
  secagg::ShareDelivery message;
  GetPlaces(bounds, "sharers", proto.sharers(), message.sharers);
  GetSealed(bounds, proto.shares(), message.shares);
  return message;
}

secagg::SurvivorSet Read(detail::Bounds& bounds, const v1::SurvivorSet& proto) {
  secagg::SurvivorSet message;
  GetPlaces(bounds, "survivors", proto.survivors(), message.survivors);
  return message;
}

secagg::ConsistencyProof Read(detail::Bounds& bounds, const v1::ConsistencyProof& proto) {
  secagg::ConsistencyProof message;
  GetRecords(bounds, "signatures", proto.signatures(), 64, [&](Place place, ByteView rest) {
    secagg::MemberSignature& signature =
        message.signatures.emplace_back(secagg::MemberSignature{.member = place});
    std::copy(rest.begin(), rest.end(), signature.signature.begin());
  });
  return message;
}

secagg::SessionOffer Read(detail::Bounds& bounds, const v1::SessionOffer& proto) {
  constexpr std::uint64_t kAny = ~std::uint64_t{0};
  bounds.Range("kind", proto.kind(), 0U, 1U);
  bounds.Range("round", proto.round(), 1U, ~0U);
  bounds.Range<std::uint64_t>("serial", proto.serial(), 1, kAny);
  bounds.Range("min_clients", proto.min_clients(), secagg::kLeastClients, kMostSessionClients);
  bounds.Range("most_clients", proto.most_clients(), 1U, kMostSessionClients);
  secagg::SessionOffer message{.kind = static_cast<OfferKind>(proto.kind()),
                               .round = proto.round(),
                               .serial = proto.serial(),
                               .min_clients = proto.min_clients(),
                               .most_clients = proto.most_clients()};
  Get(bounds, "nonce", proto.nonce(), message.nonce);
  return message;
}

/// The message with its session, or the first bound it breaks.
template <typename Any, typename Step, typename Proto>
Result<Any> WithSession(detail::Bounds& bounds, const Proto& proto, Step step) {
  Get(bounds, "session", proto.session(), step.session);
  RONDO_TRY_STATUS(bounds.status());
  return Any(std::move(step));
}

}  // namespace

Bytes EncodeSecagg(const secagg::ClientMessage& message) {
  return EncodeAs<v1::SecaggFromClient>(message);
}

Bytes EncodeSecagg(const secagg::ServerMessage& message) {
  return EncodeAs<v1::SecaggFromServer>(message);
}

namespace {

/// Places below 4096 take two bytes each, whether they stand in one field or each in its own.
constexpr detail::FieldLimit kPlaces[] = {
    {.number = 1, .count = kMostSessionClients, .bytes = std::size_t{2} * kMostSessionClients},
    {.number = 2}};
/// Of steps whose fields stand once each.
constexpr detail::FieldLimit kSingle[] =
    {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}, {.number = 5}, {.number = 6}};
constexpr detail::FieldLimit kFromClient[] = {{.number = 1, .bytes = 32},
                                              {.number = 2, .inside = kSingle},
                                              {.number = 3, .inside = kSingle},
                                              {.number = 4, .inside = kSingle},
                                              {.number = 5, .inside = kSingle},
                                              {.number = 6, .inside = kSingle}};
constexpr detail::FieldLimit kFromServer[] = {{.number = 1, .bytes = 32},
                                              {.number = 2, .inside = kSingle},
                                              {.number = 3, .inside = kPlaces},
                                              {.number = 4, .inside = kPlaces},
                                              {.number = 5, .inside = kSingle},
                                              {.number = 6, .inside = kSingle}};

}  // namespace

Result<secagg::ClientMessage> DecodeSecaggFromClient(ByteView bytes) {
  using Proto = v1::SecaggFromClient;
  using Any = secagg::ClientMessage;
  RONDO_TRY_STATUS(detail::CheckFields("secure aggregation", bytes, kFromClient));
  Proto proto;
  RONDO_TRY_STATUS(detail::ParseInto(proto, bytes));
  detail::Bounds bounds("secure aggregation");
  switch (proto.step_case()) {
    case Proto::kAdvertiseKeys:
      return WithSession<Any>(bounds, proto, Read(bounds, proto.advertise_keys()));
    case Proto::kShareKeys:
      return WithSession<Any>(bounds, proto, Read(bounds, proto.share_keys()));
    case Proto::kMaskedChunk:
      return WithSession<Any>(bounds, proto, Read(bounds, proto.masked_chunk()));
    case Proto::kConsistencySignature:
      return WithSession<Any>(bounds, proto, Read(bounds, proto.consistency_signature()));
    case Proto::kUnmaskShares:
      return WithSession<Any>(bounds, proto, Read(bounds, proto.unmask_shares()));
    case Proto::STEP_NOT_SET:
      break;
  }
  return Fail(ErrorCode::kCorrupt, "secure aggregation: a message of no step");
}

Result<secagg::ServerMessage> DecodeSecaggFromServer(ByteView bytes) {
  using Proto = v1::SecaggFromServer;
  using Any = secagg::ServerMessage;
  RONDO_TRY_STATUS(detail::CheckFields("secure aggregation", bytes, kFromServer));
  Proto proto;
  RONDO_TRY_STATUS(detail::ParseInto(proto, bytes));
  detail::Bounds bounds("secure aggregation");
  switch (proto.step_case()) {
    case Proto::kKeyDirectory:
      return WithSession<Any>(bounds, proto, Read(bounds, proto.key_directory()));
    case Proto::kShareDelivery:
      return WithSession<Any>(bounds, proto, Read(bounds, proto.share_delivery()));
    case Proto::kSurvivorSet:
      return WithSession<Any>(bounds, proto, Read(bounds, proto.survivor_set()));
    case Proto::kConsistencyProof:
      return WithSession<Any>(bounds, proto, Read(bounds, proto.consistency_proof()));
    case Proto::kSessionOffer:
      return WithSession<Any>(bounds, proto, Read(bounds, proto.session_offer()));
    case Proto::STEP_NOT_SET:
      break;
  }
  return Fail(ErrorCode::kCorrupt, "secure aggregation: a message of no step");
}

}  // namespace rondo::wire
