#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <optional>

#include "common/config/client_toml.h"
#include "common/core/file.h"
#include "common/core/host_port.h"
#include "common/crypto/certificate.h"
#include "common/crypto/key_file.h"
#include "coordinator/audit_log.h"
#include "coordinator/commands.h"
#include "coordinator/federation.h"
#include "coordinator/member_store.h"
#include "coordinator/membership.h"

namespace rondo::coordinator {
namespace {

constexpr int kAuthorityDays = 3650;
constexpr int kCertificateDays = 825;

struct InitFlags {
  std::filesystem::path scenario;
  std::filesystem::path catalogue;
  std::filesystem::path out;
  std::filesystem::path governance;  ///< empty: makes the key
  int clients = 0;
  int expect = 0;  ///< clients that will enrol
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
  if (ids.empty() && flags.expect == 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "a federation needs clients; give --expect N for those that will enrol with "
                "invitations, or --clients N or --client NAME to make their keys here");
  }
  for (const ClientId& id : ids) {
    RONDO_TRY_STATUS(CheckClientId(id));
  }
  return ids;
}

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "127.0.0.1" || host == "::1";
}

/// The address to listen on for clients that come to `host`.
std::string ListenAddress(const std::string& host) {
  if (host == "localhost") {
    return "127.0.0.1";
  }
  if (IsLoopback(host)) {
    return host;
  }
  return host.find(':') == std::string::npos ? "0.0.0.0" : "::";
}

/// Clients on other machines read the port in client.toml, so it must be known now.
Status CheckPort(const InitFlags& flags) {
  if (flags.port == 0 && !IsLoopback(flags.host)) {
    return Fail(ErrorCode::kInvalidArgument,
                "--port 0 takes another port at each start, which clients that reach " + flags.host
                    + " cannot know; give --port N, or --host localhost");
  }
  return Ok();
}

/// Without common cuts every client would split its own log at a time of its own, and move it as
/// the log grows: test events of yesterday would be trained on tomorrow.
Status CheckSplit(const DataConfig& data) {
  if (data.split == "global_time" && (data.test_from <= 0.0 || data.validation_from <= 0.0)) {
    return Fail(ErrorCode::kInvalidArgument,
                "data.split = \"global_time\" needs the same cuts for all clients: set "
                "data.validation_from and data.test_from, in Unix seconds, in the scenario");
  }
  return Ok();
}

/// With such a quorum every round would be void, with such a cohort none as large as asked for.
Status CheckRounds(const StrategyConfig& strategy, std::size_t clients) {
  const auto check = [clients](const char* key, int wanted) -> Status {
    if (wanted > 0 && static_cast<std::size_t>(wanted) > clients) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is {}, but the federation has only {} clients; lower it in the "
                              "scenario, or name or expect more clients",
                              key,
                              wanted,
                              clients));
    }
    return Ok();
  };
  RONDO_TRY_STATUS(check("strategy.cohort", strategy.cohort));
  return check("strategy.quorum", strategy.quorum);
}

/// A sum of two would tell each of them what the other sent.
Status CheckMasked(const PrivacyConfig& privacy, std::size_t clients) {
  if (privacy.mode != "masked" || clients >= static_cast<std::size_t>(privacy.min_clients)) {
    return Ok();
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("privacy.mode = \"masked\" opens no sum of fewer than {} clients "
                          "(privacy.min_clients), and the federation has only {}: what few have "
                          "in common says too much about each. Name or expect more clients, or set "
                          "privacy.mode = \"channel\", in which the coordinator sees each update",
                          privacy.min_clients,
                          clients));
}

/// Real clients decide for themselves whether they are hostile.
Status CheckAttack(const AttackConfig& attack) {
  if (attack.name != "none") {
    return Fail(ErrorCode::kInvalidArgument,
                "attack.name is \"" + attack.name
                    + "\", but only simulations have hostile clients; leave [attack] out of the "
                      "scenario of a federation");
  }
  return Ok();
}

