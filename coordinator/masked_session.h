#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/workers.h"
#include "common/crypto/roster.h"
#include "common/secagg/masked_sum.h"
#include "common/secagg/server.h"
#include "coordinator/aggregation_session.h"
#include "coordinator/clear_session.h"

namespace rondo::coordinator {

/// Secure aggregation as a session of rounds: the coordinator gets one sum of everybody whose
/// masked vector was whole in time, or nothing.
///
/// Tells every client what the session is about, then drives the server half of the protocol. Keeps
/// the session's serial on disk before that, so that no restart asks clients to join an old one.
class MaskedSession : public AggregationSession {
 public:
  struct Parts {
    ContributionSpec spec;
    std::vector<ClientId> invited;
    std::string run_id;
    Roster roster;  ///< empty: there is none yet, so nobody can take part
    std::uint64_t serial = 0;
    std::uint32_t min_clients = secagg::kLeastClients;
    Duration whole{};  ///< from Start to the end of the last step
    Workers& workers;  ///< outlives the session
  };

  explicit MaskedSession(Parts parts);
  MaskedSession(const MaskedSession&) = delete;
  MaskedSession& operator=(const MaskedSession&) = delete;

  /// Errors  kInvalidArgument if the sum of those invited could overflow its grid.
  Result<Step> Start(TimePoint now) override;
  Result<Step> Receive(const ClientId& client, ByteView payload, TimePoint now) override;

  /// Errors  kUnsupported: clients in this process have nothing to hide from it.
  Result<Step> AddPack(const std::vector<ClientId>& clients, UpdateSum sum, double loss) override;
  Result<Step> Tick(TimePoint now) override;

  /// What this makes others do is sent with the next step.
  void Drop(const ClientId& client, const Error& why) override;

  bool complete() const override { return server_ && server_->complete(); }

  const std::vector<ClientId>& contributors() const override { return contributors_; }

  const std::vector<std::pair<ClientId, Error>>& dropped() const override { return dropped_; }

  double mean_loss() const override { return mean_loss_; }  ///< NaN before Take

  /// Errors  kTooFewClients, kCorrupt for a sum that cannot be opened.
  Result<std::vector<UpdateSum>> Take() && override;

 private:
  Step Note(const secagg::ServerStep& step);

  Parts parts_;
  secagg::SumShape shape_;
  secagg::SessionTerms terms_;
  std::optional<secagg::Server> server_;
  TimePoint now_{};
  std::vector<Outgoing> unsent_;  ///< of Drop
  std::vector<ClientId> contributors_;
  std::vector<std::pair<ClientId, Error>> dropped_;
  double mean_loss_;
};

/// What all masked sessions of a run have in common.
struct MaskedRun {
  std::string run_id;
  std::function<Roster()> roster;  ///< the newest that members were told; empty: none yet
  std::uint32_t min_clients = secagg::kLeastClients;
  Duration deadline{};            ///< of a round
  std::uint64_t last_serial = 0;  ///< ReadSerial
  int threads = 1;
};

SessionFactory MaskedSessions(MaskedRun run);

/// The serial of the newest session, as Step::persist holds it: decimal LF. 0 without a file.
/// Errors  kIo, kCorrupt.
Result<std::uint64_t> ReadSerial(const std::filesystem::path& file);

}  // namespace rondo::coordinator
