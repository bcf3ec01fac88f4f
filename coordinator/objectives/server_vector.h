#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/federated/parameters.h"
#include "coordinator/server_optimizers/state.h"

namespace rondo::coordinator::detail {

/// The one vector that an objective keeps: zero before the first round, and in two steps from round
/// to round, since a round may turn out void.
class ServerVector {
 public:
  explicit ServerVector(std::string name) : name_(std::move(name)) {}

  /// In the layout of `model`.
  ParameterVector Now(const std::shared_ptr<const ParameterLayout>& model) const {
    return now_.layout != nullptr
               ? now_
               : ParameterVector{.layout = model, .values = std::vector<float>(model->size())};
  }

  void Propose(ParameterVector next) { next_ = std::move(next); }

  void Commit() {
    if (next_) {
      now_ = *std::exchange(next_, std::nullopt);
    }
  }

  const std::string& name() const { return name_; }

  NamedState Save() const {
    return now_.layout != nullptr ? NamedState{{name_, now_}} : NamedState{};
  }

  Status Load(NamedState state) {
    RONDO_TRY_STATUS(CheckState(state, {name_}));
    now_ = state.empty() ? ParameterVector{} : std::move(state.front().second);
    next_.reset();
    return Ok();
  }

 private:
  std::string name_;
  ParameterVector now_;  ///< without a layout before the first round
  std::optional<ParameterVector> next_;
};

}  // namespace rondo::coordinator::detail
