#pragma once

#include "common/core/result.h"

namespace rondo::sim {

struct SecaggBench {
  int clients = 100;
  int parameters = 1'000'000;  ///< numbers of 32 bits a client
  int dropped = 10;            ///< clients that vanish when all others have shared their keys
  int threads = 1;             ///< of the server
};

struct SecaggBenchResult {
  double client_seconds = 0.0;  ///< CPU, mean over survivors, all steps
  double server_seconds = 0.0;  ///< CPU of all threads
  double bytes_up_ratio = 0.0;  ///< all bytes up per survivor over four a parameter
  bool exact = false;           ///< the sum is that of the survivors' numbers, bit for bit
  double peak_rss_mib = 0.0;    ///< of the server and all clients together
};

/// One session of secure aggregation by the deployed code, every message encoded as it travels.
/// Errors  kInvalidArgument for numbers that make no session; those of the session.
Result<SecaggBenchResult> RunSecaggBench(const SecaggBench& bench);

}  // namespace rondo::sim
