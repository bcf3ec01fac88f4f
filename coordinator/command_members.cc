#include <charconv>
#include <fmt/format.h>
#include <iostream>
#include <memory>

#include "common/crypto/enrolment_token.h"
#include "coordinator/commands.h"
#include "coordinator/membership.h"

namespace rondo::coordinator {
namespace {

struct InviteFlags {
  std::filesystem::path config;
  ClientId client;
  std::string ttl = "24h";
  std::string host;
};

/// "30m", "24h" or "7d".
Result<std::chrono::seconds> ReadTtl(const std::string& text) {
  int count = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, count);
  const std::string unit(read.ptr, end);
  const int seconds = unit == "m" ? 60 : unit == "h" ? 3600 : unit == "d" ? 86400 : 0;
  constexpr int kMostDays = 30;
  if (read.ec != std::errc() || seconds == 0 || count < 1 || count > kMostDays * 86400 / seconds) {
    return Fail(ErrorCode::kInvalidArgument,
                "--ttl is '" + text + "', expected minutes, hours or days up to 30d, such as 24h");
  }
  return std::chrono::seconds(std::int64_t{seconds} * count);
}

/// Where newcomers reach the coordinator: what `init --host` put into its certificate first.
Result<std::string> HostOf(const InviteFlags& flags, const Settings& settings) {
  if (!flags.host.empty()) {
    return flags.host;
  }
  RONDO_TRY(const CertifiedKey own, LoadCertifiedKey(settings.certificate, settings.key));
  RONDO_TRY(const CertificateInfo info, InspectCertificate(own.certificate_pem));
  return info.subject;
}

Status Invite(const InviteFlags& flags) {
  RONDO_TRY_STATUS(CheckClientId(flags.client));
  RONDO_TRY(const std::chrono::seconds ttl, ReadTtl(flags.ttl));
  RONDO_TRY(const Settings settings,
            LoadSettings({.file = flags.config, .environment = ConfigEnvironment()}));
  if (settings.authority_key.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                flags.config.string()
                    + ": files.authority_key is not set, so nobody can enrol; name the ca.key that "
                      "`init` made");
  }
  EnrolmentToken token{.key = SigningKey::Generate(),
                       .port = static_cast<std::uint16_t>(settings.port),
                       .client = flags.client};
  RONDO_TRY(token.host, HostOf(flags, settings));
  RONDO_TRY(token.authority_sha256, FederationName(settings));
  RONDO_TRY(token.governance, LoadGovernance(settings.governance));
  RONDO_TRY(MemberStore members, MemberStore::Open(settings.state));
  RONDO_TRY(AuditLog audit, AuditLog::Open(settings.state));
  const WallTime now = std::chrono::system_clock::now();
  const std::string sha256 = TokenSha256(token.key.public_key());
  RONDO_TRY_STATUS(members.Invite(flags.client, sha256, now + ttl, now));
  RONDO_TRY_STATUS(audit.Append(
      "invited", {{"client", flags.client}, {"token_sha256", sha256}, {"ttl_s", ttl.count()}}));
  std::cout << token.Text() << '\n';
  fmt::print(
      stderr,
      "For {}, good for {} and once. On its machine:\n  rondo-client enroll TOKEN{} --out {}\n",
      flags.client,
      flags.ttl,
      settings.port == 0 ? " --coordinator " + token.host + ":PORT" : std::string(),
      flags.client);
  return Ok();
}

Status Revoke(const std::filesystem::path& config, const ClientId& client) {
  RONDO_TRY(const Settings settings,
            LoadSettings({.file = config, .environment = ConfigEnvironment()}));
  RONDO_TRY(MemberStore members, MemberStore::Open(settings.state));
  RONDO_TRY(AuditLog audit, AuditLog::Open(settings.state));
  RONDO_TRY_STATUS(members.Revoke(client, std::chrono::system_clock::now()));
  RONDO_TRY_STATUS(audit.Append("revoked", {{"client", client}}));
  fmt::print(stderr,
             "{} is out: its certificates and its invitation end at once, also in running "
             "sessions.\nThe signed roster names it until the next one is published: "
             "rondo-coordinator roster export --help\n",
             client);
  return Ok();
}

}  // namespace

void AddMemberCommands(CLI::App& app, Action& action) {
  const auto flags = std::make_shared<InviteFlags>();
  CLI::App* invite = app.add_subcommand(
      "invite",
      "Examples:\n"
      "  rondo-coordinator invite north --config federation/coordinator.toml\n"
      "  rondo-coordinator invite north --ttl 7d --config federation/coordinator.toml\n\n"
      "Prints a token with which one client enrols under this name, once. Hand it over on a safe "
      "channel.");
  invite->add_option("client", flags->client, "Name of the client")->required();
  invite->add_option("--config", flags->config, "coordinator.toml")->required();
  invite->add_option("--ttl", flags->ttl, "How long it is good for: 30m, 24h, 7d")
      ->capture_default_str();
  invite->add_option(
      "--host", flags->host, "Name of the coordinator in the token; default: that of `init`");
  invite->callback([flags, &action] {
    action = [flags] {
      return Invite(*flags);
    };
  });

  const auto revoked = std::make_shared<InviteFlags>();
  CLI::App* revoke = app.add_subcommand(
      "revoke",
      "Examples:\n  rondo-coordinator revoke north --config federation/coordinator.toml\n\n"
      "Ends a client's certificates and its open invitation at once, also while the coordinator "
      "runs.");
  revoke->add_option("client", revoked->client, "Name of the client")->required();
  revoke->add_option("--config", revoked->config, "coordinator.toml")->required();
  revoke->callback([revoked, &action] {
    action = [revoked] {
      return Revoke(revoked->config, revoked->client);
    };
  });
}

}  // namespace rondo::coordinator
