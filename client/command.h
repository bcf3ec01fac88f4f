#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/local_work.h"
#include "client/settings.h"
#include "client/state.h"
#include "common/config/program.h"

namespace CLI {
class App;
}  // namespace CLI

/// What the verbs of rondo-client share.
namespace rondo::client {

struct CommonOptions {
  std::filesystem::path config = "client.toml";
  std::vector<std::string> sets;
  bool json = false;
};

/// Adds --config, --set and --json.
void AddCommonOptions(CLI::App& command, CommonOptions& options);

/// The settings behind the options: file, environment, --set.
Result<Settings> ReadSettings(const CommonOptions& options);

/// Settles on a device once for the process, and warns about a slow BLAS.
Status PrepareDevice(const Settings& settings);

/// The id in the own certificate, or "local" where no certificate is set: only `run` needs one.
Result<ClientId> OwnId(const Settings& settings);

/// The newest model of the federation with what is needed to use it.
struct KeptModel {
  ModelConfig config;
  std::shared_ptr<const Catalogue> catalogue;
  std::shared_ptr<const ItemFeatures> features;
  Broadcast weights;  ///< as they came
  ClientVectors own;  ///< of this client; its personal parameters are among them

  /// The model as this client uses it. Errors  kCorrupt if `own` is of another model.
  Result<ParameterVector> Personal() const { return PersonalModel(weights.model, own); }
};

/// Errors  kNotFound if no round has brought a model yet; kFailedPrecondition if it was trained for
/// another
///         catalogue than data.catalogue; kCorrupt.
Result<KeptModel> LoadKeptModel(const Settings& settings, const ClientState& state);

/// The trainer's view of a model.
CohortTrainer::Options TrainerOptions(const KeptModel& model, const Settings& settings);

void AddEnrollCommand(CLI::App& parent, Action& action);
void AddRosterCommand(CLI::App& parent, Action& action);
void AddReceiptsCommand(CLI::App& parent, Action& action);
void AddRunCommand(CLI::App& parent, Action& action);
void AddRecommendCommand(CLI::App& parent, Action& action);
void AddEvaluateCommand(CLI::App& parent, Action& action);
void AddDoctorCommand(CLI::App& parent, Action& action);

}  // namespace rondo::client
