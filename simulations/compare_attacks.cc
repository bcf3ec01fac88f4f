#include "simulations/compare_attacks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include <boost/json/array.hpp>

#include "common/io/json.h"
#include "common/io/text_table.h"
#include "simulations/compare_tables.h"

namespace rondo::sim {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

bool OfAttack(const std::string& key) {
  return key.starts_with("attack.");
}

/// Runs under one attack, as if it were none.
struct AttackedRuns {
  ScenarioKeys attack;  ///< its keys
  std::string name;
  std::vector<RunRecord> runs;
};

/// By attack, in order of appearance.
std::vector<AttackedRuns> ByAttack(std::span<const RunRecord> runs) {
  std::vector<AttackedRuns> groups;
  for (RunRecord run : runs) {
    ScenarioKeys attack;
    if (run.scenario.attack.name != "none") {
      std::copy_if(run.keys.begin(),
                   run.keys.end(),
                   std::inserter(attack, attack.end()),
                   [](const auto& item) { return OfAttack(item.first); });
    }
    std::erase_if(run.keys, [](const auto& item) { return OfAttack(item.first); });
    auto group = std::find_if(groups.begin(), groups.end(), [&](const AttackedRuns& other) {
      return other.attack == attack;
    });
    if (group == groups.end()) {
      group = groups.insert(groups.end(),
                            {.attack = attack, .name = run.scenario.attack.name, .runs = {}});
    }
    group->runs.push_back(std::move(run));
  }
  return groups;
}

/// "promotion", or "promotion (strength = 10)" beside other promotions.
std::string LabelOf(const AttackedRuns& group, const std::vector<AttackedRuns>& groups) {
  std::set<std::string> apart;
  for (const AttackedRuns& other : groups) {
    for (const auto& [key, value] : group.attack) {
      if (other.name == group.name && other.attack.at(key) != value) {
        apart.insert(key);
      }
    }
  }
  std::string text;
  for (const std::string& key : apart) {
    text +=
        (text.empty() ? "" : ", ") + key.substr(key.rfind('.') + 1) + " = " + group.attack.at(key);
  }
  return group.name + (text.empty() ? "" : " (" + text + ")");
}

/// The mean over users and seeds.
Result<double> MeanOf(const Arm& arm, const std::string& metric) {
  double sum = 0.0;
  for (const RunRecord& run : arm.runs) {
    RONDO_TRY(const std::vector<double> column, run.Column(metric));
    sum += std::accumulate(column.begin(), column.end(), 0.0) / static_cast<double>(column.size());
  }
  return sum / static_cast<double>(arm.runs.size());
}

/// What `arms` call the first run of an arm.
std::string NameIn(std::span<const Arm> arms, const Arm& sought) {
  for (const Arm& arm : arms) {
    for (const RunRecord& run : arm.runs) {
      if (run.path == sought.runs.front().path) {
        return arm.name;
      }
    }
  }
  return sought.name;
}

Result<std::vector<double>> RowOf(const AttackedRuns& group, const AttackGrid& grid) {
  std::vector<double> row(grid.strategies.size(), kNone);
  for (const Arm& arm : ArmsOf(group.runs)) {
    const auto found = std::find(grid.strategies.begin(), grid.strategies.end(), arm.name);
    if (found != grid.strategies.end()) {
      RONDO_TRY(row[static_cast<std::size_t>(found - grid.strategies.begin())],
                MeanOf(arm, grid.metric));
    }
  }
  return row;
}

double LeastKept(const AttackGrid& grid, std::size_t strategy) {
  double least = kNone;
  for (std::size_t attack = 0; attack < grid.attacks.size(); ++attack) {
    least = std::fmin(least, grid.Kept(attack, strategy));
  }
  return least;
}

std::string KeptText(double kept) {
  return std::isfinite(kept) ? FixedText(kept * 100.0, 0) + " %" : "-";
}

boost::json::array NumbersOf(const std::vector<double>& values) {
  boost::json::array array;
  for (const double value : values) {
    array.push_back(NumberOrNull(value));
  }
  return array;
}

}  // namespace

double AttackGrid::Kept(std::size_t attack, std::size_t strategy) const {
  return clean[strategy] > 0.0 ? attacked[attack][strategy] / clean[strategy] : kNone;
}

