#include "coordinator/cohort.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "common/core/rng.h"
#include "common/crypto/random.h"

namespace rondo::coordinator {
namespace {

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

}  // namespace

CohortSampler::CohortSampler(const StrategyConfig& strategy, std::optional<std::uint64_t> seed)
    : cohort_(strategy.cohort > 0 ? static_cast<std::size_t>(strategy.cohort) : kAll),
      invited_(kAll),
      enough_(kAll),
      seed_(seed) {
  if (strategy.cohort > 0) {
    // The hair keeps 10 * 1.1 = 11.000000000000002 at 11.
    const double wanted =
        std::ceil(strategy.cohort * std::max(strategy.over_selection, 1.0) - 1e-9);
    invited_ = static_cast<std::size_t>(wanted);
    if (strategy.over_selection > 1.0) {
      enough_ = static_cast<std::size_t>(strategy.cohort);
    }
  }
}

std::vector<ClientId> CohortSampler::Sample(std::vector<ClientId> available, RoundId round) const {
  return Sample(std::move(available), Draw{.round = round, .number = 0, .count = invited_});
}

std::vector<ClientId> CohortSampler::Sample(std::vector<ClientId> available,
                                            const Draw& draw) const {
  std::sort(available.begin(), available.end());
  if (available.size() <= draw.count) {
    return available;
  }
  Rng rng(StreamName{.seed = seed_.value_or(0),
                     .round = draw.round,
                     .client = draw.number,
                     .purpose = Purpose::kCohort});
  for (std::size_t i = 0; i < draw.count; ++i) {
    const std::uint64_t left = available.size() - i;
    std::swap(available[i],
              available[i + (seed_ ? rng.Below(left) : UniformBelow(left, SecureRandomU64))]);
  }
  available.resize(draw.count);
  std::sort(available.begin(), available.end());
  return available;
}

std::vector<ClientId> CohortSampler::SamplePoisson(std::vector<ClientId> available,
                                                   RoundId round,
                                                   std::size_t population) const {
  std::sort(available.begin(), available.end());
  if (cohort_ >= population) {
    return available;
  }
  std::erase_if(available, [&](const ClientId& client) {
    // A coin of its own for each, so that nobody's presence changes another's.
    Rng rng(StreamName{.seed = seed_.value_or(0),
                       .round = round,
                       .client = HashId(client),
                       .purpose = Purpose::kCohort});
    const std::uint64_t drawn =
        seed_ ? rng.Below(population) : UniformBelow(population, SecureRandomU64);
    return drawn >= cohort_;
  });
  return available;
}

}  // namespace rondo::coordinator
