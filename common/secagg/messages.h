#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/core/bytes.h"
#include "common/core/ids.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/x25519.h"
#include "common/federated/task.h"
#include "common/secagg/shamir.h"
#include "common/secagg/transcript.h"

/// The messages of secure aggregation as plain structs, in the order in which they are sent.
/// Clients are named by their places in the directory, which counts from 0 in byte order of the
/// ids. Every message names its session. Bounds stand in proto/secagg.proto.
namespace rondo::secagg {

using Place = std::uint32_t;

// Before step 0 a client is told what it cannot know of the session; the offer of the round
// follows.

/// From the server, to everyone who is invited.
struct SessionOffer {
  Digest session{};  ///< what the server takes the terms for; a client that computes another leaves
  OfferKind kind = OfferKind::kTrain;
  RoundId round = 0;
  std::uint64_t serial = 0;  ///< as in SessionTerms, and so are the next two
  Digest nonce{};
  std::uint32_t min_clients = 0;
  std::uint32_t most_clients = 0;  ///< that may be summed: those invited
};

// Step 0: every client makes two key pairs for this session and signs them.

/// From a client.
struct AdvertiseKeys {
  Digest session{};
  X25519Public share_key{};  ///< agrees on keys that seal shares
  X25519Public mask_key{};   ///< agrees on masks
  Signature signature{};     ///< of AdvertiseStatement
};

struct DirectoryEntry {
  ClientId id;
  X25519Public share_key{};
  X25519Public mask_key{};
  Signature signature{};

  bool operator==(const DirectoryEntry&) const = default;
};

/// From the server, to everyone who advertised.
struct KeyDirectory {
  Digest session{};
  std::uint32_t threshold = 0;          ///< shares that give a secret back; clients compute it too
  std::vector<DirectoryEntry> entries;  ///< in byte order of the ids, which differ
};

// Step 1: every client shares its mask key and the seed of its own mask.

/// Two shares, of the mask key and of the seed, for one client's eyes.
struct SealedShare {
  Place peer = 0;  ///< from a client: whom it is for; from the server: whom it is from
  Bytes sealed;    ///< kSealedShareSize
};

inline constexpr std::size_t kSealedShareSize = 2 * kShareSize + 16;

/// From a client.
struct ShareKeys {
  Digest session{};
  Digest seed_commitment{};
  std::vector<SealedShare> shares;  ///< one a neighbour, in order
  Signature signature{};            ///< of ShareStatement
};

/// From the server, to everyone who shared.
struct ShareDelivery {
  Digest session{};
  std::vector<Place> sharers;       ///< in order
  std::vector<SealedShare> shares;  ///< of neighbours, in order
};

// Step 2: every client masks its vector.

/// A piece of a masked vector, in order and without gaps. The vector is whole when all bytes of the
/// session's spec are there; that they are the client's is up to the channel.
struct MaskedChunk {
  Digest session{};
  std::uint64_t offset = 0;
  Bytes bytes;
};

// Step 3: every client signs whose vectors are summed, once.

/// From the server, to everyone whose vector is whole.
struct SurvivorSet {
  Digest session{};
  std::vector<Place> survivors;  ///< in order
};

/// From a client.
struct ConsistencySignature {
  Digest session{};
  Signature signature{};  ///< of ConsistencyStatement
};

// Step 4: every client that sees enough signatures over the same set opens its shares.

struct MemberSignature {
  Place member = 0;
  Signature signature{};
};

/// From the server, to everyone who signed.
struct ConsistencyProof {
  Digest session{};
  std::vector<MemberSignature>
      signatures;  ///< threshold of the receiver and its neighbours, in order
};

struct OpenedShare {
  Place owner = 0;
  Share share{};
};

/// From a client: for each owner the share of its seed if its vector is summed, of its mask key if
/// it is not; never both.
struct UnmaskShares {
  Digest session{};
  std::vector<OpenedShare> seeds;      ///< in order
  std::vector<OpenedShare> mask_keys;  ///< in order
};

using ClientMessage =
    std::variant<AdvertiseKeys, ShareKeys, MaskedChunk, ConsistencySignature, UnmaskShares>;

using ServerMessage =
    std::variant<KeyDirectory, ShareDelivery, SurvivorSet, ConsistencyProof, SessionOffer>;

/// Bytes of a masked vector in one piece.
inline constexpr std::size_t kMaskedChunk = (std::size_t{1} << 20) - 256;

}  // namespace rondo::secagg
