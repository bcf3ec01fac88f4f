#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/strategy.h"

namespace rondo::coordinator {

/// The server's half of a client objective that has state between rounds. Its vectors have the
/// layout of the whole model and are part of the checkpoint.
class Objective {
 public:
  virtual ~Objective() = default;

  /// What clients need beside `model`, when `population` clients take part in the run.
  virtual std::vector<NamedVector> Extra(const ParameterVector& model,
                                         std::size_t population) const = 0;

  /// Stands before a round's aggregator: takes the objective's own blocks out of the updates, and
  /// changes what `next` reports, which has the layout of the whole model. The state that follows
  /// waits for Commit. The object outlives the aggregator.
  virtual std::unique_ptr<Aggregator> Wrap(const AggregationRound& round,
                                           std::unique_ptr<Aggregator> next) = 0;

  /// What the last wrapped aggregator reported is part of the model now.
  virtual void Commit() = 0;

  virtual std::vector<std::pair<std::string, ParameterVector>> SaveState() const = 0;

  /// The names of SaveState's vectors, whether there are any yet or not.
  virtual std::vector<std::string> state_names() const = 0;

  /// Errors  kInvalidArgument for vectors of another strategy.
  virtual Status LoadState(std::vector<std::pair<std::string, ParameterVector>> state) = 0;
};

}  // namespace rondo::coordinator
