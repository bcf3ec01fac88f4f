#include "coordinator/settings.h"

#include <utility>
#include <vector>

namespace rondo::coordinator {

void BindSettings(Settings& settings, Binder& binder) {
  binder.Section("server");
  binder.Text("host", settings.host);
  binder.Integer("port", settings.port, {.min = 0, .max = 65535});
  binder.Number("heartbeat_s", settings.heartbeat_s, {.min = 0.1, .max = 3600});
  binder.Number("handshake_timeout_s", settings.handshake_timeout_s, {.min = 0.1, .max = 3600});
  binder.Integer("pending_handshakes", settings.pending_handshakes, {.min = 1, .max = 65535});
  binder.Integer(
      "handshakes_per_address", settings.handshakes_per_address, {.min = 1, .max = 65535});
  binder.Integer("connections", settings.connections, {.min = 1, .max = 1e6});
  binder.Integer(
      "connections_per_client", settings.connections_per_client, {.min = 2, .max = 65535});
  binder.Number("header_timeout_s", settings.header_timeout_s, {.min = 0.1, .max = 3600});
  binder.Number("least_bytes_per_s", settings.least_bytes_per_s, {.min = 1, .max = 1e9});
  binder.Integer("upload_memory_mib", settings.upload_memory_mib, {.min = 1, .max = 1 << 20});
  binder.Integer("expected_clients", settings.expected_clients, {.min = 0});
  binder.Number("expected_wait_s", settings.expected_wait_s, {.min = 0, .max = 86400});
  binder.Number("finish_wait_s", settings.finish_wait_s, {.min = 0, .max = 86400});
  binder.Number("return_wait_s", settings.return_wait_s, {.min = 0, .max = 86400});
  binder.Section("status");
  binder.Text("host", settings.status_host);
  binder.Integer("port", settings.status_port, {.min = 0, .max = 65535});
  binder.Section("files");
  binder.Path("scenario", settings.scenario);
  binder.Path("catalogue", settings.catalogue);
  binder.Path("authority", settings.authority);
  binder.Path("certificate", settings.certificate);
  binder.Path("key", settings.key);
  binder.Path("authority_key", settings.authority_key);
  binder.Path("governance", settings.governance);
  binder.Path("roster", settings.roster);
  binder.Path("aggregation_key", settings.aggregation_key);
  binder.Path("state", settings.state);
}

Result<Settings> LoadSettings(const ConfigSources& sources) {
  RONDO_TRY(Settings settings, LoadConfig(sources, BindSettings));
  const std::vector<std::pair<const char*, const std::filesystem::path*>> required = {
      {"scenario", &settings.scenario},
      {"catalogue", &settings.catalogue},
      {"authority", &settings.authority},
      {"certificate", &settings.certificate},
      {"key", &settings.key},
      {"governance", &settings.governance},
      {"roster", &settings.roster},
      {"state", &settings.state}};
  for (const auto& [name, path] : required) {
    if (path->empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  sources.file.string() + ": files." + name
                      + " is not set; `rondo-coordinator init` writes a whole file");
    }
  }
  return settings;
}

}  // namespace rondo::coordinator
