#include "common/config/program.h"
#include "simulations/aggregate_command.h"
#include "simulations/bench_command.h"
#include "simulations/compare_command.h"
#include "simulations/data_commands.h"
#include "simulations/epsilon_command.h"
#include "simulations/evaluate_command.h"
#include "simulations/metrics_command.h"
#include "simulations/mpi_ranks.h"
#include "simulations/poc_command.h"
#include "simulations/run_command.h"
#include "simulations/sweep_command.h"
#include "simulations/yardstick_commands.h"

namespace rondo {
namespace {

constexpr const char* kExamples = R"(Examples:
  rondo-sim run simulations/scenarios/demo.toml --set data.path=build/demo-data
  rondo-sim run ml-100k.toml --set data.path=DIR --set seed=2 --out runs/seed-2 --json
  rondo-sim central ml-100k.toml --set data.path=DIR --learning-rate 1e-3
  rondo-sim compare simulations/scenarios/compare.toml --set data.path=DIR
  rondo-sim sweep ml-100k.toml --grid client.learning_rate=0.3,1,3
  rondo-sim poc --clients 8 simulations/scenarios/ml-100k-institutions.toml
  rondo-sim data stats DIR
  rondo-sim metrics --recommendations R.tsv --truth T.tsv --k 5,10
  rondo-sim aggregate --strategy krum --set f=2 --updates DIR --out A.safetensors
  rondo-sim epsilon --q 0.04 --sigma 1.5 --rounds 2250 --delta 1e-5 --accountant pld

Simulates federations of attention recommenders on one machine or many.)";

void AddCommands(CLI::App& app, Action& action) {
  sim::AddRunCommand(app, action);
  sim::AddYardstickCommands(app, action);
  sim::AddCompareCommand(app, action);
  sim::AddSweepCommand(app, action);
  sim::AddEvaluateCommand(app, action);
  sim::AddPocCommand(app, action);
  sim::AddBenchCommand(app, action);
  sim::AddDataCommands(app, action);
  sim::AddMetricsCommand(app, action);
  sim::AddAggregateCommand(app, action);
  sim::AddEpsilonCommand(app, action);
}

}  // namespace
}  // namespace rondo

int main(int argc, char** argv) {
  const int exit_code = rondo::RunProgram(
      argc, argv, {.name = "rondo-sim", .examples = rondo::kExamples}, rondo::AddCommands);
  rondo::sim::EndRanks(exit_code);
  return exit_code;
}
