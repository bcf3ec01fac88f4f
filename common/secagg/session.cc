#include "common/secagg/session.h"

#include <algorithm>
#include <array>

#include "common/crypto/aead.h"
#include "common/crypto/hkdf.h"
#include "common/crypto/sha256.h"

namespace rondo::secagg {
namespace {

constexpr std::size_t kKeySize = 32;

Result<SecretBytes> KeyBetween(std::string_view label,
                               const X25519Key& own,
                               const X25519Public& peer,
                               const Digest& directory_hash,
                               const ClientId& a,
                               const ClientId& b) {
  RONDO_TRY(const SecretBytes agreed, own.Agree(peer));
  // The directory's hash holds the session's name and all keys.
  const SecretBytes random = HkdfExtract(directory_hash, agreed.view());
  Transcript info(label);
  info.Text(std::min(a, b)).Text(std::max(a, b));
  return HkdfExpand(random.view(), info.bytes(), kKeySize);
}

/// Both directions share a key, so each has a nonce of its own.
std::array<std::uint8_t, 12> NonceOf(const ClientId& from, const ClientId& to) {
  std::array<std::uint8_t, 12> nonce{};
  nonce.back() = from < to ? 0 : 1;
  return nonce;
}

Transcript ShareAssociatedData(const Digest& directory_hash,
                               const ClientId& from,
                               const ClientId& to) {
  Transcript aad("rondo/rsa1/sealed share");
  aad.Data(directory_hash).Text(from).Text(to);
  return aad;
}

Bytes ToBytes(const Transcript& transcript) {
  return {transcript.bytes().begin(), transcript.bytes().end()};
}

}  // namespace

Digest SessionId(const SessionTerms& terms) {
  Transcript transcript("rondo/rsa1/session");
  transcript.Text(terms.federation)
      .Text(terms.run)
      .U32(static_cast<std::uint32_t>(terms.kind))
      .U32(terms.round)
      .U64(terms.serial)
      .Data(terms.nonce)
      .Text(terms.roster_sha256)
      .Text(terms.model_sha256)
      .U32(terms.min_clients);
  terms.vector.AddTo(transcript);
  return transcript.Hash();
}

Digest DirectoryHash(const Digest& session, const std::vector<DirectoryEntry>& entries) {
  Transcript transcript("rondo/rsa1/directory");
  transcript.Data(session).U32(static_cast<std::uint32_t>(entries.size()));
  for (const DirectoryEntry& entry : entries) {
    transcript.Text(entry.id).Data(entry.share_key).Data(entry.mask_key);
  }
  return transcript.Hash();
}

Digest SetHash(const std::vector<Place>& members) {
  Transcript transcript("rondo/rsa1/set");
  transcript.U32(static_cast<std::uint32_t>(members.size()));
  for (const Place member : members) {
    transcript.U32(member);
  }
  return transcript.Hash();
}

Bytes AdvertiseStatement(const Digest& session,
                         const ClientId& client,
                         const X25519Public& share_key,
                         const X25519Public& mask_key) {
  Transcript transcript("rondo/rsa1/advertise");
  transcript.Data(session).Text(client).Data(share_key).Data(mask_key);
  return ToBytes(transcript);
}

Bytes ShareStatement(const Digest& directory_hash,
                     const ClientId& client,
                     const Digest& seed_commitment,
                     const std::vector<SealedShare>& shares) {
  Transcript transcript("rondo/rsa1/share");
  transcript.Data(directory_hash)
      .Text(client)
      .Data(seed_commitment)
      .U32(static_cast<std::uint32_t>(shares.size()));
  for (const SealedShare& share : shares) {
    transcript.U32(share.peer).Data(share.sealed);
  }
  return ToBytes(transcript);
}

Bytes ConsistencyStatement(const Digest& directory_hash,
                           const std::vector<Place>& sharers,
                           const std::vector<Place>& survivors) {
  Transcript transcript("rondo/rsa1/consistency");
  transcript.Data(directory_hash).Data(SetHash(sharers)).Data(SetHash(survivors));
  return ToBytes(transcript);
}

Result<SecretBytes> ShareKeyBetween(const X25519Key& own,
                                    const X25519Public& peer,
                                    const Digest& directory_hash,
                                    const ClientId& a,
                                    const ClientId& b) {
  return KeyBetween("rondo/rsa1/share key", own, peer, directory_hash, a, b);
}

Result<SecretBytes> MaskKeyBetween(const X25519Key& own,
                                   const X25519Public& peer,
                                   const Digest& directory_hash,
                                   const ClientId& a,
                                   const ClientId& b) {
  return KeyBetween("rondo/rsa1/mask key", own, peer, directory_hash, a, b);
}

SecretBytes OwnMaskKey(ByteView seed, const Digest& session, const ClientId& client) {
  const SecretBytes random = HkdfExtract(session, seed);
  Transcript info("rondo/rsa1/own mask");
  info.Text(client);
  return HkdfExpand(random.view(), info.bytes(), kKeySize);
}

Digest SeedCommitment(ByteView seed, const Digest& session, const ClientId& client) {
  // Hashed piece by piece, so that no second copy of the seed stays behind.
  Transcript before("rondo/rsa1/seed");
  before.Data(session).Text(client).U32(static_cast<std::uint32_t>(seed.size()));
  Sha256 hash;
  hash.Update(before.bytes());
  hash.Update(seed);
  return hash.Finish();
}

Bytes SealShares(ByteView key,
                 const Digest& directory_hash,
                 const ClientId& from,
                 const ClientId& to,
                 ByteView shares) {
  return AeadSeal(AeadKind::kAes256Gcm,
                  key,
                  NonceOf(from, to),
                  ShareAssociatedData(directory_hash, from, to).bytes(),
                  shares);
}

Result<SecretBytes> OpenShares(ByteView key,
                               const Digest& directory_hash,
                               const ClientId& from,
                               const ClientId& to,
                               ByteView sealed) {
  return AeadOpen(AeadKind::kAes256Gcm,
                  key,
                  NonceOf(from, to),
                  ShareAssociatedData(directory_hash, from, to).bytes(),
                  sealed);
}

bool AreOrderedPlaces(const std::vector<Place>& places, std::size_t clients) {
  return std::adjacent_find(places.begin(), places.end(), std::greater_equal<>()) == places.end()
         && (places.empty() || places.back() < clients);
}

}  // namespace rondo::secagg
