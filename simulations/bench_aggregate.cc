#include "simulations/bench_aggregate.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <sys/resource.h>

#include "common/core/rng.h"
#include "coordinator/aggregators/rules.h"

namespace rondo::sim {
namespace {

using coordinator::RuleContext;
using coordinator::Updates;

constexpr double kTimedSeconds = 2.0;
constexpr std::size_t kLeastRounds = 5;
constexpr std::size_t kCopied = 1 << 18;  // floats a piece
constexpr std::size_t kTableWidth = 64;

double PeakRssMib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

double Timed(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Result<StrategyConfig> ConfigOf(const AggregateBench& bench) {
  ScenarioSources sources;
  for (const std::string& set : bench.sets) {
    sources.sets.push_back(
        (set.substr(0, set.find('=')).find('.') == std::string::npos ? "strategy." : "") + set);
  }
  sources.sets.push_back("strategy.aggregator=" + bench.strategy);
  RONDO_TRY(const Scenario scenario, LoadScenario(sources));
  RONDO_TRY_STATUS(coordinator::CheckRule(
      scenario.strategy, static_cast<std::size_t>(bench.clients), "the number of --clients is"));
  return scenario.strategy;
}

/// Uniform in [-1, 1), row by row from streams of their own.
std::vector<std::vector<float>> MakeRows(const AggregateBench& bench, Workers& workers) {
  std::vector<std::vector<float>> rows(static_cast<std::size_t>(bench.clients));
  coordinator::ForEachPiece(workers, rows.size(), 1, [&] {
    return [&](std::size_t i, std::size_t /*end*/) {
      Rng rng({.client = i, .purpose = Purpose::kGenerator});
      rows[i].resize(static_cast<std::size_t>(bench.parameters));
      for (float& value : rows[i]) {
        value = static_cast<float>(rng.NextU32() >> 8) * 0x1p-23F - 1.0F;
      }
    };
  });
  return rows;
}

/// Of all updates, the least of three.
double CopySeconds(const std::vector<std::vector<float>>& rows, Workers& workers) {
  const std::size_t size = rows.front().size();
  // Written by all threads, a piece at a time, so that it need not be as large as the updates.
  std::vector<float> copy(size);
  const auto copy_all = [&] {
    for (const std::vector<float>& row : rows) {
      coordinator::ForEachPiece(workers, size, kCopied, [&] {
        return [&](std::size_t begin, std::size_t end) {
          std::memcpy(copy.data() + begin, row.data() + begin, (end - begin) * sizeof(float));
        };
      });
    }
  };
  return std::min({Timed(copy_all), Timed(copy_all), Timed(copy_all)});
}

}  // namespace

Result<BenchResult> RunAggregateBench(const AggregateBench& bench) {
  RONDO_TRY(const StrategyConfig config, ConfigOf(bench));
  Workers workers(bench.threads);
  std::vector<std::vector<float>> rows = MakeRows(bench, workers);
  BenchResult result{.workload = "aggregate",
                     .units_per_round = static_cast<std::uint64_t>(bench.clients)};
  result.strategy = bench.strategy;
  std::vector<float> out(rows.front().size());
  const RuleContext context{.config = config, .workers = workers};
  double total = 0.0;
  for (std::size_t round = 0; round <= kLeastRounds || total < kTimedSeconds; ++round) {
    Updates updates{.weights = std::vector<double>(rows.size(), 1.0),
                    .size = out.size(),
                    .tables = {{.items = out.size() / kTableWidth, .width = kTableWidth}}};
    for (std::vector<float>& row : rows) {
      updates.rows.push_back(row.data());
    }
    Status applied = Ok();
    const double seconds = Timed([&] { applied = coordinator::ApplyRule(updates, context, out); });
    RONDO_TRY_STATUS(applied);
    if (round == 0) {  // a warm-up
      SetFingerprint(result, {.layout = nullptr, .values = out});
      continue;
    }
    result.seconds.push_back(seconds);
    total += seconds;
  }
  result.peak_rss_mib = PeakRssMib();
  result.copy_seconds = CopySeconds(rows, workers);
  return result;
}

}  // namespace rondo::sim
