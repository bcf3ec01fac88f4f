#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/objectives/server_vector.h"
#include "coordinator/strategy.h"

namespace rondo::coordinator {

/// The server's half of a client objective that has state between rounds: one vector in the layout
/// of the whole model, which is part of the checkpoint.
class Objective {
 public:
  /// `state` names the vector.
  explicit Objective(std::string state) : state_(std::move(state)) {}

  virtual ~Objective() = default;

  /// What clients need beside `model`, when `population` clients take part in the run.
  virtual std::vector<NamedVector> Extra(const ParameterVector& model,
                                         std::size_t population) const = 0;

  /// Stands before a round's aggregator: takes the objective's own blocks out of the updates, and
  /// changes what `next` reports, which has the layout of the whole model. The state that follows
  /// waits for Commit of `state`. The object outlives the aggregator.
  virtual std::unique_ptr<Aggregator> Wrap(const AggregationRound& round,
                                           std::unique_ptr<Aggregator> next) = 0;

  detail::ServerVector& state() { return state_; }

  const detail::ServerVector& state() const { return state_; }

 private:
  detail::ServerVector state_;
};

}  // namespace rondo::coordinator
