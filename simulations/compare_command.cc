#include "simulations/compare_command.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include "common/core/file.h"
#include "common/io/json.h"
#include "simulations/compare_tables.h"
#include "simulations/interrupt.h"
#include "simulations/table_text.h"
#include "simulations/trials.h"

namespace rondo::sim {
namespace {

constexpr const char* kHelp = R"(Examples:
  rondo-sim compare simulations/scenarios/compare.toml --set data.path=DIR
  rondo-sim compare ml-100k.toml --strategies fedavg,fedadam,fedyogi --seeds 1..5 --target 0.1
  rondo-sim compare ml-100k.toml --strategies fedavg,median --seeds 1..6 --no-tuning --all-pairs
  rondo-sim compare ml-100k.toml --strategies fedavg,median --attacks ipm,alie --set attack.share=0.2
  rondo-sim compare runs/A runs/B runs/C --reference fedavg --format latex

Compares strategies with paired runs and honest statistics. The same command goes on after a kill.)";

struct CompareFlags {
  std::vector<std::filesystem::path> inputs;
  std::vector<std::string> sets;
  std::vector<std::string> strategies;
  std::vector<std::string> attacks;
  std::string seeds;
  std::string reference;
  std::string metric;
  double target = -1.0;
  bool all_pairs = false;
  bool no_tuning = false;
  std::filesystem::path out;
  int jobs = 0;
  std::string format = "text";
  bool json = false;
};

bool IsFolder(const std::filesystem::path& path) {
  std::error_code ignored;  // What cannot be looked at is refused when it is read.
  return std::filesystem::is_directory(path, ignored);
}

/// The flags over the file; a bare scenario makes a plan of its own.
Result<ComparePlan> PlanOf(const CompareFlags& flags) {
  const std::filesystem::path& file = flags.inputs.front();
  RONDO_TRY(const bool is_plan, IsComparePlan(file));
  ComparePlan plan;
  if (is_plan) {
    RONDO_TRY(plan, LoadComparePlan(file));
  } else {
    plan.scenario = file;
    plan.name = file.stem().string();
  }
  if (!flags.strategies.empty()) {
    plan.strategies = flags.strategies;
  }
  if (!flags.attacks.empty()) {
    plan.attacks = flags.attacks;
  }
  if (!flags.seeds.empty()) {
    RONDO_TRY(plan.seeds, ParseSeeds(flags.seeds));
  }
  plan.reference = flags.reference.empty() ? plan.reference : flags.reference;
  plan.metric = flags.metric.empty() ? plan.metric : flags.metric;
  plan.target = flags.target < 0.0 ? plan.target : flags.target;
  plan.all_pairs = plan.all_pairs || flags.all_pairs;
  plan.tuning.enabled = plan.tuning.enabled && !flags.no_tuning;
  plan.settings.insert(plan.settings.end(), flags.sets.begin(), flags.sets.end());
  RONDO_TRY_STATUS(CheckPlan(plan));
  return plan;
}

/// What is shown and written.
struct Outcome {
  std::string name;
  std::vector<Arm> arms;
  std::optional<AttackGrid> attacks;
  AnalysisOptions options;
  Tuning tuning;
  std::filesystem::path folder;  ///< empty: nothing is written
};

Status WriteFiles(const Outcome& outcome, const Analysis& analysis) {
  const std::vector<ReportTable> tables = TablesOf(analysis, outcome.tuning);
  const std::filesystem::path& folder = outcome.folder;
  RONDO_TRY_STATUS(MakeFolder(folder));
  RONDO_TRY_STATUS(WriteTextFile(folder / "compare.md", ToMarkdown(tables)));
  RONDO_TRY_STATUS(WriteTextFile(folder / "compare.tex", ToLatex(tables)));
  RONDO_TRY_STATUS(WriteTextFile(folder / "compare.csv", ToCsv(CsvTable(analysis))));
  RONDO_TRY_STATUS(
      WriteTextFile(folder / "compare.json", PrettyJson(ToJson(analysis, outcome.tuning))));
  return WriteTextFile(
      folder / "report.html",
      ToHtml(outcome.name, outcome.arms, analysis, outcome.tuning, PicturePartition(outcome.arms)));
}

Status Show(const Outcome& outcome, const CompareFlags& flags) {
  RONDO_TRY(Analysis analysis, Analyse(outcome.arms, outcome.options));
  analysis.attacks = outcome.attacks;
  if (!outcome.folder.empty()) {
    RONDO_TRY_STATUS(WriteFiles(outcome, analysis));
  }
  const std::vector<ReportTable> tables = TablesOf(analysis, outcome.tuning);
  if (flags.json || flags.format == "json") {
    std::cout << CompactJson(ToJson(analysis, outcome.tuning)) << '\n';
  } else if (flags.format == "markdown") {
    std::cout << ToMarkdown(tables);
  } else if (flags.format == "latex") {
    std::cout << ToLatex(tables);
  } else if (flags.format == "csv") {
    std::cout << ToCsv(CsvTable(analysis));
  } else {
    std::cout << ToText(tables);
    if (!outcome.folder.empty()) {
      std::cout << "\nReport: " << (outcome.folder / "report.html").string() << '\n';
    }
  }
  return Ok();
}

Status CompareFolders(const CompareFlags& flags) {
  if (!flags.strategies.empty() || !flags.attacks.empty() || !flags.seeds.empty()
      || !flags.sets.empty() || flags.no_tuning) {
    return Fail(ErrorCode::kInvalidArgument,
                "finished runs are compared as they are: leave out --strategies, --attacks, "
                "--seeds, --set and --no-tuning");
  }
  std::vector<RunRecord> runs;
  for (const std::filesystem::path& input : flags.inputs) {
    RONDO_TRY(RunRecord run, ReadRun(input));
    runs.push_back(std::move(run));
  }
  Outcome outcome{.name = flags.out.empty() ? "compare" : flags.out.filename().string(),
                  .arms = ArmsOf(runs),
                  .attacks = {},
                  .folder = flags.out};
  outcome.options.metric = flags.metric.empty() ? outcome.options.metric : flags.metric;
  outcome.options.reference = flags.reference;
  outcome.options.all_pairs = flags.all_pairs;
  outcome.options.target = std::max(flags.target, 0.0);
  RONDO_TRY(outcome.attacks, AttackGridOf(runs, {}, outcome.options.metric));
  return Show(outcome, flags);
}

/// One run of the comparison.
struct Planned {
  std::size_t strategy = 0;
  std::string attack;  ///< empty: none
  Trial trial;
};

/// The runs of all strategies, attacks and seeds, with the settings that tuning chose without an
/// attack.
Result<std::vector<Planned>> PlanRuns(const ComparePlan& plan, const Tuning& tuning) {
  std::vector<Planned> planned;
  std::vector<std::string> attacks = {""};
  attacks.insert(attacks.end(), plan.attacks.begin(), plan.attacks.end());
  // Seeds outside, so that a comparison cut short has whole pairs.
  for (const int seed : plan.seeds) {
    for (const std::string& attack : attacks) {
      for (std::size_t i = 0; i < plan.strategies.size(); ++i) {
        const std::string& strategy = plan.strategies[i];
        Trial trial{.name = strategy + (attack.empty() ? "" : "-" + attack) + "-seed"
                            + std::to_string(seed),
                    .sets = {}};
        RONDO_TRY(trial.sets, plan.SetsOf(strategy, attack));
        trial.sets.push_back("seed=" + std::to_string(seed));
        if (tuning.kind == Tuning::Kind::kTuned) {
          const TunedStrategy& tuned = tuning.strategies[i];
          const Settings& chosen = tuned.trials[tuned.chosen].settings;
          trial.sets.insert(trial.sets.end(), chosen.begin(), chosen.end());
        }
        planned.push_back({.strategy = i, .attack = attack, .trial = std::move(trial)});
      }
    }
  }
  return planned;
}

/// Fills outcome.arms with the runs without attack, and outcome.attacks with all.
Status RunAll(const ComparePlan& plan, const CompareRuns& runs, Outcome& outcome) {
  RONDO_TRY(const std::vector<Planned> planned, PlanRuns(plan, outcome.tuning));
  std::vector<Trial> trials;
  for (const Planned& run : planned) {
    trials.push_back(run.trial);
  }
  RONDO_TRY(const std::vector<TrialOutcome> outcomes,
            RunTrials({.scenario = plan.scenario,
                       .root = runs.root,
                       .jobs = runs.jobs,
                       .what = "run",
                       .stop = runs.stop},
                      trials));
  for (const std::string& strategy : plan.strategies) {
    outcome.arms.push_back({.name = strategy, .runs = {}});
  }
  std::vector<RunRecord> all;
  for (std::size_t i = 0; i < planned.size(); ++i) {
    const Planned& run = planned[i];
    if (outcomes[i].diverged && run.attack.empty()) {
      return Fail(ErrorCode::kFailedPrecondition,
                  "run '" + run.trial.name
                      + "' diverged, so there is nothing to pair; lower its learning rates or "
                        "leave its strategy out");
    }
    if (outcomes[i].diverged) {
      continue;  // An attack may do that.
    }
    RONDO_TRY(RunRecord record, ReadRun(runs.root / run.trial.name));
    if (run.attack.empty()) {
      outcome.arms[run.strategy].runs.push_back(record);
    }
    all.push_back(std::move(record));
  }
  RONDO_TRY(outcome.attacks, AttackGridOf(all, outcome.arms, plan.metric));
  return Ok();
}

Status CompareStrategies(const CompareFlags& flags) {
  RONDO_TRY(const ComparePlan plan, PlanOf(flags));
  const InterruptWatcher interrupt;
  const CompareRuns runs{
      .root = flags.out.empty() ? std::filesystem::path("compare") / plan.name : flags.out,
      .jobs = flags.jobs,
      .stop = interrupt.token()};
  Outcome outcome{.name = plan.name, .arms = {}, .attacks = {}, .folder = runs.root};
  outcome.options = {.metric = plan.metric,
                     .reference = plan.reference,
                     .all_pairs = plan.all_pairs,
                     .target = plan.target};
  outcome.tuning.kind = Tuning::Kind::kUntuned;
  if (plan.tuning.enabled) {
    RONDO_TRY(outcome.tuning, Tune(plan, runs));
  }
  RONDO_TRY_STATUS(RunAll(plan, runs, outcome));
  return Show(outcome, flags);
}

Status Compare(const CompareFlags& flags) {
  const auto folders = std::count_if(flags.inputs.begin(), flags.inputs.end(), IsFolder);
  if (static_cast<std::size_t>(folders) == flags.inputs.size()) {
    return CompareFolders(flags);
  }
  if (flags.inputs.size() > 1) {
    const auto file = std::find_if_not(flags.inputs.begin(), flags.inputs.end(), IsFolder);
    return Fail(ErrorCode::kInvalidArgument,
                "'" + file->string()
                    + "' is no run directory; name one file to run, or finished runs to compare");
  }
  return CompareStrategies(flags);
}

}  // namespace

