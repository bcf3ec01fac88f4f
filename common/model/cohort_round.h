#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "common/core/workers.h"
#include "common/model/local_training.h"
#include "common/model/trainer.h"

namespace rondo {

/// Is shown the delta of one client after every `every` epochs; false ends its training.
struct DeltaWatch {
  int every = 0;  // 0: nobody watches
  std::function<bool(int epochs, const std::vector<float>& delta)> show;
};

/// What a round is made of.
struct RoundParts {
  const RoundContext& context;
  std::span<const ClientPlan> plans;
  UpdateVisibility visibility;
  PackLimits limits;
  std::stop_token stop;
  DeltaWatch watch;  ///< of a client that trains alone
  Ranks* ranks;      ///< null: all packs are trained here
  bool fold_on_device;
};

/// Hands the packs of a round to threads, and gives the sum of what they did on the first rank, and
/// nothing elsewhere. The sum is one of integers, so neither threads nor ranks change it. `cohort`
/// is the number of clients, of which some may have no plan. Errors  kCancelled; kInternal if
/// LibTorch fails.
Result<CohortOutcome> TrainRound(const RoundParts& parts,
                                 std::shared_ptr<const ParameterLayout> layout,
                                 std::size_t cohort,
                                 Workers& workers);

}  // namespace rondo