/// Real clients have their own machines and hours.
Status CheckDevices(const DevicesConfig& devices) {
  if (devices.virtual_clock || devices.drop_out > 0.0) {
    return Fail(ErrorCode::kInvalidArgument,
                std::string(devices.virtual_clock ? "devices.virtual_clock is true"
                                                  : "devices.drop_out is above 0")
                    + ", but only simulations have devices of their own making; leave [devices] "
                      "out of the scenario of a federation");
  }
  return Ok();
}

std::string CoordinatorToml(const InitFlags& flags, std::size_t clients, bool sealed) {
  return fmt::format(
      R"(# Made by `rondo-coordinator init`. Relative paths start at this file's folder.
[server]
host = "{}"
port = {}
expected_clients = {}   # the first round waits for so many
{}
[status]
host = "127.0.0.1"
port = 0   # a free one; see state/status_address

[files]
scenario = "scenario.toml"
catalogue = "catalogue.tsv"
authority = "ca.crt"
authority_key = "ca.key"   # gives certificates to clients with an invitation; take it out to enrol nobody
certificate = "server.crt"
key = "server.key"
governance = "governance.pub"
roster = "roster.signed"
{}state = "state"
)",
      ListenAddress(flags.host),
      flags.port,
      clients,
      flags.expect > 0 ? "expected_wait_s = 86400   # and so long for them to enrol\n" : "",
      sealed ? "aggregation_key = \"aggregation.key\"   # opens what clients seal to it\n" : "");
}

/// Everything of a client whose keys are made here; its entry in the roster.
Result<RosterEntry> WriteClient(const InitFlags& flags,
                                const ClientId& id,
                                const CertifiedKey& authority,
                                const Federation& made,
                                MemberStore& members) {
  const std::filesystem::path folder = flags.out / "clients" / id;
  RONDO_TRY_STATUS(MakeFolder(folder));
  const SigningKey roster_key = SigningKey::Generate();
  RONDO_TRY_STATUS(SaveSigningKey(roster_key, folder / "roster.key"));
  RONDO_TRY(const CertifiedKey pair, IssueClient(authority, id, Validity::Days(kCertificateDays)));
  RONDO_TRY_STATUS(SaveCertifiedKey(pair, folder / "client.crt", folder / "client.key"));
  RONDO_TRY_STATUS(WriteTextFile(folder / "ca.crt", authority.certificate_pem));
  RONDO_TRY_STATUS(WriteTextFile(folder / "catalogue.tsv", made.catalogue.text()));
  RONDO_TRY(const CertificateInfo info, InspectCertificate(pair.certificate_pem));
  RONDO_TRY_STATUS(members.Add(
      id,
      roster_key.public_key(),
      {.pem = pair.certificate_pem, .key_sha256 = info.key_sha256, .expires = info.not_after},
      std::chrono::system_clock::now()));
  RONDO_TRY(const Ed25519Public governance, LoadGovernance(made.settings.governance));
  RONDO_TRY_STATUS(WriteTextFile(folder / "client.toml",
                                 ClientToml({.made_by = "rondo-coordinator init",
                                             .host = flags.host,
                                             .port = flags.port,
                                             .governance = ToHex(governance),
                                             .data = made.scenario.data,
                                             .trust = made.scenario.privacy.mode})));
  return RosterEntry{.id = id, .key = roster_key.public_key()};
}

