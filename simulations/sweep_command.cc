#include "simulations/sweep_command.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <numeric>
#include <optional>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "common/core/file.h"
#include "common/io/json.h"
#include "common/io/text_table.h"
#include "simulations/interrupt.h"
#include "simulations/table_text.h"
#include "simulations/trial_grid.h"
#include "simulations/trials.h"

namespace rondo::sim {
namespace {

constexpr const char* kHelp = R"(Examples:
  rondo-sim sweep ml-100k.toml --grid client.learning_rate=0.3,1,3 --grid model.blocks=1,2
  rondo-sim sweep ml-100k.toml --grid strategy.server_learning_rate=x0.3,x1,x3
  rondo-sim sweep ml-100k.toml --random client.learning_rate=log:0.01..3 --random model.dropout=0..0.5 --trials 20

Tries settings of one scenario and orders them by validation NDCG@10. The test split stays closed.)";

struct SweepFlags {
  std::filesystem::path scenario;
  std::vector<std::string> sets;
  std::vector<std::string> grid;
  std::vector<std::string> random;
  int trials = 0;
  std::uint64_t seed = 1;
  std::filesystem::path out;
  int jobs = 0;
  std::string format = "text";
  bool json = false;
};

/// What a sweep tries: all points of its grid, each with every random draw.
struct Sweep {
  std::vector<Axis> axes;
  std::vector<std::string> keys;  ///< of axes and draws
  std::vector<Settings> points;
};

Result<Sweep> PlanSweep(const SweepFlags& flags, const ScenarioKeys& base) {
  Sweep sweep;
  for (const std::string& text : flags.grid) {
    RONDO_TRY(Axis parsed, ParseAxis(text));
    RONDO_TRY(Axis axis, Anchored(std::move(parsed), base));
    sweep.keys.push_back(axis.key);
    sweep.axes.push_back(std::move(axis));
  }
  std::vector<DrawnKey> drawn;
  for (const std::string& text : flags.random) {
    RONDO_TRY(DrawnKey key, ParseDrawnKey(text));
    sweep.keys.push_back(key.choices.key);
    drawn.push_back(std::move(key));
  }
  for (auto key = sweep.keys.begin(); key != sweep.keys.end(); ++key) {
    if (std::find(sweep.keys.begin(), key, *key) != key) {
      return Fail(ErrorCode::kInvalidArgument, "the key '" + *key + "' is swept twice");
    }
  }
  if (sweep.keys.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "nothing to sweep: give --grid key=v1,v2, or --random key=LOW..HIGH with --trials");
  }
  if (!drawn.empty() && flags.trials < 1) {
    return Fail(ErrorCode::kInvalidArgument, "--random needs --trials, the number of draws");
  }
  sweep.points = GridOf(sweep.axes);
  const auto trials = static_cast<std::size_t>(flags.trials);
  if (drawn.empty()) {
    sweep.points = trials > 0 ? SampleOf(std::move(sweep.points), trials, flags.seed)
                              : std::move(sweep.points);
    return sweep;
  }
  RONDO_TRY(const std::vector<Settings> draws, DrawPoints(drawn, base, trials, flags.seed));
  std::vector<Settings> all;
  for (const Settings& point : sweep.points) {
    for (const Settings& draw : draws) {
      Settings& both = all.emplace_back(point);
      both.insert(both.end(), draw.begin(), draw.end());
      if (std::find(all.begin(), all.end() - 1, both) != all.end() - 1) {
        all.pop_back();  // Drawn before: few values are left to draw.
      }
    }
  }
  sweep.points = std::move(all);
  return sweep;
}

/// Places of the trials, the best first; of equal ones the earlier.
std::vector<std::size_t> Ranking(const std::vector<TrialOutcome>& outcomes) {
  std::vector<std::size_t> order(outcomes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return outcomes[a].validation.value_or(-1.0) > outcomes[b].validation.value_or(-1.0);
  });
  return order;
}

/// Where the best values stand at the end of their axis.
std::vector<std::string> EdgesOf(const Sweep& sweep, const Settings& best) {
  std::vector<std::string> edges;
  for (std::size_t i = 0; i < sweep.axes.size(); ++i) {
    const Axis& axis = sweep.axes[i];
    const std::string edge = EdgeOf(axis, best[i].substr(axis.key.size() + 1));
    if (!edge.empty()) {
      edges.push_back(best[i] + " (" + edge + ")");
    }
  }
  return edges;
}

