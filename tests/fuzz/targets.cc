#include "tests/fuzz/target.h"

namespace rondo::fuzz {

std::span<const Target> Targets() {
  static const Target kTargets[] = {
      FrameTarget(),
      SessionTarget(),
      RoundTarget(),
      EnrolmentTarget(),
      ChunksTarget(),
      ContributionTarget(),
      PackedContributionTarget(),
      SecaggClientTarget(),
      SecaggServerTarget(),
      HpkeTarget(),
      SealedTarget(),
      SafetensorsTarget(),
      CheckpointTarget(),
      RosterTarget(),
      SignedRosterTarget(),
      TokenTarget(),
      RequestTarget(),
      CertificateTarget(),
      PackingTarget(),
      ScenarioTarget(),
      CsvTarget(),
      RecBoleTarget(),
      CatalogueTarget(),
      AuditTarget(),
  };
  return kTargets;
}

}  // namespace rondo::fuzz
