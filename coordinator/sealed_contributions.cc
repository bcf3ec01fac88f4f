#include "coordinator/sealed_contributions.h"

#include <utility>

#include "common/wire/sealed.h"
#include "coordinator/contribution_decoder.h"

namespace rondo::coordinator {

ContributionDecoder DecodeSealedContributions(std::shared_ptr<const X25519Key> aggregation,
                                              std::string run_id) {
  return [key = std::move(aggregation), run = std::move(run_id)](
             const ClientId& client,
             ByteView payload,
             const ContributionSpec& spec) -> Result<Decoded> {
    const wire::SealedFor bound{
        .run_id = run, .round = spec.round, .kind = spec.kind, .client = client};
    RONDO_TRY(const SecretBytes encoded, wire::OpenContribution(*key, bound, payload));
    return DecodeWireContribution(client, encoded.view(), spec);
  };
}

}  // namespace rondo::coordinator
