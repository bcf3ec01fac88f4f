#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <iostream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "client/command.h"
#include "client/doctor.h"
#include "client/papers.h"
#include "client/probe.h"
#include "common/transport/tls_channel.h"

namespace rondo::client {
namespace {

constexpr auto kConnectTimeout = std::chrono::seconds(5);
// Room for a model of 20 million weights, old and new, and the record.
constexpr std::uint64_t kDiskNeeded = std::uint64_t{200} << 20;

/// Connects, greets and hangs up.
Task<Status> Probe(boost::asio::any_io_executor executor,
                   TlsContext tls,
                   TlsAddress address,
                   std::string catalogue_sha256) {
  const TimePoint deadline = SystemClock().Now() + kConnectTimeout;
  RONDO_CO_TRY(const std::shared_ptr<Channel> channel,
               co_await ConnectTls(executor, tls, address, deadline));
  const Status greeted = co_await ProbeCoordinator(*channel, std::move(catalogue_sha256), deadline);
  channel->Close();
  co_return greeted;
}

Status Visit(const Settings& settings) {
  RONDO_TRY(const Catalogue catalogue, Catalogue::Read(settings.data.catalogue));
  RONDO_TRY(const TlsContext tls,
            TlsContext::Create({.authority = settings.identity.ca,
                                .certificate = settings.identity.certificate,
                                .key = settings.identity.key},
                               TlsContext::Role::kClient));
  const TlsAddress address{.host = settings.coordinator.host,
                           .port = static_cast<std::uint16_t>(settings.coordinator.port)};
  boost::asio::io_context io(1);
  Status outcome = Fail(ErrorCode::kInternal, "the attempt to connect ended without a result");
  boost::asio::co_spawn(io,
                        Probe(io.get_executor(), tls, address, catalogue.sha256()),
                        [&](std::exception_ptr fault, Status joined) {
                          if (!fault) {
                            outcome = std::move(joined);
                          }
                        });
  io.run();
  return outcome;
}

/// All that `run` will ask of the files.
Result<IdentityReport> Identity(const Settings& settings) {
  RONDO_TRY(IdentityReport report, InspectIdentity(settings.identity));
  RONDO_TRY(const Papers::Own own, Papers::ReadOwn(settings.identity, settings.governance));
  return report;
}

Status Examine(const CommonOptions& options) {
  RONDO_TRY(const Settings settings, ReadSettings(options));
  const auto now = std::chrono::system_clock::now();
  const auto data = LoadData(settings.data);
  const auto coverage = CountKnownItems(settings.data);
  const auto identity = Identity(settings);
  const auto device = PrepareTorch(settings.engine);
  const std::vector<Check> checks = {CheckData(data, settings),
                                     CheckMapping(coverage, settings),
                                     CheckClock(identity, now),
                                     CheckCertificate(identity, settings, now),
                                     CheckReachable(Visit(settings), settings.coordinator),
                                     CheckDisk(settings.state_folder, kDiskNeeded),
                                     CheckBlas(device),
                                     CheckDevice(device, settings.engine)};
  std::cout << (options.json ? ChecksJson(checks) : ChecksText(checks));
  if (!AllPass(checks)) {
    return Fail(ErrorCode::kFailedPrecondition, "not ready yet; the fixes stand above");
  }
  return Ok();
}

}  // namespace

void AddDoctorCommand(CLI::App& parent, Action& action) {
  const auto options = std::make_shared<CommonOptions>();
  CLI::App* command = parent.add_subcommand(
      "doctor",
      "Examples:\n  rondo-client doctor --config client.toml\n  rondo-client doctor --json\n\n"
      "Checks data, mapping, clock, certificate, reachability, disk, BLAS and device. Exit code 1 "
      "if one fails.");
  AddCommonOptions(*command, *options);
  command->callback([options, &action] {
    action = [options] {
      return Examine(*options);
    };
  });
}

}  // namespace rondo::client