/// The clients whose keys were made here, and the roster that names them.
Status WriteClients(const InitFlags& flags,
                    const std::vector<ClientId>& ids,
                    const CertifiedKey& authority,
                    const Federation& made,
                    const std::optional<SigningKey>& governance) {
  RONDO_TRY(MemberStore members, MemberStore::Open(made.settings.state));
  RONDO_TRY(AuditLog audit, AuditLog::Open(made.settings.state));
  RONDO_TRY(Roster roster, NextRoster(made.settings, {}));
  for (const ClientId& id : ids) {
    RONDO_TRY(RosterEntry entry, WriteClient(flags, id, authority, made, members));
    roster.entries.push_back(std::move(entry));
  }
  RONDO_TRY_STATUS(audit.Append(
      "founded",
      {{"name", made.scenario.name}, {"federation", roster.federation}, {"clients", ids.size()}}));
  if (!governance || ids.empty() || ids.size() > kMostMembers) {
    return Ok();
  }
  std::ranges::sort(roster.entries, {}, &RosterEntry::id);
  RONDO_TRY(const SignedRoster made_roster, SignRoster(std::move(roster), *governance));
  return SaveRoster(made_roster, made.settings.roster);
}

/// Copies the public half that somebody else made, or makes both; then the private one is returned.
Result<std::optional<SigningKey>> WriteGovernance(const InitFlags& flags) {
  const std::filesystem::path file = flags.out / "governance.pub";
  if (!flags.governance.empty()) {
    RONDO_TRY(const Ed25519Public given, LoadGovernance(flags.governance));
    RONDO_TRY_STATUS(WriteTextFile(file, ToHex(given) + "\n"));
    return std::optional<SigningKey>();
  }
  SigningKey key = SigningKey::Generate();
  RONDO_TRY_STATUS(SaveSigningKey(key, flags.out / "governance.key"));
  RONDO_TRY_STATUS(WriteTextFile(file, ToHex(key.public_key()) + "\n"));
  return std::optional<SigningKey>(std::move(key));
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
  if (scenario.privacy.mode == "sealed") {
    RONDO_TRY_STATUS(SaveSealingKey(X25519Key::Generate(), flags.out / "aggregation.key"));
  }
  return authority;
}

void PrintNextSteps(const InitFlags& flags, const Federation& made, std::size_t clients) {
  const std::string config = (flags.out / "coordinator.toml").string();
  fmt::print(stderr,
             "Federation '{}' in {}: {} items, {} weights, {} clients.\n",
             made.scenario.name,
             flags.out.string(),
             made.catalogue.items(),
             made.layout->size(),
             clients);
  if (flags.expect < static_cast<int>(clients)) {
    fmt::print(stderr,
               "Hand each folder of {} to its client over a safe channel.\n",
               (flags.out / "clients").string());
  }
  if (flags.expect > 0) {
    fmt::print(stderr,
               "Invite each client that will enrol:\n"
               "  rondo-coordinator invite NAME --config {}\n",
               config);
  }
  if (flags.governance.empty()) {
    fmt::print(stderr,
               "Move {} to another machine: who has it decides who is a member.\n",
               (flags.out / "governance.key").string());
  }
  fmt::print(stderr, "Then start\n  rondo-coordinator run --config {}\n", config);
  if (flags.port == 0) {
    fmt::print(stderr,
               "The port is another one at each start. While the coordinator runs, {} names it; "
               "start each client with\n  rondo-client run --set coordinator.port=PORT\n",
               made.address_file().string());
  } else {
    fmt::print(stderr, "Clients reach it at {}.\n", HostPort(flags.host, flags.port));
  }
}

