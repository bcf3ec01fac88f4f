#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <iostream>

#include "simulations/bench_command.h"
#include "simulations/command.h"
#include "simulations/data_commands.h"
#include "simulations/evaluate_command.h"
#include "simulations/metrics_command.h"
#include "simulations/poc_command.h"
#include "simulations/run_command.h"

namespace {

constexpr const char* kExamples = R"(Examples:
  rondo-sim run simulations/scenarios/demo.toml --set data.path=build/demo-data
  rondo-sim run ml-100k.toml --set data.path=DIR --set seed=2 --out runs/seed-2 --json
  rondo-sim poc --clients 8 simulations/scenarios/ml-100k-institutions.toml
  rondo-sim data stats DIR
  rondo-sim metrics --recommendations R.tsv --truth T.tsv --k 5,10

Simulates federations of attention recommenders on one machine.)";

int Report(const rondo::Error& error) {
  std::cerr << "rondo-sim: " << error.message << '\n';
  return rondo::ExitCode(error.code);
}

int Run(int argc, char** argv) {
  CLI::App app(kExamples, "rondo-sim");
  app.set_version_flag("--version", RONDO_VERSION);
  app.require_subcommand(1);
  rondo::sim::Action action;
  rondo::sim::AddRunCommand(app, action);
  rondo::sim::AddEvaluateCommand(app, action);
  rondo::sim::AddPocCommand(app, action);
  rondo::sim::AddBenchCommand(app, action);
  rondo::sim::AddDataCommands(app, action);
  rondo::sim::AddMetricsCommand(app, action);
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
  try {
    return Run(argc, argv);
  } catch (const std::exception& error) {
    return Report({rondo::ErrorCode::kInternal, std::string("internal error: ") + error.what()});
  }
}
