#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "common/core/bytes.h"

/// Decoders under bytes from anywhere. A target is run by libFuzzer (preset `fuzz`, scripts/fuzz)
/// and, over the inputs in corpus/, by an ordinary test.
namespace rondo::fuzz {

struct Target {
  std::string_view name;
  /// Whether the decoder accepted the input. Aborts if what it accepted breaks a promise of the
  /// decoder.
  bool (*run)(ByteView input);
  /// Valid inputs from real encoders; corpus/NAME holds them as seed-0, seed-1 ...
  std::vector<Bytes> (*seeds)();
};

/// All of them, each in the file NAME_fuzz.cc or in one with its kin.
std::span<const Target> Targets();

Target FrameTarget();
Target SessionTarget();
Target RoundTarget();
Target EnrolmentTarget();
Target ChunksTarget();
Target ContributionTarget();
Target PackedContributionTarget();
Target SecaggClientTarget();
Target SecaggServerTarget();
Target HpkeTarget();
Target SealedTarget();
Target SafetensorsTarget();
Target CheckpointTarget();
Target RosterTarget();
Target SignedRosterTarget();
Target TokenTarget();
Target RequestTarget();
Target CertificateTarget();
Target PackingTarget();
Target ScenarioTarget();
Target CsvTarget();
Target RecBoleTarget();
Target CatalogueTarget();
Target AuditTarget();

}  // namespace rondo::fuzz
