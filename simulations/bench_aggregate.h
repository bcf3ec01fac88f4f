#pragma once

#include <string>
#include <vector>

#include "simulations/bench_result.h"

namespace rondo::sim {

struct AggregateBench {
  std::string strategy = "mean";
  std::vector<std::string> sets;  ///< of strategy: "f=10"
  int clients = 50;
  int parameters = 1'000'000;
  int threads = 1;
};

/// Times a rule over single updates on made-up ones, which are there before and stay unchanged but
/// for the stages of strategy.pre. Beside it the time of a copy of all updates on the same threads.
/// Errors  kInvalidArgument for unknown names and for too few clients.
Result<BenchResult> RunAggregateBench(const AggregateBench& bench);

}  // namespace rondo::sim
