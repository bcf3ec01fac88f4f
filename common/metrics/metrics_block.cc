#include "common/metrics/metrics_block.h"

#include <algorithm>

namespace rondo {
namespace {

constexpr std::string_view kUsers = "users";
constexpr std::string_view kNans = "nans";

}  // namespace

EvaluationOptions OptionsOfTask(const EvaluateTask& task) {
  return {.protocols = task.protocols, .k = task.k, .filter_seen = task.filter_seen};
}

Result<std::shared_ptr<const ParameterLayout>> MetricsLayout(const EvaluateTask& task) {
  RONDO_TRY(std::vector<std::string> names, MetricNames(OptionsOfTask(task)));
  names.emplace_back(kUsers);
  names.emplace_back(kNans);
  std::vector<ParameterEntry> entries;
  entries.reserve(names.size());
  for (std::string& name : names) {
    entries.push_back({.name = std::move(name), .shape = {1}});
  }
  return ParameterLayout::Create(std::move(entries));
}

Result<UpdateSum> SumMetrics(std::span<const UserMetrics> users,
                             const EvaluateTask& task,
                             Rng* rng) {
  RONDO_TRY(const std::shared_ptr<const ParameterLayout> layout, MetricsLayout(task));
  UpdateSum sum{.contributors = 1};
  sum.blocks.push_back(
      MakeBlock(std::string(kMetricsBlock), layout, task.grid, Scaling::kPerClient));
  GridBlock& block = sum.blocks.front();
  const std::size_t metrics = layout->size() - 2;
  const bool exact = task.grid.kind == GridSpec::Kind::kExact;
  std::vector<float> values(layout->size(), 0.0F);
  for (const UserMetrics& user : users) {
    if (user.values.size() != metrics) {
      return Fail(ErrorCode::kInvalidArgument,
                  "metrics block: user metrics were made with other protocols or k");
    }
    for (std::size_t i = 0; i < metrics; ++i) {
      values[i] += static_cast<float>(user.values[i]);
    }
    values[metrics] += 1.0F;
    values[metrics + 1] += static_cast<float>(user.nans);
    // User by user the integers do not depend on who shares a client. The ring's bound against
    // overflow holds for one clamped vector a client, so there the client sums first.
    if (exact) {
      RONDO_TRY(const std::uint64_t saturated, FoldDense(block, values, 1, rng));
      sum.saturated += saturated;
      std::fill(values.begin(), values.end(), 0.0F);
    }
  }
  if (!exact && !users.empty()) {
    RONDO_TRY(sum.saturated, FoldDense(block, values, 1, rng));
  }
  return sum;
}

Result<std::optional<MetricTable>> MetricMeans(const UpdateSum& sum) {
  const GridBlock* block = sum.Find(kMetricsBlock);
  if (block == nullptr || block->layout == nullptr || block->layout->Find(kUsers) == nullptr
      || block->layout->Find(kNans) == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, "metrics block: the sum holds no metrics");
  }
  const std::vector<double> totals = GridToReal(*block);
  const double users = totals[block->layout->Find(kUsers)->offset];
  MetricTable table{.users = static_cast<std::uint64_t>(std::max(0.0, users + 0.5)),
                    .nans = static_cast<std::uint64_t>(
                        std::max(0.0, totals[block->layout->Find(kNans)->offset] + 0.5))};
  if (table.users < kFewestUsers) {
    return std::optional<MetricTable>();
  }
  for (const ParameterEntry& entry : block->layout->entries()) {
    if (entry.name != kUsers && entry.name != kNans) {
      table.names.push_back(entry.name);
      table.means.push_back(totals[entry.offset] / users);
    }
  }
  return std::optional<MetricTable>(std::move(table));
}

}  // namespace rondo
