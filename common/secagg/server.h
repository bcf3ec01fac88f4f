#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "common/core/clock.h"
#include "common/core/workers.h"
#include "common/secagg/directory.h"
#include "common/secagg/messages.h"
#include "common/secagg/session.h"

namespace rondo::secagg {

class Opener;
struct Mask;

/// When the steps of a session end for those who have not answered.
struct Schedule {
  std::array<TimePoint, 5> ends;  ///< of steps 0 to 4

  /// Of a round that is over after `whole`: clients train before step 0, so it gets 6/10 of the
  /// time, and each of the others 1/10.
  static Schedule Of(TimePoint start, Duration whole);
};

struct AddressedMessage {
  ClientId client;
  ServerMessage message;
};

/// What a step of the server asks for.
struct ServerStep {
  std::vector<AddressedMessage> send;
  std::optional<TimePoint> wake;  ///< call Tick then
};

/// The server half of one session of secure aggregation, without sockets or clocks.
///
/// A step ends when everybody has answered or been dropped, or at its time. Whoever did not answer
/// is left out from then on: before its vector is whole nothing of it is summed, afterwards it is.
/// Below the threshold the session is void. A wrong message drops its sender.
///
/// Nothing is kept on disk: a server that stops loses the session, and clients sign one set of
/// survivors a session, so that the next one starts anew with other keys. Memory: one vector, and
/// those that are being uploaded. One object a session; not thread-safe.
class Server {
 public:
  /// References outlive the server.
  struct Parts {
    SessionTerms terms;  ///< CheckSpec holds
    const Roster& roster;
    std::vector<ClientId> invited;
    Schedule schedule;
    Workers& workers;
  };

  explicit Server(Parts parts);

  /// Clients were offered the terms and will advertise their keys.
  ServerStep Start();

  ServerStep Receive(const ClientId& client, const ClientMessage& message, TimePoint now);
  ServerStep Tick(TimePoint now);

  /// The client is gone. Its vector counts if it is whole.
  ServerStep Drop(const ClientId& client, const Error& why, TimePoint now);

  /// Over, with a sum or void.
  bool complete() const { return outcome_.has_value(); }

  /// Clients whose vectors are in the sum, in byte order; empty until it is there.
  std::vector<ClientId> contributors() const;

  /// Whoever is not in the sum, and why; and whoever gave wrong shares, though it is.
  const std::vector<std::pair<ClientId, Error>>& dropped() const { return dropped_; }

  /// Once complete: the sum, packed by the spec. Errors  kTooFewClients and kCorrupt for a void
  /// session; kFailedPrecondition before.
  Result<Bytes> Take() &&;

 private:
  enum class Phase : std::uint8_t { kAdvertise, kShare, kMask, kAgree, kUnmask };

  Status Handle(const ClientId& client, const ClientMessage& message);
  Status OnKeys(const ClientId& client, const AdvertiseKeys& message);
  Status OnShares(Place from, const ShareKeys& message);
  Status OnChunk(Place from, const MaskedChunk& message);
  Status OnSignature(Place from, const ConsistencySignature& message);
  Status OnUnmask(Place from, const UnmaskShares& message);

  ServerStep Advance(TimePoint now);
  void ClosePhase(ServerStep& step);
  void CloseAdvertise(ServerStep& step);
  void CloseShare(ServerStep& step);
  void CloseMask(ServerStep& step);
  void CloseAgree(ServerStep& step);
  void Unmask();
  Result<std::vector<Mask>> MasksOfSum(Opener& opener) const;
  Result<SecretBytes> OpenSecret(Opener& opener, Place owner, bool is_seed) const;

  void Expect(const std::vector<Place>& places);
  bool IsEnough(std::size_t clients, const char* what);
  void GiveUp(Error why);
  void Leave(const ClientId& client, Error why);

  Parts parts_;
  Digest session_;
  Phase phase_ = Phase::kAdvertise;
  std::set<ClientId> waiting_;  ///< for their answers to this step
  std::vector<std::pair<ClientId, Error>> dropped_;

  std::map<ClientId, AdvertiseKeys> keys_;  ///< step 0
  std::optional<Directory> directory_;
  std::map<Place, ShareKeys> shares_;  ///< step 1
  std::vector<Place> sharers_;
  std::map<Place, Bytes> uploads_;  ///< step 2, not whole yet
  std::vector<Place> survivors_;
  Bytes sum_;
  std::map<Place, Signature> signatures_;  ///< step 3
  std::map<Place, UnmaskShares> opened_;   ///< step 4
  std::optional<Result<Bytes>> outcome_;
};

}  // namespace rondo::secagg
