#pragma once

#include <filesystem>
#include <string>

#include "simulations/bench_result.h"

namespace rondo::sim {

struct RemoteBenchOptions {
  std::string workload;        ///< w2, or noop: clients give the model back as it came
  std::filesystem::path data;  ///< the workload's files; not needed for noop
  int clients = 8;
};

/// Times whole rounds of a real federation on loopback: a coordinator, client processes, TLS.
/// Negatives are drawn by the clients, so there is no closing loss to compare. Errors
/// kInvalidArgument for another workload; those of the programs.
Result<BenchResult> RunRemoteBench(const RemoteBenchOptions& options);

}  // namespace rondo::sim
