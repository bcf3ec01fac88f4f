#include "common/config/program.h"
#include "coordinator/commands.h"

namespace rondo {
namespace {

constexpr const char* kExamples = R"(Examples:
  rondo-coordinator init --scenario scenario.toml --catalogue items.tsv --expect 2 \
      --host coordinator.example --out federation
  rondo-coordinator invite north --config federation/coordinator.toml
  rondo-coordinator init --scenario scenario.toml --catalogue items.tsv --clients 8 --out federation
  rondo-coordinator run --config federation/coordinator.toml
  rondo-coordinator status --config federation/coordinator.toml
  rondo-coordinator model export --config federation/coordinator.toml --out model.safetensors

Runs a federation: asks its clients to train, adds up their updates, keeps the model.)";

void AddCommands(CLI::App& app, Action& action) {
  coordinator::AddInitCommand(app, action);
  coordinator::AddMemberCommands(app, action);
  coordinator::AddRunCommand(app, action);
  coordinator::AddStatusCommands(app, action);
  coordinator::AddModelCommand(app, action);
  coordinator::AddRosterCommand(app, action);
  coordinator::AddAuditCommand(app, action);
}

}  // namespace
}  // namespace rondo

int main(int argc, char** argv) {
  return rondo::RunProgram(
      argc, argv, {.name = "rondo-coordinator", .examples = rondo::kExamples}, rondo::AddCommands);
}
