#include "coordinator/trust.h"

#include <memory>
#include <utility>

#include "common/crypto/key_file.h"
#include "common/federated/local_round.h"
#include "common/wire/sealed.h"
#include "coordinator/contribution_decoder.h"
#include "coordinator/sealed_contributions.h"

namespace rondo::coordinator {

Result<SessionFactory> SessionsFor(const Federation& federation) {
  if (federation.scenario.privacy.mode != "sealed") {
    return ClearSessions(DecodeWireContribution);
  }
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
