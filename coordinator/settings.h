#pragma once

#include <filesystem>
#include <string>

#include "common/config/binder.h"

namespace rondo::coordinator {

/// coordinator.toml. Paths in the file resolve against its folder.
struct Settings {
  std::string host = "0.0.0.0";  ///< IP address to listen on
  int port = 7443;               ///< 0: a free one
  double heartbeat_s = 10.0;     ///< silence before a heartbeat; three times that ends a session
  double handshake_timeout_s = 5.0;  ///< TLS handshake, then Hello
  int pending_handshakes = 64;       ///< at a time; beyond them an old one gives way
  int handshakes_per_address = 32;   ///< of them, from one address
  int connections = 1024;            ///< handshakes and sessions; those beyond are closed at once
  int connections_per_client = 2;    ///< beyond them the one longest without Hello ends
  double header_timeout_s = 5.0;     ///< from the first byte of a frame to the end of its header
  double least_bytes_per_s = 16384;  ///< a frame that has begun comes at least this fast
  int upload_memory_mib = 512;       ///< of uploads at a time, or one
  int expected_clients = 0;          ///< the first round waits for so many
  double expected_wait_s = 60.0;     ///< but no longer than this
  double finish_wait_s = 60.0;       ///< clients get the final model within this
  double return_wait_s = 10.0;       ///< of it for clients that are away

  std::string status_host = "127.0.0.1";
  int status_port = 0;  ///< /healthz, /metrics and /status; 0: a free one

  std::filesystem::path scenario;
  std::filesystem::path catalogue;
  std::filesystem::path authority;
  std::filesystem::path certificate;
  std::filesystem::path key;
  std::filesystem::path authority_key;    ///< to enrol and renew clients; empty: nobody can
  std::filesystem::path governance;       ///< public key that signs rosters
  std::filesystem::path roster;           ///< the signed roster, once there is one
  std::filesystem::path aggregation_key;  ///< opens what is sealed to it; for mode "sealed"
  std::filesystem::path state;            ///< checkpoints, address, run records
};

void BindSettings(Settings& settings, Binder& binder);

/// Errors  kNotFound; kInvalidArgument with file:line:column for unknown or wrong keys, or naming a
/// missing one.
Result<Settings> LoadSettings(const ConfigSources& sources);

}  // namespace rondo::coordinator
