#include "client/settings.h"

#include <utility>
#include <vector>

namespace rondo::client {
namespace {

Status Require(const std::filesystem::path& value, const char* key, const char* what) {
  if (value.empty()) {
    return Fail(ErrorCode::kInvalidArgument, std::string(key) + " is not set; name " + what);
  }
  return Ok();
}

}  // namespace

void BindSettings(Settings& settings, Binder& binder) {
  binder.Section("coordinator");
  binder.Text("host", settings.coordinator.host);
  binder.Integer("port", settings.coordinator.port, {.min = 1, .max = 65535});
  binder.Number("connect_timeout_s",
                settings.coordinator.connect_timeout_s,
                {.min = 0, .max = 3600, .above_min = true});
  binder.Number("retry_for_s", settings.coordinator.retry_for_s, {.min = 0});
  binder.Section("identity");
  binder.Path("certificate", settings.identity.certificate);
  binder.Path("key", settings.identity.key);
  binder.Path("ca", settings.identity.ca);
  binder.Path("roster_key", settings.identity.roster_key);
  binder.Text("governance", settings.governance);
  BindDataConfig(settings.data, binder);
  binder.Section("client");
  binder.Choice("device", settings.engine.device, {"auto", "cpu", "cuda"});
  binder.Choice("precision", settings.engine.precision, {"float32", "tf32", "bfloat16"});
  binder.Integer("threads", settings.engine.threads, {.min = 0, .max = 4096});
  binder.Integer("memory_mib", settings.engine.memory_mib, {.min = 16});
  binder.Section("limits");
  binder.Integer("max_epochs", settings.limits.max_epochs, {.min = 0});
  binder.Integer("max_steps", settings.limits.max_steps, {.min = 0});
  binder.Integer("max_rounds", settings.limits.max_rounds, {.min = 0});
  binder.Integer("min_users", settings.limits.min_users, {.min = 1});
  binder.Number("max_learning_rate", settings.limits.max_learning_rate, {.min = 0});
  binder.Flag("require_clipping", settings.limits.require_clipping);
  binder.Choice("trust", settings.limits.trust, {"channel", "sealed", "masked"});
  binder.Integer("min_clients", settings.limits.min_clients, {.min = 3, .max = 4096});
  binder.Section("state");
  binder.Path("folder", settings.state_folder);
}

Result<Settings> LoadSettings(const ConfigSources& sources) {
  RONDO_TRY(Settings settings, LoadConfig(sources, BindSettings));
  RONDO_TRY_STATUS(
      Require(settings.data.path, "data.path", "the folder or file of the behaviour log"));
  RONDO_TRY_STATUS(
      Require(settings.data.catalogue, "data.catalogue", "the federation's catalogue.tsv"));
  if (settings.state_folder.empty()) {
    settings.state_folder = sources.file.parent_path() / "state";
  }
  return settings;
}

}  // namespace rondo::client