ReportTable TableOf(const Sweep& sweep,
                    const std::vector<TrialOutcome>& outcomes,
                    const std::vector<std::size_t>& order) {
  ReportTable table{.title = "Sweep",
                    .note =
                        "NDCG@10 on the validation split, the best round of each trial; the "
                        "test split stayed closed.",
                    .columns = sweep.keys};
  table.numeric.assign(table.columns.size(), true);
  table.columns.emplace_back("NDCG@10");
  table.numeric.push_back(true);
  for (const std::size_t place : order) {
    std::vector<std::string> row;
    for (const std::string& set : sweep.points[place]) {
      row.push_back(set.substr(set.find('=') + 1));
    }
    const TrialOutcome& outcome = outcomes[place];
    row.push_back(outcome.diverged     ? "diverged"
                  : outcome.validation ? FixedText(*outcome.validation, 4)
                                       : "-");
    table.rows.push_back(std::move(row));
  }
  for (const std::string& edge : EdgesOf(sweep, sweep.points[order.front()])) {
    table.note += " The best " + edge + " stands at the edge of its grid: a better value may lie "
                  "outside.";
  }
  return table;
}

boost::json::object JsonOf(const Sweep& sweep,
                           const std::vector<TrialOutcome>& outcomes,
                           const std::vector<std::size_t>& order) {
  boost::json::array trials;
  for (const std::size_t place : order) {
    const Settings& point = sweep.points[place];
    const TrialOutcome& outcome = outcomes[place];
    trials.push_back({{"settings", boost::json::array(point.begin(), point.end())},
                      {"validation_ndcg@10",
                       outcome.validation ? boost::json::value(*outcome.validation)
                                          : boost::json::value(nullptr)},
                      {"diverged", outcome.diverged}});
  }
  const std::vector<std::string> edges = EdgesOf(sweep, sweep.points[order.front()]);
  return {{"schema_version", 1},
          {"trials", std::move(trials)},
          {"at_the_edge", boost::json::array(edges.begin(), edges.end())}};
}

Status RunSweep(const SweepFlags& flags) {
  RONDO_TRY(const Scenario scenario,
            LoadScenario(
                {.file = flags.scenario, .environment = ConfigEnvironment(), .sets = flags.sets}));
  RONDO_TRY(const Sweep sweep, PlanSweep(flags, KeysOf(scenario)));
  std::vector<Trial> trials;
  for (const Settings& point : sweep.points) {
    Trial trial{.name = NameOf(point), .sets = flags.sets, .test = false};
    trial.sets.insert(trial.sets.end(), point.begin(), point.end());
    trials.push_back(std::move(trial));
  }
  const std::filesystem::path folder =
      flags.out.empty() ? std::filesystem::path("sweep") / scenario.name : flags.out;
  const InterruptWatcher interrupt;
  RONDO_TRY(const std::vector<TrialOutcome> outcomes,
            RunTrials({.scenario = flags.scenario,
                       .root = folder,
                       .jobs = flags.jobs,
                       .what = "trial",
                       .stop = interrupt.token()},
                      trials));
  const std::vector<std::size_t> order = Ranking(outcomes);
  const std::vector<ReportTable> tables = {TableOf(sweep, outcomes, order)};
  const boost::json::object json = JsonOf(sweep, outcomes, order);
  RONDO_TRY_STATUS(WriteTextFile(folder / "sweep.md", ToMarkdown(tables)));
  RONDO_TRY_STATUS(WriteTextFile(folder / "sweep.csv", ToCsv(tables.front())));
  RONDO_TRY_STATUS(WriteTextFile(folder / "sweep.json", PrettyJson(json)));
  std::cout << (flags.json || flags.format == "json" ? CompactJson(json) + "\n"
                : flags.format == "csv"              ? ToCsv(tables.front())
                : flags.format == "markdown"         ? ToMarkdown(tables)
                : flags.format == "latex"            ? ToLatex(tables)
                                                     : ToText(tables));
  return Ok();
}

}  // namespace

void AddSweepCommand(CLI::App& parent, Action& action) {
  CLI::App* command = parent.add_subcommand("sweep", kHelp);
  auto flags = std::make_shared<SweepFlags>();
  command->add_option("scenario", flags->scenario, "scenario file (TOML)")->required();
  command->add_option("--set", flags->sets, "section.key=value for all trials; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--grid", flags->grid, "key=v1,v2; x3 is three times the scenario's value")
      ->allow_extra_args(false);
  command->add_option("--random", flags->random, "key=LOW..HIGH, key=log:LOW..HIGH or key=v1,v2")
      ->allow_extra_args(false);
  command->add_option("--trials", flags->trials, "random draws, or points of the grid to draw")
      ->check(CLI::PositiveNumber);
  command->add_option("--seed", flags->seed, "of the draws")->capture_default_str();
  command->add_option("--out", flags->out, "folder of the trials (default: sweep/<name>)");
  command->add_option("--jobs", flags->jobs, "trials at a time (default: one a core; one on a GPU)")
      ->check(CLI::PositiveNumber);
  command->add_option("--format", flags->format, "of stdout")
      ->check(CLI::IsMember({"text", "markdown", "latex", "csv", "json"}))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "the same as --format json");
  command->callback([flags, &action] {
    action = [flags] {
      return RunSweep(*flags);
    };
  });
}

}  // namespace rondo::sim
