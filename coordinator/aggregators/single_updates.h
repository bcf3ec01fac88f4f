#pragma once

#include <memory>

#include "coordinator/strategy.h"

namespace rondo::coordinator {

/// What a rule over single updates is built from.
struct SingleUpdatesParts {
  StrategyConfig config;  ///< aggregator, pre and their numbers
  std::uint64_t seed = 0;
  RoundId round = 0;
  int threads = 1;  ///< change no bit
};

/// A round's rule over single updates: config.pre, then config.aggregator. Keeps every update as
/// floats until the end of the round: 4 bytes a parameter and client. Its Report fails with
/// kTooFewClients if fewer contributed than the rule needs.
std::unique_ptr<Aggregator> NewSingleUpdates(SingleUpdatesParts parts);

}  // namespace rondo::coordinator
