#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "client/papers.h"
#include "common/core/workers.h"
#include "common/federated/update_sum.h"
#include "common/secagg/client.h"
#include "common/secagg/masked_sum.h"

namespace rondo::client {

/// What this client said in the newest masked session: state/masked.json, on disk before it is
/// said. A client that was killed finds here which session is its last, and joins none before it:
/// the keys were in memory alone, so nothing else of a session can be said twice.
struct MaskedRecord {
  std::string run_id;
  std::uint64_t serial = 0;
  RoundId round = 0;
  OfferKind kind = OfferKind::kTrain;
  std::string survivors_signature;  ///< hexadecimal; empty: no set of survivors was signed
  std::string opened_sha256;        ///< of the message that opened shares; empty: none were

  bool operator==(const MaskedRecord&) const = default;
};

/// Nothing if there is no file. Errors  kIo, kCorrupt.
Result<std::optional<MaskedRecord>> ReadMaskedRecord(const std::filesystem::path& file);

/// Errors  kIo.
Status WriteMaskedRecord(const std::filesystem::path& file, const MaskedRecord& record);

/// A masked vector that is about to leave, for the receipt.
struct MaskedUpload {
  std::string sha256;
  std::uint64_t bytes = 0;
};

/// What a step of a masked round asks for: `upload` is noted before `messages` leave.
struct MaskedStep {
  std::vector<Bytes> messages;  ///< payloads of wire::Aggregation
  std::optional<MaskedUpload> upload;
};

/// One client's part in one masked session, from the server's terms to the opened shares, with what
/// it must not forget on disk. Without sockets or clocks; confined to one thread.
class MaskedRound {
 public:
  struct Parts {
    secagg::SessionOffer offer;
    std::string run_id;
    const Papers& papers;          ///< outlives the round; holds a roster
    std::filesystem::path record;  ///< ClientState::masked_path
    std::uint32_t min_clients = secagg::kLeastClients;
  };

  /// Keeps to the roster that is accepted now, though a newer one may come before the round ends.
  explicit MaskedRound(Parts parts);

  const secagg::SessionOffer& offer() const { return parts_.offer; }

  /// Joins with what the client has for the sum of a task. `model_sha256` is of the file that it
  /// worked on. Errors  kUnauthenticated if it refuses the terms, and why; kInvalidArgument if the
  /// sum could overflow; kIo, kCorrupt of the record.
  Result<MaskedStep> Start(const UpdateSum& update,
                           double loss,
                           double noise_stddev,
                           const std::string& model_sha256);

  /// Errors  kUnauthenticated if the server breaks the protocol; kIo of the record. Nothing more
  /// leaves then.
  Result<MaskedStep> Receive(const secagg::ServerMessage& message);

 private:
  Result<MaskedStep> Say(const secagg::ClientStep& step);
  Status Remember(const secagg::ClientMessage& message);

  Parts parts_;
  Roster roster_;
  Workers workers_{1};
  MaskedRecord record_;
  std::optional<secagg::Client> client_;
};

}  // namespace rondo::client
