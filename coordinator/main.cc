#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <iostream>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "coordinator/commands.h"

namespace {

constexpr const char* kExamples = R"(Examples:
  rondo-coordinator init --scenario ml-100k.toml --catalogue catalogue.tsv --clients 8 --out federation
  rondo-coordinator init --scenario S.toml --catalogue items.tsv --client north --client south \
      --host coordinator.example --out federation
  rondo-coordinator run --config federation/coordinator.toml
  rondo-coordinator status --config federation/coordinator.toml
  rondo-coordinator model export --config federation/coordinator.toml --out model.safetensors

Runs a federation: invites clients, adds up their updates, keeps the model.)";

int Report(const rondo::Error& error) {
  std::cerr << "rondo-coordinator: " << error.message << '\n';
  return rondo::ExitCode(error.code);
}

int Run(int argc, char** argv) {
  CLI::App app(kExamples, "rondo-coordinator");
  app.set_version_flag("--version", RONDO_VERSION);
  app.require_subcommand(1);
  rondo::coordinator::Action action;
  rondo::coordinator::AddInitCommand(app, action);
  rondo::coordinator::AddRunCommand(app, action);
  rondo::coordinator::AddStatusCommands(app, action);
  rondo::coordinator::AddModelCommand(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : rondo::ExitCode(rondo::ErrorCode::kInvalidArgument);
  }
  const rondo::Status done = action();
  return done ? 0 : Report(done.error());
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  spdlog::set_default_logger(spdlog::stderr_logger_st("rondo"));
  try {
    return Run(argc, argv);
  } catch (const std::exception& error) {
    return Report({rondo::ErrorCode::kInternal, std::string("internal error: ") + error.what()});
  }
}
