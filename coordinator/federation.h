#pragma once

#include <memory>
#include <string>

#include "common/config/scenario.h"
#include "common/data/dataset.h"
#include "common/wire/messages.h"
#include "coordinator/run_checkpoints.h"
#include "coordinator/run_files.h"
#include "coordinator/settings.h"
#include "coordinator/strategy.h"

namespace rondo::coordinator {

/// What init, run and model share: the files of one federation, read and checked.
struct Federation {
  Settings settings;
  Scenario scenario;  ///< saves every round
  Catalogue catalogue;
  std::int64_t feature_values = 0;  ///< that the catalogue gives model.features
  std::shared_ptr<const ParameterLayout> layout;
  std::string run_id;  ///< as KeepRunId found or made it

  /// Errors  kNotFound, kInvalidArgument; kUnsupported for a trust mode that is not built yet.
  static Result<Federation> Load(const ConfigSources& sources);

  /// The same, before there are files.
  static Result<Federation> Make(Settings settings, Scenario scenario, Catalogue catalogue);

  RunIdentity Identity() const { return IdentityOf(scenario, catalogue, feature_values); }

  Result<RunCheckpoints> OpenCheckpoints() const;

  /// Sets the name of the run, by which clients know whether what they keep of their own still
  /// counts: the same after every restart, another one if training begins anew. `done` is the
  /// number of rounds that are done. Errors  kIo.
  Status KeepRunId(RoundId done);

  /// What every client is told at the start of a session.
  wire::Welcome Welcome() const;

  /// Looks before the first client comes whether what the scenario makes of Welcome and Offer could
  /// be sent. Errors  kInvalidArgument.
  Status CheckMessages(const Strategy& strategy) const;

  std::filesystem::path run_id_file() const { return settings.state / "run_id"; }

  std::filesystem::path address_file() const { return settings.state / "address"; }

  /// The privacy ledger, as spent.h has it.
  std::filesystem::path spent_file() const { return settings.state / "privacy.json"; }

  /// What secure aggregation must not forget, as MaskedRun has it.
  std::filesystem::path masked_file() const { return settings.state / "masked"; }

  std::filesystem::path status_file() const { return settings.state / "status_address"; }
};

}  // namespace rondo::coordinator
