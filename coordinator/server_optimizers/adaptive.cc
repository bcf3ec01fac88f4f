#include "coordinator/server_optimizers/adaptive.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/federated/vector_math.h"
#include "coordinator/server_optimizers/schedule.h"
#include "coordinator/server_optimizers/state.h"

namespace rondo::coordinator {
namespace {

constexpr const char* kFirst = "first_moment";
constexpr const char* kSecond = "second_moment";

/// The second moment after a gradient whose square is `square`.
using SecondMoment = double (*)(double moment, double square, double beta2);

double AdamMoment(double moment, double square, double beta2) {
  return beta2 * moment + (1.0 - beta2) * square;
}

double YogiMoment(double moment, double square, double beta2) {
  const double sign = moment > square ? 1.0 : moment < square ? -1.0 : 0.0;
  return moment - (1.0 - beta2) * square * sign;
}

double AdagradMoment(double moment, double square, double /*beta2*/) {
  return moment + square;
}

template <SecondMoment kMoment, bool kCorrected>
class AdaptiveOptimizer : public ServerOptimizer {
 public:
  explicit AdaptiveOptimizer(const StrategyConfig& config) : config_(config) {}

  Status Step(ParameterVector& model, const ParameterVector& delta) override {
    RONDO_TRY_STATUS(detail::CheckSameLayout(model, delta));
    ParameterVector first = first_;
    ParameterVector second = second_;
    if (first.layout == nullptr) {
      first = detail::ZerosLike(model);
      second = detail::ZerosLike(model);
      if (!kCorrected) {
        std::fill(second.values.begin(),
                  second.values.end(),
                  static_cast<float>(config_.epsilon * config_.epsilon));
      }
    }
    ParameterVector next = model;
    const auto step = static_cast<double>(steps_ + 1);
    const double rate = RateAt(config_, steps_);
    const double beta1 = config_.beta1;
    const double beta2 = config_.beta2;
    const double first_correction = kCorrected ? 1.0 - std::pow(beta1, step) : 1.0;
    const double second_correction = kCorrected ? 1.0 - std::pow(beta2, step) : 1.0;
    // Arithmetic in double, state in float: the checkpoint holds every bit that matters.
    for (std::size_t i = 0; i < next.values.size(); ++i) {
      const double gradient = -static_cast<double>(delta.values[i]);
      first.values[i] = static_cast<float>(beta1 * static_cast<double>(first.values[i])
                                           + (1.0 - beta1) * gradient);
      second.values[i] = static_cast<float>(
          kMoment(static_cast<double>(second.values[i]), gradient * gradient, beta2));
      const double mean = static_cast<double>(first.values[i]) / first_correction;
      const double deviation = std::sqrt(static_cast<double>(second.values[i]) / second_correction);
      next.values[i] = static_cast<float>(static_cast<double>(model.values[i])
                                          - rate * (mean / (deviation + config_.epsilon)));
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
  StrategyConfig config_;
  ParameterVector first_;  ///< without a layout before the first step
  ParameterVector second_;
  std::uint64_t steps_ = 0;
};

}  // namespace

std::unique_ptr<ServerOptimizer> NewAdamOptimizer(const StrategyConfig& config) {
  return std::make_unique<AdaptiveOptimizer<&AdamMoment, true>>(config);
}

std::unique_ptr<ServerOptimizer> NewYogiOptimizer(const StrategyConfig& config) {
  return std::make_unique<AdaptiveOptimizer<&YogiMoment, false>>(config);
}

std::unique_ptr<ServerOptimizer> NewAdagradOptimizer(const StrategyConfig& config) {
  return std::make_unique<AdaptiveOptimizer<&AdagradMoment, false>>(config);
}

}  // namespace rondo::coordinator
