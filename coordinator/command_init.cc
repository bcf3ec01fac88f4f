#include <algorithm>
#include <fmt/format.h>
#include <memory>

#include "common/config/field_text.h"
#include "common/core/file.h"
#include "common/crypto/certificate.h"
#include "common/data/item_features.h"
#include "coordinator/commands.h"
#include "coordinator/federation.h"

namespace rondo::coordinator {
namespace {

constexpr int kAuthorityDays = 3650;
constexpr int kCertificateDays = 825;

struct InitFlags {
  std::filesystem::path scenario;
  std::filesystem::path catalogue;
  std::filesystem::path out;
  int clients = 0;
  std::vector<std::string> names;
  std::string host = "localhost";
  int port = 7443;
};

Result<std::vector<ClientId>> ClientIds(const InitFlags& flags) {
  std::vector<ClientId> ids = flags.names;
  const int digits = static_cast<int>(std::to_string(flags.clients).size());
  for (int i = 1; i <= flags.clients; ++i) {
    ids.push_back(fmt::format("client-{:0{}}", i, digits));
  }
  std::vector<ClientId> sorted = ids;
  std::ranges::sort(sorted);
  if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end()) {
    return Fail(ErrorCode::kInvalidArgument, "--client " + *twice + " is given twice");
  }
  for (const ClientId& id : ids) {
    RONDO_TRY_STATUS(CheckClientId(id));
  }
  return ids;
}

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "127.0.0.1" || host == "::1";
}

std::string CoordinatorToml(const InitFlags& flags, std::size_t clients) {
  return fmt::format(
      R"(# Made by `rondo-coordinator init`. Relative paths start at this file's folder.
[server]
host = "{}"
port = {}
expected_clients = {}   # the first round waits for so many

[status]
host = "127.0.0.1"
port = 0   # a free one; see state/status_address

[files]
scenario = "scenario.toml"
catalogue = "catalogue.tsv"
authority = "ca.crt"
certificate = "server.crt"
key = "server.key"
state = "state"
)",
      IsLoopback(flags.host) ? "127.0.0.1" : "0.0.0.0",
      flags.port,
      clients);
}

/// What each event name is for, as a line of [data].
std::string EventsLine(DataConfig data) {
  return data.events.empty() ? "" : "events = " + TomlValue(&data.events) + "\n";
}

/// The rules that every client's data must follow; where the data lie is the client's own affair.
std::string ClientToml(const InitFlags& flags, const DataConfig& data) {
  const std::string port =
      flags.port == 0 ? "# port = 7443   # the coordinator takes a free one; see its state/address"
                      : fmt::format("port = {}", flags.port);
  return fmt::format(
      R"(# Made by `rondo-coordinator init`. Relative paths start at this file's folder.
[coordinator]
host = "{}"
{}

[identity]
certificate = "client.crt"
key = "client.key"
ca = "ca.crt"

[data]
path = "data"   # your behaviour log: a RecBole, MovieLens or CSV file, or its folder
catalogue = "catalogue.tsv"
order = "{}"
ties = "{}"
split = "{}"
validation_ratio = {}
test_ratio = {}
validation_from = {:.1f}
test_from = {:.1f}
min_user_events = {}
min_rating = {:.3f}
seed = {}
{})",
      flags.host,
      port,
      data.order,
      data.ties,
      data.split,
      data.validation_ratio,
      data.test_ratio,
      data.validation_from,
      data.test_from,
      data.min_user_events,
      data.min_rating,
      data.seed,
      EventsLine(data));
}

Status WriteClient(const InitFlags& flags,
                   const ClientId& id,
                   const CertifiedKey& authority,
                   const Federation& made) {
  const std::filesystem::path folder = flags.out / "clients" / id;
  RONDO_TRY_STATUS(MakeFolder(folder));
  RONDO_TRY(const CertifiedKey pair, IssueClient(authority, id, Validity::Days(kCertificateDays)));
  RONDO_TRY_STATUS(SaveCertifiedKey(pair, folder / "client.crt", folder / "client.key"));
  RONDO_TRY_STATUS(WriteTextFile(folder / "ca.crt", authority.certificate_pem));
  RONDO_TRY_STATUS(WriteTextFile(folder / "catalogue.tsv", made.catalogue.text()));
  return WriteTextFile(folder / "client.toml", ClientToml(flags, made.scenario.data));
}

