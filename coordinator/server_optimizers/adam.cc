#include "coordinator/server_optimizers/adam.h"

#include <cmath>
#include <utility>

#include "common/federated/vector_math.h"
#include "coordinator/server_optimizers/state.h"

namespace rondo::coordinator {
namespace {

constexpr const char* kFirst = "first_moment";
constexpr const char* kSecond = "second_moment";

class AdamOptimizer : public ServerOptimizer {
 public:
  explicit AdamOptimizer(const StrategyConfig& config)
      : learning_rate_(config.server_learning_rate),
        beta1_(config.beta1),
        beta2_(config.beta2),
        epsilon_(config.epsilon) {}

  Status Step(ParameterVector& model, const ParameterVector& delta) override {
    RONDO_TRY_STATUS(detail::CheckSameLayout(model, delta));
    ParameterVector first = first_.layout == nullptr ? detail::ZerosLike(model) : first_;
    ParameterVector second = second_.layout == nullptr ? detail::ZerosLike(model) : second_;
    ParameterVector next = model;
    const auto step = static_cast<double>(steps_ + 1);
    const double first_correction = 1.0 - std::pow(beta1_, step);
    const double second_correction = 1.0 - std::pow(beta2_, step);
    // Arithmetic in double, state in float: the checkpoint holds every bit that matters.
    for (std::size_t i = 0; i < next.values.size(); ++i) {
      const double gradient = -static_cast<double>(delta.values[i]);
      first.values[i] = static_cast<float>(beta1_ * static_cast<double>(first.values[i])
                                           + (1.0 - beta1_) * gradient);
      second.values[i] = static_cast<float>(beta2_ * static_cast<double>(second.values[i])
                                            + (1.0 - beta2_) * (gradient * gradient));
      const double mean = static_cast<double>(first.values[i]) / first_correction;
      const double deviation = std::sqrt(static_cast<double>(second.values[i]) / second_correction);
      next.values[i] = static_cast<float>(static_cast<double>(model.values[i])
                                          - learning_rate_ * (mean / (deviation + epsilon_)));
    }
    detail::ZeroFirstRows(first);
    detail::ZeroFirstRows(second);
    detail::ZeroFirstRows(next);
    if (!AllFinite(next.values) || !AllFinite(first.values) || !AllFinite(second.values)) {
      return Fail(ErrorCode::kDiverged,
                  "the server step leaves the range of numbers; lower "
                  "strategy.server_learning_rate or client.learning_rate");
    }
    model = std::move(next);
    first_ = std::move(first);
    second_ = std::move(second);
    ++steps_;
    return Ok();
  }

  detail::NamedState SaveState() const override {
    detail::NamedState state;
    if (first_.layout != nullptr) {
      state.emplace_back(kFirst, first_);
      state.emplace_back(kSecond, second_);
    }
    return state;
  }

  std::uint64_t steps() const override { return steps_; }

  Status LoadState(detail::NamedState state, std::uint64_t steps) override {
    RONDO_TRY_STATUS(detail::CheckState(state, {kFirst, kSecond}));
    if (state.empty() != (steps == 0)) {
      return Fail(ErrorCode::kInvalidArgument, "the step count does not fit the optimiser state");
    }
    first_ = state.empty() ? ParameterVector{} : std::move(state[0].second);
    second_ = state.empty() ? ParameterVector{} : std::move(state[1].second);
    steps_ = steps;
    return Ok();
  }

 private:
  double learning_rate_;
  double beta1_;
  double beta2_;
  double epsilon_;
  ParameterVector first_;  ///< without a layout before the first step
  ParameterVector second_;
  std::uint64_t steps_ = 0;
};

}  // namespace

std::unique_ptr<ServerOptimizer> NewAdamOptimizer(const StrategyConfig& config) {
  return std::make_unique<AdamOptimizer>(config);
}

}  // namespace rondo::coordinator