Result<std::optional<AttackGrid>> AttackGridOf(std::span<const RunRecord> runs,
                                               std::span<const Arm> arms,
                                               const std::string& metric) {
  const std::vector<AttackedRuns> groups = ByAttack(runs);
  const auto clean = std::find_if(
      groups.begin(), groups.end(), [](const AttackedRuns& group) { return group.attack.empty(); });
  if (clean == groups.end() || groups.size() < 2) {
    return std::optional<AttackGrid>();
  }
  std::vector<const RunRecord*> all;
  for (const RunRecord& run : runs) {
    all.push_back(&run);
  }
  RONDO_TRY_STATUS(CheckComparable(all));
  AttackGrid grid{.metric = metric};
  std::vector<std::string> names;
  for (const Arm& arm : ArmsOf(clean->runs)) {
    grid.strategies.push_back(arm.name);
    names.push_back(NameIn(arms, arm));
    RONDO_TRY(const double mean, MeanOf(arm, metric));
    grid.clean.push_back(mean);
  }
  for (const AttackedRuns& group : groups) {
    if (!group.attack.empty()) {
      grid.attacks.push_back(LabelOf(group, groups));
      RONDO_TRY(std::vector<double> row, RowOf(group, grid));
      grid.attacked.push_back(std::move(row));
    }
  }
  grid.strategies = std::move(names);
  return std::optional(std::move(grid));
}

ReportTable AttackTable(const AttackGrid& grid) {
  ReportTable table{.title = MetricTitle(grid.metric) + " under attack",
                    .note =
                        "Means over users and seeds, and what that is of the strategy's own "
                        "value without attack; -: no such run, or it diverged.",
                    .columns = {"attack"},
                    .numeric = {false}};
  table.columns.insert(table.columns.end(), grid.strategies.begin(), grid.strategies.end());
  table.numeric.resize(table.columns.size(), true);
  std::vector<std::string> first = {"none"};
  std::vector<std::string> last = {"least kept"};
  for (std::size_t i = 0; i < grid.strategies.size(); ++i) {
    first.push_back(FixedText(grid.clean[i], 4));
    last.push_back(KeptText(LeastKept(grid, i)));
  }
  table.rows.push_back(std::move(first));
  for (std::size_t attack = 0; attack < grid.attacks.size(); ++attack) {
    std::vector<std::string>& row = table.rows.emplace_back();
    row.push_back(grid.attacks[attack]);
    for (std::size_t i = 0; i < grid.strategies.size(); ++i) {
      const double value = grid.attacked[attack][i];
      row.push_back(std::isfinite(value)
                        ? FixedText(value, 4) + " (" + KeptText(grid.Kept(attack, i)) + ")"
                        : "-");
    }
  }
  table.rows.push_back(std::move(last));
  return table;
}

HeatMap AttackMap(const AttackGrid& grid) {
  HeatMap map{.id = "attacks",
              .title = "Attacks against defences",
              .description = "The share of " + MetricTitle(grid.metric)
                             + " without attack that each strategy keeps under each attack: pale is "
                               "lost, strong is kept. -: no such run, or it diverged.",
              .x_label = "strategy",
              .y_label = "attack",
              .columns = grid.strategies,
              .rows = grid.attacks};
  for (std::size_t attack = 0; attack < grid.attacks.size(); ++attack) {
    std::vector<double>& row = map.values.emplace_back();
    for (std::size_t i = 0; i < grid.strategies.size(); ++i) {
      row.push_back(grid.Kept(attack, i));
    }
  }
  return map;
}

boost::json::object AttackJson(const AttackGrid& grid) {
  boost::json::array strategies(grid.strategies.begin(), grid.strategies.end());
  boost::json::array rows;
  for (std::size_t attack = 0; attack < grid.attacks.size(); ++attack) {
    std::vector<double> kept;
    for (std::size_t i = 0; i < grid.strategies.size(); ++i) {
      kept.push_back(grid.Kept(attack, i));
    }
    rows.push_back(boost::json::object{{"attack", grid.attacks[attack]},
                                       {"values", NumbersOf(grid.attacked[attack])},
                                       {"kept", NumbersOf(kept)}});
  }
  return {{"metric", grid.metric},
          {"strategies", std::move(strategies)},
          {"without", NumbersOf(grid.clean)},
          {"rows", std::move(rows)}};
}

}  // namespace rondo::sim
