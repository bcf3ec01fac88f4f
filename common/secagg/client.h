#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "common/core/workers.h"
#include "common/secagg/directory.h"
#include "common/secagg/messages.h"
#include "common/secagg/refusal.h"
#include "common/secagg/session.h"

namespace rondo::secagg {

/// What one client's owner insists on.
struct ClientPolicy {
  std::uint32_t min_clients = kLeastClients;  ///< to hide among
  std::uint64_t last_serial = 0;              ///< of the newest session of this run; 0: none
};

/// What a step of a client asks for: `persist` is on disk before `send` leaves.
struct ClientStep {
  std::optional<std::uint64_t> persist;  ///< serial of the session; none older is joined again
  std::vector<ClientMessage> send;
};

/// The client half of one session of secure aggregation, without sockets or clocks.
///
/// Start advertises keys, then each message of the server is answered. A message that an honest
/// server would not send ends the session for this client: the error names the reason, and no
/// secret leaves afterwards. Secrets are wiped as soon as their step is over, all of them when the
/// session ends, either way. A session that is cut off is not resumed: keys are in memory alone,
/// and the next session has new ones. One object a session; not thread-safe.
class Client {
 public:
  /// All references outlive the client.
  struct Parts {
    SessionTerms terms;  ///< as this client sees them; see SessionTerms
    ClientId self;
    const SigningKey& identity;
    const Roster& roster;
    ClientPolicy policy;
    Bytes vector;  ///< packed by terms.vector
    Workers& workers;
  };

  explicit Client(Parts parts);

  /// Step 0. Errors  kUnauthenticated, here and below, with the refusal; see `refused`.
  Result<ClientStep> Start();

  /// Steps 1 to 4.
  Result<ClientStep> Receive(const ServerMessage& message);

  /// Why the client left the session.
  const std::optional<Refusal>& refused() const { return refused_; }

  /// The shares were opened: nothing else will be sent.
  bool done() const { return std::holds_alternative<Done>(state_); }

 private:
  struct Idle {};

  /// Keys are out; waits for those of all.
  struct Advertised {
    X25519Key share_key;
    X25519Key mask_key;
    DirectoryEntry own;
  };

  /// Shares are out; waits for those of others.
  struct Shared {
    X25519Key mask_key;
    SecretBytes seed;
    Share own_seed_share;
    std::map<Place, SecretBytes> share_keys;  ///< one a neighbour
  };

  /// The masked vector is out; waits to hear whose else.
  struct Masked {
    std::vector<Place> sharers;
    std::map<Place, SecretBytes> shares;  ///< opened: of the mask key, then of the seed
  };

  /// One set of survivors is signed; waits for the signatures of others.
  struct Signed {
    Masked masked;
    std::vector<Place> survivors;
    ConsistencySignature sent;
  };

  struct Done {};

  struct Left {};

  using Outcome = std::variant<ClientStep, Refusal>;

  Outcome Advertise();
  Outcome OnDirectory(const KeyDirectory& message);
  Outcome OnDelivery(const ShareDelivery& message);
  Outcome OnSurvivors(const SurvivorSet& message);
  Outcome OnProof(const ConsistencyProof& message);
  Outcome Handle(const ServerMessage& message);
  Result<ClientStep> Finish(Outcome outcome);

  Verdict CheckOffer() const;
  Verdict CheckSet(const std::vector<Place>& members) const;
  Verdict CheckProof(const ConsistencyProof& message, const Signed& signed_state) const;
  std::vector<ClientMessage> MaskedVector(Bytes masked) const;

  Parts parts_;
  Digest session_;
  std::optional<Directory> directory_;
  Place own_ = 0;
  std::variant<Idle, Advertised, Shared, Masked, Signed, Done, Left> state_;
  std::optional<Refusal> refused_;
};

}  // namespace rondo::secagg
