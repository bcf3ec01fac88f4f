#include "simulations/compare_partition.h"

#include <string_view>

#include "common/data/dataset.h"
#include "simulations/data_stats.h"

namespace rondo::sim {
namespace {

/// With what a comparison demands to be equal, all that decides who holds which row.
constexpr std::string_view kPartition[] = {"data.clients", "data.institutions", "data.columns"};

bool SharedOutAlike(const std::vector<Arm>& arms) {
  const RunRecord& first = arms.front().runs.front();
  for (const Arm& arm : arms) {
    for (const RunRecord& run : arm.runs) {
      for (const std::string_view key : kPartition) {
        if (run.keys.at(std::string(key)) != first.keys.at(std::string(key))) {
          return false;
        }
      }
    }
  }
  return true;
}

Result<std::vector<ReportChart>> ChartsOf(const RunRecord& run) {
  const DataConfig& config = run.scenario.data;
  RONDO_TRY(const LoadedData data, LoadData(config));
  if (data.dataset.fingerprint != run.fingerprint) {
    return Fail(ErrorCode::kFailedPrecondition,
                "'" + config.path.string() + "' is not what the runs read: its fingerprint is "
                    + data.dataset.fingerprint.substr(0, 12) + ", theirs "
                    + run.fingerprint.substr(0, 12));
  }
  RONDO_TRY(const std::vector<ClientShard> shards, PartitionClients(data.dataset, config));
  return PartitionCharts(ComputeStats(data, shards, config));
}

}  // namespace

PartitionPictures PicturePartition(const std::vector<Arm>& arms) {
  if (!SharedOutAlike(arms)) {
    return {.missing =
                "The runs share users out to clients in different ways, so there are no "
                "pictures of the partition."};
  }
  Result<std::vector<ReportChart>> charts = ChartsOf(arms.front().runs.front());
  if (!charts) {
    return {.missing = "There are no pictures of the partition: " + charts.error().message + "."};
  }
  return {.charts = std::move(*charts)};
}

}  // namespace rondo::sim
