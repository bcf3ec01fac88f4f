#include <fmt/format.h>
#include <iostream>
#include <memory>

#include <boost/json/object.hpp>

#include "common/io/json.h"
#include "coordinator/audit_log.h"
#include "coordinator/commands.h"
#include "coordinator/settings.h"

namespace rondo::coordinator {
namespace {

Status Verify(const std::filesystem::path& config, bool json) {
  RONDO_TRY(const Settings settings,
            LoadSettings({.file = config, .environment = ConfigEnvironment()}));
  RONDO_TRY(const AuditVerdict verdict, VerifyAudit(settings.state / "audit.jsonl"));
  if (json) {
    std::cout << CompactJson({{"schema_version", 1},
                              {"lines", verdict.lines},
                              {"newest_sha256", verdict.newest},
                              {"torn_bytes", verdict.torn}})
              << '\n';
    return Ok();
  }
  std::cout << fmt::format("{} lines hold; the newest has SHA-256 {}\n",
                           verdict.lines,
                           verdict.newest.empty() ? "(none)" : verdict.newest);
  if (verdict.torn > 0) {
    std::cout << fmt::format(
        "{} bytes of half a line at the end, left by a crash; the next start cuts them off\n",
        verdict.torn);
  }
  return Ok();
}

}  // namespace

void AddAuditCommand(CLI::App& app, Action& action) {
  struct Flags {
    std::filesystem::path config;
    bool json = false;
  };

  const auto flags = std::make_shared<Flags>();
  CLI::App* audit = app.add_subcommand(
      "audit",
      "Examples:\n"
      "  rondo-coordinator audit verify --config federation/coordinator.toml\n\n"
      "The log of every enrolment, refusal, revocation, round and release (state/audit.jsonl).");
  audit->require_subcommand(1);
  CLI::App* verify = audit->add_subcommand(
      "verify", "Checks the chain of the whole log; names the first line that does not hold.");
  verify->add_option("--config", flags->config, "coordinator.toml")->required();
  verify->add_flag("--json", flags->json, "Print one JSON object");
  verify->callback([flags, &action] {
    action = [flags] {
      return Verify(flags->config, flags->json);
    };
  });
}

}  // namespace rondo::coordinator