Result<CertifiedKey> WriteKeys(const InitFlags& flags, const Scenario& scenario) {
  RONDO_TRY(CertifiedKey authority,
            MakeAuthority(scenario.name + " authority", Validity::Days(kAuthorityDays)));
  std::vector<std::string> hosts = {flags.host};
  for (const char* host : {"localhost", "127.0.0.1"}) {
    if (flags.host != host) {
      hosts.emplace_back(host);
    }
  }
  RONDO_TRY(const CertifiedKey server,
            IssueServer(authority, hosts, Validity::Days(kCertificateDays)));
  RONDO_TRY_STATUS(SaveCertifiedKey(authority, flags.out / "ca.crt", flags.out / "ca.key"));
  RONDO_TRY_STATUS(SaveCertifiedKey(server, flags.out / "server.crt", flags.out / "server.key"));
  return authority;
}

Status Init(InitFlags flags) {
  RONDO_TRY(Scenario scenario, LoadScenario({.file = flags.scenario}));
  if (scenario.privacy.mode == "in_process") {
    scenario.privacy.mode = "channel";
  }
  RONDO_TRY_STATUS(CheckTrustMode(scenario));
  RONDO_TRY(const Catalogue catalogue, Catalogue::Read(flags.catalogue));
  RONDO_TRY_STATUS(MakeItemFeatures(catalogue, scenario.model.features));  // before any file
  RONDO_TRY(const std::vector<ClientId> ids, ClientIds(flags));
  flags.out = std::filesystem::absolute(flags.out).lexically_normal();
  const std::filesystem::path config = flags.out / "coordinator.toml";
  if (std::filesystem::exists(config)) {
    return Fail(
        ErrorCode::kInvalidArgument,
        config.string() + " exists already; choose another --out or remove the old federation");
  }
  RONDO_TRY_STATUS(MakeFolder(flags.out));
  RONDO_TRY(const CertifiedKey authority, WriteKeys(flags, scenario));
  scenario.data.catalogue = flags.out / "catalogue.tsv";
  RONDO_TRY_STATUS(WriteTextFile(scenario.data.catalogue, catalogue.text()));
  RONDO_TRY_STATUS(WriteTextFile(flags.out / "scenario.toml", ScenarioToToml(scenario)));
  // Last of the four, so that a folder with a configuration is a whole federation.
  const std::string toml = CoordinatorToml(flags, ids.size());
  const std::filesystem::path draft = flags.out / "coordinator.toml.new";
  RONDO_TRY_STATUS(WriteTextFile(draft, toml));
  RONDO_TRY(const Federation made, Federation::Load({.file = draft}));
  RONDO_TRY(RunCheckpoints checkpoints, made.OpenCheckpoints());
  RunState start;
  start.model = InitialParameters(made.layout, made.scenario.seed);
  RONDO_TRY_STATUS(checkpoints.Save(start));
  RONDO_TRY_STATUS(checkpoints.store().SaveCatalogue(catalogue.text()));
  for (const ClientId& id : ids) {
    RONDO_TRY_STATUS(WriteClient(flags, id, authority, made));
  }
  RONDO_TRY_STATUS(WriteTextFile(config, toml));
  std::error_code ignored;  // A leftover draft harms nobody.
  std::filesystem::remove(draft, ignored);
  fmt::print(stderr,
             "Federation '{}' in {}: {} items, {} weights, {} clients.\n"
             "Hand each folder of {} to its client over a safe channel, then start\n"
             "  rondo-coordinator run --config {}\n",
             made.scenario.name,
             flags.out.string(),
             catalogue.items(),
             made.layout->size(),
             ids.size(),
             (flags.out / "clients").string(),
             config.string());
  return Ok();
}

}  // namespace

void AddInitCommand(CLI::App& app, Action& action) {
  auto flags = std::make_shared<InitFlags>();
  CLI::App* command = app.add_subcommand(
      "init", "Make keys, checkpoint 0, a configuration and one folder a client");
  command->add_option("--scenario", flags->scenario, "Scenario file")->required();
  command->add_option("--catalogue", flags->catalogue, "Public item list (catalogue.tsv)")
      ->required();
  command->add_option("--out", flags->out, "New folder of the federation")->required();
  CLI::Option* count = command->add_option(
      "--clients", flags->clients, "Number of clients, named client-1 and so on");
  count->check(CLI::Range(1, 100000));
  command->add_option("--client", flags->names, "Name of one client; may be repeated")
      ->excludes(count);
  command->add_option(
      "--host", flags->host, "Host name or IP address under which clients reach the coordinator");
  command->add_option("--port", flags->port, "TCP port; 0: a free one at each start")
      ->check(CLI::Range(0, 65535));
  command->callback([flags, &action] {
    action = [flags] {
      return Init(*flags);
    };
  });
}

}  // namespace rondo::coordinator
