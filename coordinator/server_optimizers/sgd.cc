#include "coordinator/server_optimizers/sgd.h"

#include <utility>

#include "common/federated/vector_math.h"
#include "coordinator/server_optimizers/schedule.h"
#include "coordinator/server_optimizers/state.h"

namespace rondo::coordinator {
namespace {

constexpr const char* kMomentum = "momentum";

class SgdOptimizer : public ServerOptimizer {
 public:
  explicit SgdOptimizer(const StrategyConfig& config)
      : config_(config),
        momentum_(config.server_momentum) {}

  Status Step(ParameterVector& model, const ParameterVector& delta) override {
    RONDO_TRY_STATUS(detail::CheckSameLayout(model, delta));
    ParameterVector velocity;
    if (momentum_ != 0.0) {
      velocity = delta;
      if (velocity_.layout != nullptr) {
        AddScaled(velocity.values, velocity_.values, momentum_);
      }
      detail::ZeroFirstRows(velocity);
    }
    const ParameterVector& move = momentum_ != 0.0 ? velocity : delta;
    ParameterVector next = model;
    AddScaled(next.values, move.values, RateAt(config_, steps_));
    detail::ZeroFirstRows(next);
    if (!AllFinite(next.values) || !AllFinite(velocity.values)) {
      return Fail(ErrorCode::kDiverged,
                  "the server step leaves the range of numbers; lower "
                  "strategy.server_learning_rate or client.learning_rate");
    }
    model = std::move(next);
    velocity_ = std::move(velocity);
    ++steps_;
    return Ok();
  }

  detail::NamedState SaveState() const override {
    detail::NamedState state;
    if (velocity_.layout != nullptr) {
      state.emplace_back(kMomentum, velocity_);
    }
    return state;
  }

  std::uint64_t steps() const override { return steps_; }

  Status LoadState(detail::NamedState state, std::uint64_t steps) override {
    std::vector<std::string> names;
    if (momentum_ != 0.0) {
      names.emplace_back(kMomentum);
    }
    RONDO_TRY_STATUS(detail::CheckState(state, names));
    velocity_ = state.empty() ? ParameterVector{} : std::move(state.front().second);
    steps_ = steps;
    return Ok();
  }

 private:
  StrategyConfig config_;
  double momentum_;
  ParameterVector velocity_;  ///< without a layout before the first step
  std::uint64_t steps_ = 0;
};

}  // namespace

std::unique_ptr<ServerOptimizer> NewSgdOptimizer(const StrategyConfig& config) {
  return std::make_unique<SgdOptimizer>(config);
}

}  // namespace rondo::coordinator