Status Init(InitFlags flags) {
  RONDO_TRY(Scenario scenario, LoadScenario({.file = flags.scenario}));
  if (scenario.privacy.mode == "in_process") {
    scenario.privacy.mode = "channel";
  }
  RONDO_TRY_STATUS(CheckPort(flags));
  RONDO_TRY_STATUS(CheckSplit(scenario.data));
  RONDO_TRY_STATUS(CheckAttack(scenario.attack));
  RONDO_TRY_STATUS(CheckDevices(scenario.devices));
  RONDO_TRY(const Catalogue catalogue, Catalogue::Read(flags.catalogue));
  RONDO_TRY(const auto strategy, Strategy::Create(scenario));
  // Before any file is written.
  RONDO_TRY(const Federation planned,
            Federation::Make({.scenario = flags.scenario}, scenario, catalogue));
  RONDO_TRY_STATUS(planned.CheckMessages(*strategy));
  RONDO_TRY(const std::vector<ClientId> ids, ClientIds(flags));
  const std::size_t clients = ids.size() + static_cast<std::size_t>(flags.expect);
  RONDO_TRY_STATUS(CheckMasked(scenario.privacy, clients));
  RONDO_TRY_STATUS(CheckRounds(scenario.strategy, clients));
  RONDO_TRY_STATUS(Strategy::CheckClients(scenario.strategy, clients, "the number of clients is"));
  flags.out = std::filesystem::absolute(flags.out).lexically_normal();
  const std::filesystem::path config = flags.out / "coordinator.toml";
  if (std::filesystem::exists(config)) {
    return Fail(
        ErrorCode::kInvalidArgument,
        config.string() + " exists already; choose another --out or remove the old federation");
  }
  RONDO_TRY_STATUS(MakeFolder(flags.out));
  RONDO_TRY(const CertifiedKey authority, WriteKeys(flags, scenario));
  RONDO_TRY(const std::optional<SigningKey> governance, WriteGovernance(flags));
  scenario.data.catalogue = flags.out / "catalogue.tsv";
  RONDO_TRY_STATUS(WriteTextFile(scenario.data.catalogue, catalogue.text()));
  RONDO_TRY_STATUS(WriteTextFile(flags.out / "scenario.toml", ScenarioToToml(scenario)));
  // Last of the four, so that a folder with a configuration is a whole federation.
  const std::string toml = CoordinatorToml(flags, clients, scenario.privacy.mode == "sealed");
  const std::filesystem::path draft = flags.out / "coordinator.toml.new";
  RONDO_TRY_STATUS(WriteTextFile(draft, toml));
  RONDO_TRY(const Federation made, Federation::Load({.file = draft}));
  RONDO_TRY(RunCheckpoints checkpoints, made.OpenCheckpoints());
  RunState start;
  start.model = InitialParameters(made.layout, made.scenario.seed);
  RONDO_TRY_STATUS(checkpoints.Save(start));
  RONDO_TRY_STATUS(checkpoints.store().SaveCatalogue(catalogue.text()));
  RONDO_TRY_STATUS(WriteClients(flags, ids, authority, made, governance));
  RONDO_TRY_STATUS(WriteTextFile(config, toml));
  std::error_code ignored;  // A leftover draft harms nobody.
  std::filesystem::remove(draft, ignored);
  PrintNextSteps(flags, made, clients);
  return Ok();
}

}  // namespace

void AddInitCommand(CLI::App& app, Action& action) {
  auto flags = std::make_shared<InitFlags>();
  CLI::App* command = app.add_subcommand(
      "init",
      "Examples:\n"
      "  rondo-coordinator init --scenario scenario.toml --catalogue items.tsv --expect 2 "
      "--host fed.example.org --out federation\n"
      "  rondo-coordinator init --scenario scenario.toml --catalogue items.tsv --clients 8 "
      "--out federation\n\n"
      "Makes keys, checkpoint 0 and a configuration. Clients enrol by invitation; with --clients "
      "or "
      "--client their keys are made here, one folder each, for rehearsals.");
  command->add_option("--scenario", flags->scenario, "Scenario file")->required();
  command->add_option("--catalogue", flags->catalogue, "Public item list (catalogue.tsv)")
      ->required();
  command->add_option("--out", flags->out, "New folder of the federation")->required();
  CLI::Option* count = command->add_option(
      "--clients", flags->clients, "Number of clients, named client-1 and so on");
  count->check(CLI::Range(1, 100000));
  command->add_option("--client", flags->names, "Name of one client; may be repeated")
      ->excludes(count);
  command->add_option("--expect", flags->expect, "Number of clients that will enrol by invitation")
      ->check(CLI::Range(0, 100000));
  command->add_option("--governance",
                      flags->governance,
                      "Public governance key made elsewhere (`roster key`); default: make one");
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
