#include "simulations/aggregate_command.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "common/config/scenario.h"
#include "common/core/suggest.h"
#include "common/federated/vector_math.h"
#include "coordinator/aggregators/kernels.h"
#include "coordinator/aggregators/rules.h"
#include "simulations/attacks/update_attacks.h"
#include "simulations/update_files.h"

namespace rondo::sim {
namespace {

using coordinator::RuleContext;
using coordinator::Updates;

constexpr const char* kHelp = R"(Examples:
  rondo-sim aggregate --strategy krum --set f=2 --updates DIR --out A.safetensors
  rondo-sim aggregate --strategy trimmed_mean --set f=2 --pre nnm --updates DIR --out A.safetensors --json
  rondo-sim aggregate --attack alie --set strength=1.5 --updates HONEST --out A.safetensors

Aggregates the updates in the .safetensors files of a folder, in byte order of their names, by a robust rule, or writes the
update that an attacker makes of them. Rules and attacks are listed in docs/strategies.md.)";

struct Arguments {
  std::string strategy;
  std::string attack;
  std::vector<std::string> sets;
  std::vector<std::string> pre;
  std::filesystem::path updates;
  std::filesystem::path out;
  RoundId round = 1;
  int threads = 0;
  bool json = false;
};

/// What was done, for people and programs.
struct Outcome {
  std::size_t updates = 0;
  std::size_t parameters = 0;
  std::vector<std::string> dropped;
  std::string warning;
  double norm = 0.0;
};

/// The scenario with the keys of --set; one without a section belongs to strategy.
Result<Scenario> ReadKeys(const Arguments& arguments) {
  ScenarioSources sources;
  for (const std::string& set : arguments.sets) {
    const std::string key = set.substr(0, set.find('='));
    const bool whole = key.find('.') != std::string::npos || key == "seed";
    const std::string section = whole ? "" : key == "strength" ? "attack." : "strategy.";
    sources.sets.push_back(section + set);
  }
  if (!arguments.strategy.empty()) {
    sources.sets.push_back("strategy.aggregator=" + arguments.strategy);
  }
  RONDO_TRY(Scenario scenario, LoadScenario(sources));
  if (!arguments.pre.empty()) {
    scenario.strategy.pre = arguments.pre;
  }
  RONDO_TRY_STATUS(coordinator::CheckParts(scenario.strategy));
  return scenario;
}

Result<UpdateAttack> AttackOf(const std::string& name) {
  const UpdateAttack attack = FindUpdateAttack(name);
  if (attack == nullptr) {
    std::vector<std::string> known;
    for (const UpdateAttackEntry& entry : UpdateAttacks()) {
      known.emplace_back(entry.name);
    }
    return Fail(ErrorCode::kInvalidArgument,
                "--attack: unknown '" + name + "'" + DidYouMean(name, known) + "; use "
                    + JoinChoices(known));
  }
  return attack;
}

/// The attacker's own training gave the mean of the honest updates.
void Attack(UpdateAttack attack,
            const Scenario& scenario,
            const Updates& updates,
            Workers& workers,
            std::span<float> out) {
  const std::vector<double> shares(updates.count(), 1.0 / static_cast<double>(updates.count()));
  coordinator::Combine(updates, shares, workers, out);
  std::vector<std::span<const float>> honest;
  for (const float* row : updates.rows) {
    honest.emplace_back(row, updates.size);
  }
  Rng rng({.seed = scenario.seed, .purpose = Purpose::kAttack});
  attack({.honest = honest, .strength = scenario.attack.strength, .rng = rng, .workers = workers},
         out);
}

std::vector<std::string> Drop(const UpdateFiles& files, Updates& updates, Workers& workers) {
  std::vector<std::string> dropped;
  for (const std::size_t index : coordinator::DropNonFinite(updates, workers)) {
    dropped.push_back(files.names[index]);
  }
  return dropped;
}

void PrintJson(const Arguments& arguments, const Outcome& outcome) {
  boost::json::object object;
  object["schema_version"] = 1;
  object[arguments.attack.empty() ? "strategy" : "attack"] =
      arguments.attack.empty() ? arguments.strategy : arguments.attack;
  object["updates"] = outcome.updates;
  object["parameters"] = outcome.parameters;
  object["dropped"] = boost::json::array(outcome.dropped.begin(), outcome.dropped.end());
  object["warning"] =
      outcome.warning.empty() ? boost::json::value(nullptr) : boost::json::value(outcome.warning);
  object["l2"] =
      std::isfinite(outcome.norm) ? boost::json::value(outcome.norm) : boost::json::value(nullptr);
  object["out"] = arguments.out.string();
  std::cout << boost::json::serialize(object) << '\n';
}

void Print(const Arguments& arguments, const Outcome& outcome) {
  if (!outcome.dropped.empty()) {
    fmt::print(stderr,
               "warning: dropped {} of {} updates, which hold NaN or infinity: {}\n",
               outcome.dropped.size(),
               outcome.dropped.size() + outcome.updates,
               fmt::join(outcome.dropped, ", "));
  }
  if (!outcome.warning.empty()) {
    fmt::print(stderr, "warning: {}\n", outcome.warning);
  }
  if (arguments.json) {
    PrintJson(arguments, outcome);
    return;
  }
  fmt::print("updates\t{}\nparameters\t{}\nl2\t{:.9g}\n",
             outcome.updates,
             outcome.parameters,
             outcome.norm);
}

Status Run(const Arguments& arguments) {
  if (arguments.strategy.empty() == arguments.attack.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "give either --strategy or --attack");
  }
  RONDO_TRY(const Scenario scenario, ReadKeys(arguments));
  UpdateAttack attack = nullptr;
  if (!arguments.attack.empty()) {
    RONDO_TRY(attack, AttackOf(arguments.attack));
  }
  RONDO_TRY(UpdateFiles files, ReadUpdateFiles(arguments.updates));
  Workers workers(arguments.threads > 0 ? arguments.threads : UsableCores());
  Updates updates = files.View();
  Outcome outcome{.parameters = updates.size};
  outcome.dropped = Drop(files, updates, workers);
  outcome.updates = updates.count();
  if (updates.count() == 0) {
    return Fail(ErrorCode::kTooFewClients,
                "all " + std::to_string(files.names.size())
                    + " updates hold NaN or infinity, so none is left");
  }
  std::vector<float> out(updates.size);
  if (attack != nullptr) {
    Attack(attack, scenario, updates, workers, out);
  } else {
    const Status enough = coordinator::CheckRule(
        scenario.strategy, updates.count(), "the number of finite updates is");
    outcome.warning = enough ? "" : enough.error().message;
    const RuleContext context{.config = scenario.strategy,
                              .workers = workers,
                              .seed = scenario.seed,
                              .round = arguments.round};
    RONDO_TRY_STATUS(coordinator::ApplyRule(updates, context, out));
  }
  outcome.norm = std::sqrt(SquaredSum(out));
  RONDO_TRY_STATUS(WriteVector(arguments.out, files, out, {}));
  Print(arguments, outcome);
  return Ok();
}

}  // namespace

void AddAggregateCommand(CLI::App& parent, Action& action) {
  CLI::App* command = parent.add_subcommand("aggregate", kHelp);
  auto arguments = std::make_shared<Arguments>();
  command->add_option("--strategy", arguments->strategy, "the rule");
  command->add_option("--attack", arguments->attack, "write this attack's update instead");
  command
      ->add_option("--set", arguments->sets, "numbers of rule or attack: f=2, tau=10, strength=2")
      ->take_all();
  command
      ->add_option(
          "--pre", arguments->pre, "nnm, bucketing or clipping in front of the rule, in order")
      ->delimiter(',')
      ->take_all();
  command->add_option("--updates", arguments->updates, "folder of .safetensors files")->required();
  command->add_option("--out", arguments->out, "file of the result")->required();
  command->add_option("--round", arguments->round, "that bucketing draws for")
      ->capture_default_str();
  command->add_option("--threads", arguments->threads, "0: one a core");
  command->add_flag("--json", arguments->json, "print one JSON object");
  command->callback([arguments, &action] {
    action = [arguments] {
      return Run(*arguments);
    };
  });
}

}  // namespace rondo::sim