void AddCompareCommand(CLI::App& parent, Action& action) {
  CLI::App* command = parent.add_subcommand("compare", kHelp);
  auto flags = std::make_shared<CompareFlags>();
  command->add_option("input", flags->inputs, "comparison file, scenario file, or finished runs")
      ->required();
  command->add_option("--set", flags->sets, "section.key=value for all runs; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--strategies", flags->strategies, "presets to compare")->delimiter(',');
  command
      ->add_option("--attacks", flags->attacks, "under which all run, too; attack.share by --set")
      ->delimiter(',');
  command->add_option("--seeds", flags->seeds, "such as 1..5 or 1,2,7");
  command->add_option("--reference", flags->reference, "compared with all others (default: first)");
  command->add_option("--metric", flags->metric, "of the test split (default: full/ndcg@10)");
  command->add_option("--target", flags->target, "validation NDCG@10: rounds, bytes, time to it")
      ->check(CLI::Range(0.0, 1.0));
  command->add_flag("--all-pairs", flags->all_pairs, "test every pair, not only the reference");
  command->add_flag("--no-tuning", flags->no_tuning, "values of the presets; marked as untuned");
  command->add_option("--out", flags->out, "folder of runs and tables (default: compare/<name>)");
  command->add_option("--jobs", flags->jobs, "runs at a time (default: one a core; one on a GPU)")
      ->check(CLI::PositiveNumber);
  command->add_option("--format", flags->format, "of stdout")
      ->check(CLI::IsMember({"text", "markdown", "latex", "csv", "json"}))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "the same as --format json");
  command->callback([flags, &action] {
    action = [flags] {
      return Compare(*flags);
    };
  });
}

}  // namespace rondo::sim
