#include "coordinator/run_sessions.h"

#include <chrono>
#include <utility>

#include "common/core/workers.h"
#include "coordinator/contribution_decoder.h"
#include "coordinator/masked_session.h"

namespace rondo::coordinator {
namespace {

/// The members as they were told; empty before there is a signed roster.
Roster CurrentRoster(const Membership& membership) {
  auto current = ParseSignedRoster(membership.roster());
  return current ? std::move(current)->roster : Roster();
}

}  // namespace

Result<SessionFactory> SessionsOf(const Federation& federation, const Membership& membership) {
  const Scenario& scenario = federation.scenario;
  if (scenario.privacy.mode != "masked") {
    return ClearSessions(DecodeWireContribution);
  }
  RONDO_TRY(const std::uint64_t serial, ReadSerial(federation.masked_file()));
  return MaskedSessions(
      {.run_id = federation.run_id,
       .roster = [&membership] { return CurrentRoster(membership); },
       .min_clients = static_cast<std::uint32_t>(scenario.privacy.min_clients),
       .deadline = std::chrono::duration_cast<Duration>(
           std::chrono::duration<double>(scenario.strategy.deadline_s)),
       .last_serial = serial,
       .threads = scenario.engine.threads > 0 ? scenario.engine.threads : UsableCores()});
}

}  // namespace rondo::coordinator
