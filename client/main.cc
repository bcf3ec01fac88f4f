#include "client/command.h"
#include "common/config/program.h"

namespace rondo {
namespace {

constexpr const char* kExamples = R"(Examples:
  rondo-client enroll TOKEN --out north               make the keys here, get a certificate
  rondo-client doctor --config client.toml            check everything before the first round
  rondo-client run --dry-run --scenario scenario.toml train one round here, send nothing
  rondo-client run --config client.toml               take part until the federation is finished
  rondo-client recommend --user 42 -k 10              a list with titles for one of your users
  rondo-client recommend --all --out lists.tsv        lists for all of them
  rondo-client evaluate                               is joining worth it, measured on your users

Takes part in a federation. Behaviour data and keys stay on this machine.)";

void AddCommands(CLI::App& app, Action& action) {
  client::AddEnrollCommand(app, action);
  client::AddRunCommand(app, action);
  client::AddRecommendCommand(app, action);
  client::AddEvaluateCommand(app, action);
  client::AddDoctorCommand(app, action);
  client::AddRosterCommand(app, action);
  client::AddReceiptsCommand(app, action);
}

}  // namespace
}  // namespace rondo

int main(int argc, char** argv) {
  return rondo::RunProgram(
      argc, argv, {.name = "rondo-client", .examples = rondo::kExamples}, rondo::AddCommands);
}
