#include <cmath>

#include <boost/json/array.hpp>

#include "common/config/number_text.h"
#include "common/io/json.h"
#include "simulations/compare_tables.h"

namespace rondo::sim {
namespace {

template <typename T>
boost::json::array ArrayOf(const std::vector<T>& values) {
  return boost::json::array(values.begin(), values.end());
}

boost::json::object IntervalJson(const Interval& interval) {
  return {{"mean", interval.mean}, {"low", interval.low}, {"high", interval.high}};
}

boost::json::object ArmJson(const ArmScore& arm, const AnalysisOptions& options) {
  boost::json::object metrics;
  for (const auto& [name, mean] : arm.metrics) {
    metrics[name] = mean;
  }
  boost::json::object json = {{"name", arm.name},
                              {"seeds", ArrayOf(arm.seeds)},
                              {"by_seed", ArrayOf(arm.by_seed)},
                              {"deviation_over_seeds", NumberOrNull(arm.deviation)},
                              {"over_users", IntervalJson(arm.over_users)},
                              {"test", std::move(metrics)},
                              {"clients", arm.clients.size()},
                              {"worst_tenth_of_clients", arm.worst_decile},
                              {"gini_of_clients", arm.gini},
                              {"rounds", arm.rounds},
                              {"bytes", arm.bytes},
                              {"seconds", arm.seconds}};
  const bool timed = arm.simulated_seconds > 0.0;
  if (timed) {
    json["simulated_seconds"] = arm.simulated_seconds;
  }
  if (options.target > 0.0) {
    json["target"] = {{"reached", arm.target.reached},
                      {"rounds", NumberOrNull(arm.target.rounds)},
                      {"bytes", NumberOrNull(arm.target.bytes)},
                      {"seconds", NumberOrNull(arm.target.seconds)}};
    if (timed) {
      json["target"].as_object()["simulated_seconds"] = NumberOrNull(arm.target.simulated_seconds);
    }
  }
  return json;
}

boost::json::object TestJson(const PairTest& test, const Analysis& analysis) {
  return {{"strategy", analysis.arms[test.arm].name},
          {"reference", analysis.arms[test.reference].name},
          {"difference", IntervalJson(test.difference)},
          {"p", test.p},
          {"p_holm", test.holm},
          {"smallest_p", test.smallest},
          {"verdict", PairVerdict(test)},
          {"by_seed", ArrayOf(test.by_seed)},
          {"p_over_seeds",
           test.seed_p ? boost::json::value(*test.seed_p) : boost::json::value(nullptr)}};
}

boost::json::array TuningJson(const Tuning& tuning) {
  boost::json::array all;
  for (const TunedStrategy& strategy : tuning.strategies) {
    boost::json::object grid;
    for (const Axis& axis : strategy.axes) {
      grid[axis.key] = ArrayOf(axis.values);
    }
    boost::json::array trials;
    for (const TunedTrial& trial : strategy.trials) {
      trials.push_back(
          {{"settings", ArrayOf(trial.settings)},
           {"validation_ndcg@10",
            trial.validation ? boost::json::value(*trial.validation) : boost::json::value(nullptr)},
           {"diverged", trial.diverged}});
    }
    all.push_back({{"strategy", strategy.name},
                   {"grid", std::move(grid)},
                   {"chosen", ArrayOf(strategy.trials[strategy.chosen].settings)},
                   {"at_the_edge", ArrayOf(strategy.edges)},
                   {"trials", std::move(trials)}});
  }
  return all;
}

}  // namespace

boost::json::object ToJson(const Analysis& analysis, const Tuning& tuning) {
  boost::json::array arms;
  for (const ArmScore& arm : analysis.arms) {
    arms.push_back(ArmJson(arm, analysis.options));
  }
  boost::json::array tests;
  for (const PairTest& test : analysis.tests) {
    tests.push_back(TestJson(test, analysis));
  }
  boost::json::object baselines;
  for (const auto& [name, mean] : analysis.baselines) {
    baselines[name] = mean;
  }
  boost::json::value tuned = nullptr;
  if (tuning.kind != Tuning::Kind::kUnknown) {
    tuned = tuning.kind == Tuning::Kind::kTuned;
  }
  return {{"schema_version", 1},
          {"attacks",
           analysis.attacks ? boost::json::value(AttackJson(*analysis.attacks))
                            : boost::json::value(nullptr)},
          {"metric", analysis.options.metric},
          {"reference", analysis.arms[analysis.reference].name},
          {"users", analysis.users},
          {"unit", analysis.institutions > 0 ? "institution" : "user"},
          {"institutions", analysis.institutions},
          {"family", analysis.options.all_pairs ? "all pairs" : "each against the reference"},
          {"alpha", analysis.options.alpha},
          {"tuned", std::move(tuned)},
          {"best", analysis.arms[analysis.best].name},
          {"best_is_significant", analysis.best_is_significant},
          {"strategies", std::move(arms)},
          {"tests", std::move(tests)},
          {"tuning", TuningJson(tuning)},
          {"baselines", std::move(baselines)},
          {"notes", ArrayOf(analysis.notes)}};
}

ReportTable CsvTable(const Analysis& analysis) {
  ReportTable table{.title = "compare",
                    .columns = {"strategy",
                                "metric",
                                "seeds",
                                "mean",
                                "low",
                                "high",
                                "deviation_over_seeds",
                                "difference",
                                "difference_low",
                                "difference_high",
                                "p",
                                "p_holm",
                                "verdict",
                                "worst_tenth",
                                "gini",
                                "rounds",
                                "bytes",
                                "seconds",
                                "target_reached",
                                "target_rounds",
                                "target_bytes",
                                "target_seconds",
                                "simulated_seconds",
                                "target_simulated_seconds"}};
  const auto number = [](double value) {
    return std::isfinite(value) ? FormatNumber(value) : "";
  };
  for (std::size_t i = 0; i < analysis.arms.size(); ++i) {
    const ArmScore& arm = analysis.arms[i];
    std::vector<std::string> row = {arm.name,
                                    analysis.options.metric,
                                    std::to_string(arm.seeds.size()),
                                    number(arm.over_users.mean),
                                    number(arm.over_users.low),
                                    number(arm.over_users.high),
                                    number(arm.deviation)};
    std::vector<std::string> tested(6);
    for (const PairTest& test : analysis.tests) {
      if (test.arm == i && test.reference == analysis.reference) {
        tested = {number(test.difference.mean),
                  number(test.difference.low),
                  number(test.difference.high),
                  number(test.p),
                  number(test.holm),
                  PairVerdict(test)};
      }
    }
    row.insert(row.end(), tested.begin(), tested.end());
    for (const double value : {arm.worst_decile, arm.gini, arm.rounds, arm.bytes, arm.seconds}) {
      row.push_back(number(value));
    }
    if (analysis.options.target > 0.0) {
      row.push_back(std::to_string(arm.target.reached));
      for (const double value : {arm.target.rounds, arm.target.bytes, arm.target.seconds}) {
        row.push_back(number(value));
      }
    }
    row.resize(table.columns.size() - 2);
    const bool timed = arm.simulated_seconds > 0.0;
    row.push_back(timed ? number(arm.simulated_seconds) : "");
    row.push_back(timed && arm.target.reached > 0 ? number(arm.target.simulated_seconds) : "");
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace rondo::sim
