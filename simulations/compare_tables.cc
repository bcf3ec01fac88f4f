#include "simulations/compare_tables.h"

#include <algorithm>
#include <cmath>

#include "common/io/progress.h"
#include "common/io/text_table.h"

namespace rondo::sim {
namespace {

std::string Signed(double value) {
  return (value > 0.0 ? "+" : "") + FixedText(value, 4);
}

std::string Range(const Interval& interval) {
  return FixedText(interval.low, 4) + " .. " + FixedText(interval.high, 4);
}

std::string Count(double value) {
  return std::isfinite(value) ? FixedText(value, 0) : "-";
}

/// "-" for runs without a virtual clock, and where nothing was reached.
std::string SimulatedText(double seconds) {
  return seconds > 0.0 ? DurationText(seconds) : "-";
}

std::string SeedsText(const std::vector<std::uint64_t>& seeds) {
  std::string text;
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    std::size_t last = i;
    while (last + 1 < seeds.size() && seeds[last + 1] == seeds[last] + 1) {
      ++last;
    }
    text += (text.empty() ? "" : ", ") + std::to_string(seeds[i]);
    text += last > i + 1 ? ".." + std::to_string(seeds[last]) : "";
    i = last > i + 1 ? last : i;
  }
  return text;
}

/// A column as it is added to a table.
void AddColumn(ReportTable& table, const std::string& title, bool numeric = true) {
  table.columns.push_back(title);
  table.numeric.push_back(numeric);
}

std::string Unit(const Analysis& analysis) {
  return analysis.institutions > 0
             ? std::to_string(analysis.users) + " users of " + std::to_string(analysis.institutions)
                   + " institutions, drawn as a whole"
             : std::to_string(analysis.users) + " users";
}

bool HasSeedTest(const Analysis& analysis) {
  return std::any_of(analysis.tests.begin(), analysis.tests.end(), [](const PairTest& test) {
    return test.seed_p.has_value();
  });
}

/// "4 of 5": paired seeds whose difference has the sign of the mean.
std::string Agreement(const PairTest& test) {
  const auto agreeing =
      std::count_if(test.by_seed.begin(), test.by_seed.end(), [&](double difference) {
        return difference * test.difference.mean > 0.0;
      });
  return test.by_seed.empty()
             ? "-"
             : std::to_string(agreeing) + " of " + std::to_string(test.by_seed.size());
}

void AddTestCells(std::vector<std::string>& row, const PairTest& test, bool over_seeds) {
  row.insert(row.end(),
             {Signed(test.difference.mean),
              Range(test.difference),
              FixedText(test.holm, 4),
              PairVerdict(test),
              Agreement(test)});
  if (over_seeds) {
    row.push_back(test.seed_p ? FixedText(*test.seed_p, 4) : "-");
  }
}

void AddTestColumns(ReportTable& table, bool over_seeds) {
  AddColumn(table, "95 % interval");
  AddColumn(table, "p (Holm)");
  AddColumn(table, "verdict", false);
  AddColumn(table, "seeds agree");
  if (over_seeds) {
    AddColumn(table, "p over seeds");
  }
}

const PairTest* AgainstReference(const Analysis& analysis, std::size_t arm) {
  for (const PairTest& test : analysis.tests) {
    if (test.arm == arm && test.reference == analysis.reference) {
      return &test;
    }
  }
  return nullptr;
}

std::string NoteOf(const Analysis& analysis, const Tuning& tuning) {
  const ArmScore& reference = analysis.arms[analysis.reference];
  std::string note = Unit(analysis) + "; every user's value is the mean over "
                     + (reference.seeds.size() == 1 ? "seed " : "seeds ")
                     + SeedsText(reference.seeds)
                     + ". Intervals by bootstrap, p by flipping signs of paired differences, "
                       "two-sided, adjusted by Holm over "
                     + std::to_string(analysis.tests.size())
                     + (analysis.tests.size() == 1 ? " test." : " tests.");
  note += analysis.best_is_significant
              ? " Bold or *: the best value; all its tests are significant."
              : " No value is bold: the best one is not beyond doubt.";
  if (!analysis.baselines.empty()) {
    note += " On the same users, not tested:";
    for (std::size_t i = 0; i < analysis.baselines.size(); ++i) {
      const auto& [name, mean] = analysis.baselines[i];
      note += std::string(i == 0 ? " " : ", ") + name + " " + FixedText(mean, 4);
    }
    note += ".";
  }
  if (tuning.kind == Tuning::Kind::kUntuned) {
    note +=
        " Untuned: every strategy ran with the values of its preset, which suits some better "
        "than others.";
  }
  for (const std::string& one : analysis.notes) {
    note += " " + one;
  }
  return note;
}

ReportTable AccuracyTable(const Analysis& analysis, const Tuning& tuning) {
  const ArmScore& reference = analysis.arms[analysis.reference];
  const bool over_seeds = HasSeedTest(analysis);
  const std::string untuned = tuning.kind == Tuning::Kind::kUntuned ? " (untuned)" : "";
  ReportTable table{.title = "Test split" + untuned, .note = NoteOf(analysis, tuning)};
  AddColumn(table, "strategy", false);
  AddColumn(table, MetricTitle(analysis.options.metric));
  AddColumn(table, "95 % interval");
  AddColumn(table, "sd over seeds");
  AddColumn(table, "minus " + reference.name);
  AddTestColumns(table, over_seeds);
  for (std::size_t arm = 0; arm < analysis.arms.size(); ++arm) {
    const ArmScore& score = analysis.arms[arm];
    std::vector<std::string> row = {score.name,
                                    FixedText(score.over_users.mean, 4),
                                    Range(score.over_users),
                                    FixedText(score.deviation, 4)};
    if (const PairTest* test = AgainstReference(analysis, arm)) {
      AddTestCells(row, *test, over_seeds);
    } else {
      row.insert(row.end(), {"", "", "", "reference"});
      row.resize(table.columns.size());
    }
    if (arm == analysis.best && analysis.best_is_significant) {
      table.strong.emplace_back(table.rows.size(), 1);
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

ReportTable PairTable(const Analysis& analysis) {
  const bool over_seeds = HasSeedTest(analysis);
  ReportTable table{.title = "All pairs"};
  AddColumn(table, "strategy", false);
  AddColumn(table, "minus", false);
  AddColumn(table, "difference");
  AddTestColumns(table, over_seeds);
  for (const PairTest& test : analysis.tests) {
    std::vector<std::string> row = {analysis.arms[test.arm].name,
                                    analysis.arms[test.reference].name};
    AddTestCells(row, test, over_seeds);
    table.rows.push_back(std::move(row));
  }
  return table;
}

/// The other headline: hit rate beside NDCG, at the same k.
std::string Companion(const std::string& metric) {
  const std::size_t slash = metric.find('/');
  const std::size_t at = metric.find('@');
  const bool is_hit_rate = metric.substr(slash + 1, at - slash - 1) == "hr";
  return metric.substr(0, slash + 1) + (is_hit_rate ? "ndcg" : "hr") + metric.substr(at);
}

ReportTable CostTable(const Analysis& analysis) {
  const double target = analysis.options.target;
  const std::string companion = Companion(analysis.options.metric);
  ReportTable table{.title = "Fairness and cost"};
  table.note = "Worst tenth and Gini: of the " + std::string(analysis.institutions > 0
                                                                 ? "institutions'"
                                                                 : "clients'")
               + " " + MetricTitle(analysis.options.metric)
               + ". Rounds, bytes both ways and time are means over seeds; runs that share a machine "
                 "slow each other down.";
  AddColumn(table, "strategy", false);
  AddColumn(table, MetricTitle(companion));
  AddColumn(table, "worst tenth");
  AddColumn(table, "Gini");
  AddColumn(table, "rounds");
  AddColumn(table, "sent");
  AddColumn(table, "time");
  const bool timed = analysis.timed();
  if (timed) {
    AddColumn(table, "simulated");
    table.note += " Simulated: the time that the rounds take on the devices of the scenario.";
  }
  if (target > 0.0) {
    for (const char* title : {"reached", "rounds to it", "sent to it", "time to it"}) {
      AddColumn(table, title);
    }
    if (timed) {
      AddColumn(table, "simulated to it");
    }
    table.note += " Reached: runs with a validation NDCG@10 of " + FixedText(target, 4)
                  + " or more; means over those alone, training rounds only.";
  }
  for (const ArmScore& arm : analysis.arms) {
    const auto other = arm.metrics.find(companion);
    std::vector<std::string> row = {arm.name,
                                    other == arm.metrics.end() ? "-" : FixedText(other->second, 4),
                                    FixedText(arm.worst_decile, 4),
                                    FixedText(arm.gini, 3),
                                    Count(arm.rounds),
                                    BytesText(arm.bytes),
                                    DurationText(arm.seconds)};
    if (timed) {
      row.push_back(SimulatedText(arm.simulated_seconds));
    }
    if (target > 0.0) {
      const bool any = arm.target.reached > 0;
      row.insert(row.end(),
                 {std::to_string(arm.target.reached) + " of " + std::to_string(arm.seeds.size()),
                  Count(arm.target.rounds),
                  any ? BytesText(arm.target.bytes) : "-",
                  any ? DurationText(arm.target.seconds) : "-"});
      if (timed) {
        row.push_back(SimulatedText(any ? arm.target.simulated_seconds : 0.0));
      }
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

ReportTable TuningTable(const Tuning& tuning) {
  ReportTable table{
      .title = "Tuning",
      .columns = {"strategy", "trials", "diverged", "NDCG@10", "chosen", "grid", "at the edge"},
      .numeric = {false, true, true, true, false, false, false}};
  table.note =
      "Every strategy has the same number of trials; validation NDCG@10 alone chose, and "
      "the test split stayed closed. At the edge: the best value may lie outside the grid.";
  for (const TunedStrategy& strategy : tuning.strategies) {
    const TunedTrial& chosen = strategy.trials[strategy.chosen];
    const auto diverged = std::count_if(strategy.trials.begin(),
                                        strategy.trials.end(),
                                        [](const TunedTrial& trial) { return trial.diverged; });
    const auto join = [](std::string& text, const std::string& more) {
      text += (text.empty() ? "" : "; ") + more;
    };
    std::string values;
    std::string grid;
    std::string edges;
    for (const std::string& set : chosen.settings) {
      join(values, set);
    }
    for (const Axis& axis : strategy.axes) {
      std::string choices;
      for (const std::string& value : axis.values) {
        choices += (choices.empty() ? "" : ", ") + value;
      }
      join(grid, axis.key + ": " + choices);
    }
    for (const std::string& edge : strategy.edges) {
      join(edges, edge);
    }
    table.rows.push_back({strategy.name,
                          std::to_string(strategy.trials.size()),
                          std::to_string(diverged),
                          FixedText(chosen.validation.value_or(std::nan("")), 4),
                          values,
                          grid,
                          edges.empty() ? "no" : edges});
  }
  return table;
}

}  // namespace

std::string MetricTitle(const std::string& metric) {
  const std::size_t slash = metric.find('/');
  std::string name = metric.substr(slash + 1);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return static_cast<char>(std::toupper(c));
  });
  const std::string protocol = metric.substr(0, slash);
  return protocol == "full" || slash == std::string::npos ? name : name + " (" + protocol + ")";
}

std::vector<ReportTable> TablesOf(const Analysis& analysis, const Tuning& tuning) {
  std::vector<ReportTable> tables = {AccuracyTable(analysis, tuning), CostTable(analysis)};
  if (analysis.options.all_pairs) {
    tables.insert(tables.begin() + 1, PairTable(analysis));
  }
  if (analysis.attacks) {
    tables.push_back(AttackTable(*analysis.attacks));
  }
  if (tuning.kind == Tuning::Kind::kTuned) {
    tables.push_back(TuningTable(tuning));
  }
  return tables;
}

}  // namespace rondo::sim
