#pragma once

#include <string>
#include <vector>

#include "client/local_work.h"
#include "common/federated/parameters.h"

namespace rondo::client {

/// One local round as it would be sent, for the owner of the data to look at. Nothing leaves the
/// process.
struct DryRunReport {
  struct Tensor {
    std::string name;
    std::vector<std::int64_t> shape;
    double norm = 0.0;  ///< L2 of its part of the delta
  };

  std::vector<Tensor> tensors;
  std::uint64_t bytes = 0;      ///< of the frames
  std::uint64_t saturated = 0;  ///< numbers that the grid cut off
  ClientReport training;
};

/// Errors  those of LocalWork::Train and ContributionOf.
Result<DryRunReport> DryRun(LocalWork& work, const Broadcast& broadcast, const TrainTask& task);

/// The report for people.
std::string DryRunText(const DryRunReport& report, const std::string& trust_mode);

/// {"schema_version", "tensors": [{"name", "shape", "norm"}], "bytes", "norm", "loss", "weight",
///  "saturated", "positions", "steps", "seconds", "trust_mode", "sent": false}
std::string DryRunJson(const DryRunReport& report, const std::string& trust_mode);

}  // namespace rondo::client
