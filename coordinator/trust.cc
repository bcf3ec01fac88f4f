#include "coordinator/trust.h"

#include <chrono>
#include <memory>
#include <utility>

#include "common/core/workers.h"
#include "common/crypto/key_file.h"
#include "common/federated/local_round.h"
#include "common/wire/sealed.h"
#include "coordinator/contribution_decoder.h"
#include "coordinator/masked_session.h"
#include "coordinator/sealed_contributions.h"

namespace rondo::coordinator {

namespace {

/// The members as they were told; empty before there is a signed roster.
Roster CurrentRoster(const Membership& membership) {
  auto current = ParseSignedRoster(membership.roster());
  return current ? std::move(current)->roster : Roster();
}

Result<SessionFactory> SealedSessions(const Federation& federation) {
  const std::filesystem::path& file = federation.settings.aggregation_key;
  if (file.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "privacy.mode = \"sealed\" needs files.aggregation_key in coordinator.toml; "
                "`rondo-coordinator init` makes the key and names it there");
  }
  RONDO_TRY(X25519Key key, LoadSealingKey(file));
  return ClearSessions(DecodeSealedContributions(std::make_shared<const X25519Key>(std::move(key)),
                                                 federation.run_id));
}

Result<SessionFactory> MaskedSessionsOf(const Federation& federation,
                                        const Membership& membership) {
  const Scenario& scenario = federation.scenario;
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

}  // namespace

Result<SessionFactory> SessionsFor(const Federation& federation, const Membership& membership) {
  if (federation.scenario.privacy.mode == "masked") {
    return MaskedSessionsOf(federation, membership);
  }
  if (federation.scenario.privacy.mode == "sealed") {
    return SealedSessions(federation);
  }
  return ClearSessions(DecodeWireContribution);
}

std::uint64_t UploadCap(const Federation& federation, const Strategy& strategy) {
  std::uint64_t elements = 0;
  for (const BlockShape& block :
       BlocksOfTask(strategy.PlanTraining(1, GridSpec{}), federation.layout)) {
    elements += block.layout->size();
  }
  const std::uint64_t cap = wire::ContributionCap(elements);
  return federation.scenario.privacy.mode == "sealed" ? wire::SealedSize(cap) : cap;
}

}  // namespace rondo::coordinator
