#include "coordinator/run_options.h"

#include <chrono>

#include "coordinator/trust.h"

namespace rondo::coordinator {

Duration Seconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

RemoteClients::Options ClientOptions(const Federation& federation,
                                     const Strategy& strategy,
                                     const RunState& start,
                                     Membership& membership) {
  RemoteClients::Options options;
  options.welcome = federation.Welcome();
  options.contribution_cap = UploadCap(federation, strategy);
  options.upload_memory = static_cast<std::uint64_t>(federation.settings.upload_memory_mib) << 20;
  options.connections_per_client = federation.settings.connections_per_client;
  options.rules = {.header_time = Seconds(federation.settings.header_timeout_s),
                   .least_bytes_per_s = federation.settings.least_bytes_per_s};
  options.hello_timeout = Seconds(federation.settings.handshake_timeout_s);
  options.return_wait = Seconds(federation.settings.return_wait_s);
  options.results = start.results;
  options.check = [&membership](const Channel& channel) {
    return membership.Check(channel);
  };
  options.refused = [&membership](const ClientId& client, const Error& why) {
    membership.Refused(client, why);
  };
  options.roster = membership.roster();
  options.masked = federation.scenario.privacy.mode == "masked";
  return options;
}

}  // namespace rondo::coordinator
