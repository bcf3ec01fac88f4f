#include "coordinator/server_optimizers/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace rondo::coordinator {

double RateAt(const StrategyConfig& config, std::uint64_t step) {
  const auto now = static_cast<double>(step);
  const auto warmup = static_cast<double>(config.warmup);
  if (now < warmup) {
    return config.server_learning_rate * (now + 1.0) / warmup;
  }
  const double rest = std::max(1.0, static_cast<double>(config.rounds) - warmup);
  const double done = std::min(1.0, (now - warmup) / rest);
  double share = 1.0;
  if (config.schedule == "linear") {
    share = 1.0 - done;
  } else if (config.schedule == "cosine") {
    share = 0.5 * (1.0 + std::cos(std::numbers::pi * done));
  }
  return config.server_learning_rate * share;
}

}  // namespace rondo::coordinator
