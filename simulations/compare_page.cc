#include <algorithm>
#include <map>

#include "common/io/text_table.h"
#include "simulations/compare_tables.h"

namespace rondo::sim {
namespace {

/// Validations that every seed of an arm has, means and extremes over seeds.
struct SharedPoint {
  double round = 0.0;
  double bytes = 0.0;
  double simulated_seconds = 0.0;
  double mean = 0.0;
  double low = 0.0;
  double high = 0.0;
};

std::vector<SharedPoint> SharedPoints(const Arm& arm) {
  std::map<RoundId, std::vector<CurvePoint>> by_round;
  for (const RunRecord& run : arm.runs) {
    for (const CurvePoint& point : run.curve) {
      by_round[point.round].push_back(point);
    }
  }
  std::vector<SharedPoint> shared;
  for (const auto& [round, points] : by_round) {
    if (points.size() != arm.runs.size()) {
      continue;
    }
    SharedPoint& all = shared.emplace_back(SharedPoint{.round = static_cast<double>(round),
                                                       .low = points.front().score,
                                                       .high = points.front().score});
    for (const CurvePoint& point : points) {
      all.bytes += point.bytes / static_cast<double>(points.size());
      all.simulated_seconds += point.simulated_seconds / static_cast<double>(points.size());
      all.mean += point.score / static_cast<double>(points.size());
      all.low = std::min(all.low, point.score);
      all.high = std::max(all.high, point.score);
    }
  }
  return shared;
}

/// What validations are drawn over.
struct Axis {
  const char* id;
  const char* title;
  const char* label;
  double SharedPoint::*value;
};

constexpr Axis kRounds{"validation", "Validation", "round", &SharedPoint::round};
constexpr Axis kBytes{"bytes",
                      "Validation against bytes",
                      "bytes of training rounds, both ways",
                      &SharedPoint::bytes};
constexpr Axis kSimulated{"simulated",
                          "Validation against simulated time",
                          "simulated seconds of training rounds",
                          &SharedPoint::simulated_seconds};

LineChart ValidationChart(const std::vector<Arm>& arms, const Axis& axis) {
  LineChart chart{.id = axis.id,
                  .title = axis.title,
                  .description =
                      "NDCG@10 on the validation split, mean over seeds; the band spans the "
                      "lowest and the highest seed. A line ends where its first seed stopped.",
                  .x_label = axis.label,
                  .y_label = "NDCG@10",
                  .from_zero = true};
  for (const Arm& arm : arms) {
    ChartSeries series{.name = arm.name};
    for (const SharedPoint& point : SharedPoints(arm)) {
      const double x = point.*axis.value;
      series.points.emplace_back(x, point.mean);
      if (arm.runs.size() > 1) {
        series.band.push_back({.x = x, .low = point.low, .high = point.high});
      }
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

/// Sorted values of the clients at every percent; few clients stand one by one.
LineChart ClientChart(const Analysis& analysis) {
  constexpr std::size_t kSteps = 100;
  const std::string metric = MetricTitle(analysis.options.metric);
  LineChart chart{.id = "clients",
                  .title = "Clients from worst to best",
                  .description = metric + " on the test split, mean over seeds: this share of the "
                                          "clients is served no better than the line says.",
                  .x_label = "share of clients",
                  .y_label = metric,
                  .from_zero = true};
  for (const ArmScore& arm : analysis.arms) {
    std::vector<double> sorted = arm.clients;
    std::sort(sorted.begin(), sorted.end());
    ChartSeries series{.name = arm.name};
    const std::size_t last = sorted.size() - 1;
    const std::size_t steps = std::max<std::size_t>(1, std::min(last, kSteps));
    for (std::size_t step = 0; step <= steps; ++step) {
      series.points.emplace_back(static_cast<double>(step) / static_cast<double>(steps),
                                 sorted[step * last / steps]);
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

BarChart AccuracyChart(const Analysis& analysis) {
  const std::string metric = MetricTitle(analysis.options.metric);
  BarChart chart{.id = "accuracy",
                 .title = metric + " on the test split",
                 .description =
                     "Means over users and seeds with 95 % intervals over users. "
                     "Intervals may overlap and paired differences still be significant.",
                 .x_label = metric,
                 .digits = 4};
  for (std::size_t arm = 0; arm < analysis.arms.size(); ++arm) {
    const Interval& interval = analysis.arms[arm].over_users;
    chart.bars.push_back({.label = analysis.arms[arm].name,
                          .value = interval.mean,
                          .low = interval.low,
                          .high = interval.high,
                          .emphasis = arm == analysis.best && analysis.best_is_significant});
  }
  return chart;
}

std::string Lead(const Analysis& analysis) {
  const std::string& reference = analysis.arms[analysis.reference].name;
  std::string better;
  std::string worse;
  for (const PairTest& test : analysis.tests) {
    if (test.reference != analysis.reference) {
      continue;
    }
    std::string& list = test.verdict == Verdict::kBetter ? better : worse;
    if (test.verdict != Verdict::kWithinNoise) {
      list += (list.empty() ? "" : ", ") + analysis.arms[test.arm].name;
    }
  }
  std::string lead = std::to_string(analysis.arms.size())
                     + " strategies on the same data, cohorts and initial weights. ";
  lead += better.empty() ? "None is significantly better than " + reference
                         : "Significantly better than " + reference + ": " + better;
  return lead + (worse.empty() ? "." : "; significantly worse: " + worse + ".");
}

}  // namespace

std::string ToHtml(const std::string& name,
                   const std::vector<Arm>& arms,
                   const Analysis& analysis,
                   const Tuning& tuning,
                   const PartitionPictures& partition) {
  const RunRecord& first = arms.front().runs.front();
  std::size_t runs = 0;
  for (const Arm& arm : arms) {
    runs += arm.runs.size();
  }
  ReportInput page{.name = name, .lead = Lead(analysis)};
  page.trust_mode = first.scenario.privacy.mode;
  page.trust_text = "as all runs of this comparison";
  for (const Arm& arm : arms) {
    for (const RunRecord& run : arm.runs) {
      if (run.scenario.privacy.mode != page.trust_mode) {
        page.trust_mode = "mixed";
        page.trust_text = "the runs of this comparison have different trust modes";
      }
    }
  }
  page.facts = {{"strategies", std::to_string(arms.size())},
                {"runs", std::to_string(runs)},
                {"reference", analysis.arms[analysis.reference].name},
                {"users", std::to_string(analysis.users)},
                {"unit",
                 analysis.institutions > 0 ? std::to_string(analysis.institutions) + " institutions"
                                           : "user"},
                {"tuning",
                 tuning.kind == Tuning::Kind::kTuned     ? "equal trials, on validation"
                 : tuning.kind == Tuning::Kind::kUntuned ? "untuned"
                                                         : "not known"}};
  page.warnings = analysis.notes;
  if (!partition.missing.empty()) {
    page.warnings.push_back(partition.missing);
  }
  page.result_tables = TablesOf(analysis, tuning);
  page.charts = {
      AccuracyChart(analysis), ValidationChart(arms, kRounds), ValidationChart(arms, kBytes)};
  if (analysis.timed()) {
    page.charts.push_back(ValidationChart(arms, kSimulated));
  }
  if (analysis.attacks) {
    page.charts.push_back(AttackMap(*analysis.attacks));
  }
  page.client_charts = {ClientChart(analysis)};
  page.data_charts = partition.charts;
  page.config = ScenarioToToml(first.scenario);
  return RenderReport(page);
}

}  // namespace rondo::sim
