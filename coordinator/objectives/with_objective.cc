#include "coordinator/objectives/with_objective.h"

#include <algorithm>
#include <utility>

#include "coordinator/server_optimizers/state.h"

namespace rondo::coordinator {
namespace {

class WithObjective : public ServerOptimizer {
 public:
  WithObjective(std::unique_ptr<ServerOptimizer> optimizer, Objective& objective)
      : optimizer_(std::move(optimizer)),
        objective_(objective) {}

  Status Step(ParameterVector& model, const ParameterVector& delta) override {
    RONDO_TRY_STATUS(optimizer_->Step(model, delta));
    objective_.state().Commit();
    return Ok();
  }

  detail::NamedState SaveState() const override {
    detail::NamedState state = optimizer_->SaveState();
    for (auto& vector : objective_.state().Save()) {
      state.push_back(std::move(vector));
    }
    return state;
  }

  std::uint64_t steps() const override { return optimizer_->steps(); }

  Status LoadState(detail::NamedState state, std::uint64_t steps) override {
    const auto own = std::stable_partition(state.begin(), state.end(), [this](const auto& vector) {
      return vector.first != objective_.state().name();
    });
    detail::NamedState objective(std::make_move_iterator(own),
                                 std::make_move_iterator(state.end()));
    state.erase(own, state.end());
    RONDO_TRY_STATUS(objective_.state().Load(std::move(objective)));
    return optimizer_->LoadState(std::move(state), steps);
  }

 private:
  std::unique_ptr<ServerOptimizer> optimizer_;
  Objective& objective_;
};

}  // namespace

std::unique_ptr<ServerOptimizer> NewWithObjective(std::unique_ptr<ServerOptimizer> optimizer,
                                                  Objective& objective) {
  return std::make_unique<WithObjective>(std::move(optimizer), objective);
}

}  // namespace rondo::coordinator
