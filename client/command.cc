#include "client/command.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <utility>

#include "client/certificate.h"
#include "common/config/binder.h"
#include "common/core/file.h"
#include "common/crypto/sha256.h"
#include "common/io/vectors.h"

namespace rondo::client {
namespace {

constexpr std::uint64_t kModelCap = std::uint64_t{1} << 34;

}  // namespace

void AddCommonOptions(CLI::App& command, CommonOptions& options) {
  command.add_option("--config", options.config, "this client's settings")->capture_default_str();
  command.add_option("--set", options.sets, "override one key, e.g. --set limits.max_steps=10");
  command.add_flag("--json", options.json, "print one JSON object");
}

Result<Settings> ReadSettings(const CommonOptions& options) {
  return LoadSettings(
      {.file = options.config, .environment = ConfigEnvironment(), .sets = options.sets});
}

Status PrepareDevice(const Settings& settings) {
  RONDO_TRY(const DeviceInfo info, PrepareTorch(settings.engine));
  if (info.slow_blas) {
    spdlog::warn(
        "matrix products use {}, about ten times slower than OpenBLAS; install "
        "libopenblas0-pthread",
        info.blas);
  }
  return Ok();
}

Result<ClientId> OwnId(const Settings& settings) {
  if (settings.identity.certificate.empty()) {
    return ClientId("local");
  }
  RONDO_TRY(const IdentityReport identity, InspectIdentity(settings.identity));
  return identity.id;
}

Result<KeptModel> LoadKeptModel(const Settings& settings, const ClientState& state) {
  const std::string& sha256 = state.record().model_sha256;
  if (sha256.empty()) {
    return Fail(
        ErrorCode::kNotFound,
        settings.state_folder.string() + " holds no model yet; 'rondo-client run' brings one");
  }
  KeptModel kept;
  RONDO_TRY(kept.config,
            LoadConfig<ModelConfig>({.file = state.model_config_path()}, BindModelConfig));
  RONDO_TRY(Catalogue catalogue, Catalogue::Read(settings.data.catalogue));
  RONDO_TRY(const std::string trained_for, ReadTextFile(state.catalogue_path()));
  if (trained_for != catalogue.text()) {
    return Fail(ErrorCode::kFailedPrecondition,
                settings.data.catalogue.string()
                    + " differs from the catalogue the model was trained for, "
                    + state.catalogue_path().string() + "; set data.catalogue to the latter");
  }
  kept.catalogue = std::make_shared<const Catalogue>(std::move(catalogue));
  RONDO_TRY(kept.features, MakeItemFeatures(*kept.catalogue, kept.config.features));
  RONDO_TRY(auto layout,
            ModelLayout(kept.config, kept.catalogue->items(), kept.features->values()));
  RONDO_TRY(const Bytes file, ReadFile(state.model_path(), kModelCap));
  if (Sha256Hex(file) != sha256) {
    return Fail(ErrorCode::kCorrupt,
                state.model_path().string()
                    + " is not the file that was stored; 'rondo-client run' brings it anew");
  }
  RONDO_TRY(kept.own, state.Vectors(layout));
  RONDO_TRY(kept.weights, DecodeBroadcast(file, std::move(layout)));
  kept.weights.sha256 = sha256;
  return kept;
}

CohortTrainer::Options TrainerOptions(const KeptModel& model, const Settings& settings) {
  return {.model = model.config,
          .items = model.catalogue->items(),
          .engine = settings.engine,
          .features = model.features};
}

}  // namespace rondo::client
