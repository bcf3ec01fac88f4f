#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "client/certificate.h"
#include "client/receipts.h"
#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/crypto/roster.h"
#include "common/federated/task.h"

namespace rondo::client {

/// Who this client is to the other members, beyond its certificate: its long-term key, the key that
/// it trusts to name the members, the newest list of them it has accepted (state/roster.signed),
/// and what it has sent to whom (state/receipts.jsonl). The coordinator can change none of these.
class Papers {
 public:
  struct Own {
    ClientId id;
    SigningKey key;
    Ed25519Public governance{};
    std::string federation;  ///< SHA-256 of the authority's certificate
  };

  /// The certificate's id and the other files it names. Errors  kInvalidArgument for a key of
  /// client.toml that is missing or wrong; as LoadSigningKey and InspectIdentity.
  static Result<Own> ReadOwn(const IdentityPaths& paths, const std::string& governance);

  /// Reads the accepted roster again. Errors  kCorrupt, kUnauthenticated, naming the file.
  static Result<Papers> Open(Own own, const std::filesystem::path& state);

  const ClientId& id() const { return own_.id; }

  const SigningKey& key() const { return own_.key; }

  /// Null until a roster was accepted.
  const SignedRoster* roster() const { return roster_ ? &*roster_ : nullptr; }

  /// Accepts a roster that names this client with its own key; on disk when this returns.
  /// Errors  kCorrupt, kUnauthenticated for a text, signature or federation that does not hold, for
  /// a version before the accepted one, or another roster of the same version: a coordinator that
  /// sends such lies. kFailedPrecondition if this client is not in it, or not with its key.
  Status TakeRoster(const std::string& text);

  struct Sent {
    std::string run_id;
    RoundId round = 0;
    OfferKind kind = OfferKind::kTrain;
    std::string model_sha256;         ///< the model it was made of
    std::string contribution_sha256;  ///< of the encoded contribution
    std::uint64_t bytes = 0;          ///< of the same
    std::string server_key_sha256;    ///< of the public key in the server's certificate
  };

  /// Appends a receipt (see receipts.h). On disk when this returns. Errors  as Receipts::Append.
  Status NoteSent(const Sent& sent);

  static std::filesystem::path ReceiptsFile(const std::filesystem::path& state) {
    return state / "receipts.jsonl";
  }

 private:
  Papers(Own own, const std::filesystem::path& state)
      : own_(std::move(own)),
        roster_file_(state / "roster.signed"),
        receipts_(ReceiptsFile(state)) {}

  Own own_;
  std::filesystem::path roster_file_;
  Receipts receipts_;
  std::optional<SignedRoster> roster_;
};

}  // namespace rondo::client
