#include <fmt/format.h>
#include <iostream>
#include <memory>

#include "common/core/file.h"
#include "common/crypto/key_file.h"
#include "coordinator/commands.h"
#include "coordinator/membership.h"

namespace rondo::coordinator {
namespace {

struct RosterFlags {
  std::filesystem::path config;
  std::filesystem::path key;
  std::filesystem::path file;
  std::filesystem::path out;
};

Status MakeGovernanceKey(const RosterFlags& flags) {
  const SigningKey key = SigningKey::Generate();
  std::filesystem::path public_file = flags.out;
  public_file.replace_extension(".pub");
  RONDO_TRY_STATUS(SaveSigningKey(key, flags.out));
  RONDO_TRY_STATUS(WriteTextFile(public_file, ToHex(key.public_key()) + "\n"));
  fmt::print(stderr,
             "Keep {} here. Give {} to the operator, for `rondo-coordinator init --governance`.\n",
             flags.out.string(),
             public_file.string());
  return Ok();
}

Status Export(const RosterFlags& flags) {
  RONDO_TRY(const Settings settings,
            LoadSettings({.file = flags.config, .environment = ConfigEnvironment()}));
  RONDO_TRY(MemberStore members, MemberStore::Open(settings.state));
  RONDO_TRY(const std::vector<Member> enrolled, members.Members());
  RONDO_TRY(const Roster roster, NextRoster(settings, enrolled));
  std::cout << roster.Text();
  return Ok();
}

Status Sign(const RosterFlags& flags) {
  RONDO_TRY(const SigningKey key, LoadSigningKey(flags.key));
  RONDO_TRY(Roster roster, LoadRoster(flags.file));
  RONDO_TRY(const SignedRoster made, SignRoster(std::move(roster), key));
  RONDO_TRY_STATUS(SaveRoster(made, flags.out));
  fmt::print(stderr,
             "Signed version {} with {} members. Bring {} to the coordinator:\n"
             "  rondo-coordinator roster publish {} --config federation/coordinator.toml\n",
             made.roster.version,
             made.roster.entries.size(),
             flags.out.string(),
             flags.out.string());
  return Ok();
}

Status Publish(const RosterFlags& flags) {
  RONDO_TRY(const Settings settings,
            LoadSettings({.file = flags.config, .environment = ConfigEnvironment()}));
  RONDO_TRY(const SignedRoster made, LoadSignedRoster(flags.file));
  RONDO_TRY_STATUS(CheckRoster(made, settings));
  RONDO_TRY(const Roster next, NextRoster(settings, {}));
  if (made.roster.version < next.version) {
    return Fail(ErrorCode::kFailedPrecondition,
                fmt::format("the roster has version {}, but version {} is published already; "
                            "export and sign it again",
                            made.roster.version,
                            next.version - 1));
  }
  RONDO_TRY(AuditLog audit, AuditLog::Open(settings.state));
  RONDO_TRY_STATUS(audit.Append("roster",
                                {{"version", made.roster.version},
                                 {"members", made.roster.entries.size()},
                                 {"sha256", made.roster.sha256()}}));
  return SaveRoster(made, settings.roster);
}

CLI::App* AddVerb(CLI::App& parent,
                  const char* name,
                  const char* help,
                  Status (*run)(const RosterFlags&),
                  const std::shared_ptr<RosterFlags>& flags,
                  Action& action) {
  CLI::App* verb = parent.add_subcommand(name, help);
  verb->callback([run, flags, &action] {
    action = [run, flags] {
      return run(*flags);
    };
  });
  return verb;
}

}  // namespace

void AddRosterCommand(CLI::App& app, Action& action) {
  const auto flags = std::make_shared<RosterFlags>();
  CLI::App* roster = app.add_subcommand(
      "roster",
      "Examples:\n"
      "  rondo-coordinator roster key --out governance.key            on another machine, once\n"
      "  rondo-coordinator roster export --config federation/coordinator.toml > roster.txt\n"
      "  rondo-coordinator roster sign roster.txt --key governance.key --out roster.signed\n"
      "                                                               on the other machine\n"
      "  rondo-coordinator roster publish roster.signed --config federation/coordinator.toml\n\n"
      "The list of members, signed by a key that the running coordinator does not have.");
  roster->require_subcommand(1);
  AddVerb(*roster, "key", "Makes the governance key.", MakeGovernanceKey, flags, action)
      ->add_option("--out", flags->out, "New file; the public half is written beside it")
      ->required();
  AddVerb(*roster,
          "export",
          "Prints the enrolled members as the next version, without signature.",
          Export,
          flags,
          action)
      ->add_option("--config", flags->config, "coordinator.toml")
      ->required();
  CLI::App* sign = AddVerb(*roster,
                           "sign",
                           "Signs an exported roster, after somebody has read it.",
                           Sign,
                           flags,
                           action);
  sign->add_option("file", flags->file, "What `roster export` printed")->required();
  sign->add_option("--key", flags->key, "governance.key")->required();
  sign->add_option("--out", flags->out, "The signed roster")->required();
  CLI::App* publish = AddVerb(*roster,
                              "publish",
                              "Checks a signed roster and hands it to all clients from now on.",
                              Publish,
                              flags,
                              action);
  publish->add_option("file", flags->file, "What `roster sign` wrote")->required();
  publish->add_option("--config", flags->config, "coordinator.toml")->required();
}

}  // namespace rondo::coordinator
