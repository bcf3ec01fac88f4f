#pragma once

#include <cstdint>
#include <string>

#include "common/core/ids.h"
#include "common/crypto/x25519.h"
#include "common/federated/task.h"

/// A contribution that only the holder of the aggregation key can read, whatever lies between.
///
///   sealed := encapsulated_key[32] piece+
///   piece  := HPKE message: 1 MiB of the encoded contribution, less in the last, and a tag[16]
///   info   := "rondo/sealed/1" 0x00 run
///   aad    := round:u32be kind:u8 index:u32be last:u8 client
///
/// HPKE is mode base of RFC 9180 with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM. Its
/// nonces count the pieces; `index` counts from 0; `last` is 1 in the last piece and else 0. So a
/// piece that is changed, left out, repeated or put elsewhere does not open, and neither does the
/// whole under another run, round, kind or client.
namespace rondo::wire {

/// Plain bytes of a piece.
inline constexpr std::size_t kSealedPiece = std::size_t{1} << 20;

/// What a sealed contribution is bound to.
struct SealedFor {
  std::string run_id;  ///< Welcome::run_id
  RoundId round = 0;
  OfferKind kind = OfferKind::kTrain;
  ClientId client;
};

/// Bytes of a sealed contribution whose encoded form has `plain` bytes.
std::uint64_t SealedSize(std::uint64_t plain);

/// Errors  kInvalidArgument if `aggregation` is a point of low order or `encoded` is empty.
Result<Bytes> SealContribution(const X25519Public& aggregation,
                               const SealedFor& bound,
                               ByteView encoded);

/// The encoded contribution. Memory is bounded by the size of `sealed`, which the caller has
/// capped.
/// Errors  kUnauthenticated for anything but what SealContribution made for this key and `bound`.
Result<SecretBytes> OpenContribution(const X25519Key& aggregation,
                                     const SealedFor& bound,
                                     ByteView sealed);

}  // namespace rondo::wire
