#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/bytes.h"
#include "common/core/ids.h"
#include "common/crypto/secret.h"
#include "common/crypto/x25519.h"
#include "common/federated/task.h"
#include "common/secagg/messages.h"
#include "common/secagg/transcript.h"
#include "common/secagg/vector_spec.h"

/// What both sides of a session compute alike: its name, the statements that are signed, and keys.
///
/// Source  Bonawitz et al. 2017, figure 4, with the consistency round; masks are bound to the model
/// as an answer to Pasquini et al. 2022.
namespace rondo::secagg {

/// What a session is about. Each client puts it together by itself: the model's digest is of the
/// file that it trained on, so that clients with different models get masks that do not cancel.
struct SessionTerms {
  std::string federation;
  std::string run;
  OfferKind kind = OfferKind::kTrain;
  RoundId round = 0;
  std::uint64_t serial = 0;  ///< rises from session to session of a run, whatever its kind
  Digest nonce{};            ///< of the server
  std::string roster_sha256;
  std::string model_sha256;
  std::uint32_t min_clients = 3;  ///< a sum of fewer is never opened
  VectorSpec vector;
};

/// A sum of two would tell each of them the other's.
inline constexpr std::uint32_t kLeastClients = 3;

Digest SessionId(const SessionTerms& terms);

Digest DirectoryHash(const Digest& session, const std::vector<DirectoryEntry>& entries);

Digest SetHash(const std::vector<Place>& members);

// What clients sign.

Bytes AdvertiseStatement(const Digest& session,
                         const ClientId& client,
                         const X25519Public& share_key,
                         const X25519Public& mask_key);
Bytes ShareStatement(const Digest& directory_hash,
                     const ClientId& client,
                     const Digest& seed_commitment,
                     const std::vector<SealedShare>& shares);
Bytes ConsistencyStatement(const Digest& directory_hash,
                           const std::vector<Place>& sharers,
                           const std::vector<Place>& survivors);

// Keys. Two clients derive the same; `a` and `b` are their ids in any order.

/// Seals shares between two clients. Errors  kInvalidArgument for a peer's key of low order.
Result<SecretBytes> ShareKeyBetween(const X25519Key& own,
                                    const X25519Public& peer,
                                    const Digest& directory_hash,
                                    const ClientId& a,
                                    const ClientId& b);

/// The pair's mask: the client with the lower id adds it, the other subtracts. Errors  as above.
Result<SecretBytes> MaskKeyBetween(const X25519Key& own,
                                   const X25519Public& peer,
                                   const Digest& directory_hash,
                                   const ClientId& a,
                                   const ClientId& b);

/// A client's own mask.
SecretBytes OwnMaskKey(ByteView seed, const Digest& session, const ClientId& client);

/// Tells the server that the seed it put together is the one that the client meant.
Digest SeedCommitment(ByteView seed, const Digest& session, const ClientId& client);

/// Both shares of one holder, sealed by AES-256-GCM. A key seals one message in each direction.
Bytes SealShares(ByteView key,
                 const Digest& directory_hash,
                 const ClientId& from,
                 const ClientId& to,
                 ByteView shares);

/// Errors  kUnauthenticated if the bytes are not what `from` sealed for `to` in this session.
Result<SecretBytes> OpenShares(ByteView key,
                               const Digest& directory_hash,
                               const ClientId& from,
                               const ClientId& to,
                               ByteView sealed);

/// Whether the places are below `clients` and strictly rise.
bool AreOrderedPlaces(const std::vector<Place>& places, std::size_t clients);

}  // namespace rondo::secagg
