#pragma once

#include <optional>
#include <string>

#include "client/limits.h"
#include "common/core/bytes.h"
#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/crypto/x25519.h"
#include "common/federated/task.h"

namespace rondo::client {

/// How an encoded contribution leaves this client, in one of the trust modes of docs/security.md.
/// A value, so that a worker thread keeps what was true when its offer came.
struct Trust {
  ClientId client;
  std::string run_id;
  std::string mode = "channel";             ///< Welcome::trust_mode
  std::optional<X25519Public> aggregation;  ///< "sealed": what the accepted roster names

  /// Answers go into a sum under masks instead of into frames.
  bool masked() const { return mode == "masked"; }
};

/// Whether this client knows the mode. Errors  kUnsupported.
Status CheckTrustMode(const std::string& mode);

/// What the client's owner should know of the mode.
std::string TrustText(const std::string& mode);

/// The refusal of an offer whose answer could not leave in the mode that is asked for.
std::optional<Refusal> RefusalOfTrust(const Trust& trust);

/// The bytes that go into the frames: those of `encoded` in mode "channel", sealed in "sealed"; not
/// of mode "masked".
/// Errors  kInvalidArgument for a key that nobody can open with. RefusalOfTrust found nothing.
Result<Bytes> Wrap(const Trust& trust, RoundId round, OfferKind kind, Bytes encoded);

}  // namespace rondo::client
