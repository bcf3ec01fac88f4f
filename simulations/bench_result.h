#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "simulations/bench_workload.h"

namespace rondo::sim {

struct BenchResult {
  std::string workload;
  std::vector<double> seconds;  ///< one a timed round
  std::uint64_t units_per_round = 0;
  double peak_rss_mib = 0.0;         ///< 0: not measured
  std::optional<double> train_loss;  ///< mean over the clients of the last round
  std::optional<double> loss;        ///< closing loss after six rounds
  std::optional<double> sum;         ///< of all weights after six rounds
  std::optional<double> l2;          ///< norm of all weights after six rounds
  std::string strategy;              ///< of the workload aggregate, whose sum and l2 its result has
  std::optional<double> copy_seconds;  ///< of a copy of that workload's updates
};

/// Fills sum and l2.
void SetFingerprint(BenchResult& result, const ParameterVector& model);

/// Mean over batches of 100 users of the loss of `model`.
Result<double> ClosingLoss(CohortTrainer& trainer,
                           const BenchWorkload& workload,
                           const ParameterVector& model);

}  // namespace rondo::sim
