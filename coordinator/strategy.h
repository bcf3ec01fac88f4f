#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/result.h"
#include "common/federated/task.h"
#include "common/federated/update_sum.h"

namespace rondo::coordinator {

/// Does an aggregator need each update, or only their sum?
enum class Visibility : std::uint8_t { kSumOnly, kIndividual };

/// Turns the updates of one round into one mean delta. One object a round.
class Aggregator {
 public:
  virtual ~Aggregator() = default;

  /// Errors  kFailedPrecondition if blocks differ from the first; kUnsupported for a sum of several
  /// where
  ///         single updates are needed. Nothing is changed then.
  virtual Status Accumulate(UpdateSum update) = 0;

  /// The mean delta.
  /// Errors  kTooFewClients without any contribution.
  virtual Result<ParameterVector> Report() && = 0;
};

/// Applies a mean delta to the model; its state is part of the checkpoint.
class ServerOptimizer {
 public:
  virtual ~ServerOptimizer() = default;

  /// Errors  kDiverged if the result is not finite; model and state are then unchanged.
  virtual Status Step(ParameterVector& model, const ParameterVector& delta) = 0;

  /// Named state vectors, each in the model's layout, and the step count.
  virtual std::vector<std::pair<std::string, ParameterVector>> SaveState() const = 0;
  virtual std::uint64_t steps() const = 0;
  virtual Status LoadState(std::vector<std::pair<std::string, ParameterVector>> state,
                           std::uint64_t steps) = 0;
};

/// What a round is aggregated for.
struct AggregationRound {
  RoundId round = 0;
  std::shared_ptr<const ParameterLayout> model;  ///< layout of the whole model
  std::size_t population = 1;                    ///< all clients of the run, invited or not
};

/// A composition: client objective x aggregator x server optimiser.
class Strategy {
 public:
  /// Errors  kInvalidArgument for an unknown part, with a suggestion; kUnsupported for an
  /// impossible pair; kInvalidArgument if the aggregator needs more updates than the cohort has.
  static Result<std::unique_ptr<Strategy>> Create(const Scenario& scenario);

  /// Can the aggregator work with the cohorts of so many clients? `who` says whose they are, such
  /// as "the simulation has". Errors  kInvalidArgument, with the numbers.
  static Status CheckClients(const StrategyConfig& config,
                             std::size_t clients,
                             const std::string& who);

  virtual ~Strategy() = default;
  virtual TrainTask PlanTraining(RoundId round, const GridSpec& grid) const = 0;

  /// Its mean has the layout of the whole model.
  virtual std::unique_ptr<Aggregator> NewAggregator(const AggregationRound& round) const = 0;

  /// What clients need beside the model, when `population` clients take part in the run.
  virtual std::vector<NamedVector> Extra(const ParameterVector& model,
                                         std::size_t population) const = 0;

  virtual ServerOptimizer& optimizer() = 0;
  virtual Visibility visibility() const = 0;
};

}  // namespace rondo::coordinator
