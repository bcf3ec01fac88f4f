#include "coordinator/byte_budget.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "common/transport/asio_types.h"

namespace rondo::coordinator {

struct ByteBudget::State {
  State(const boost::asio::any_io_executor& executor, std::uint64_t all)
      : total(all),
        change(executor, TimePoint::max()) {}

  bool Fits(std::uint64_t bytes) const {
    return used == 0 || bytes <= total - std::min(used, total);
  }

  std::uint64_t total;
  std::uint64_t used = 0;
  std::uint64_t tickets = 0;
  std::deque<std::uint64_t> waiting;
  Timer change;  ///< cancelled whenever somebody waiting may go on
};

ByteBudget::ByteBudget(const boost::asio::any_io_executor& executor, std::uint64_t total)
    : state_(std::make_shared<State>(executor, total)) {}

Task<ByteBudget::Share> ByteBudget::Take(std::uint64_t bytes) {
  const std::shared_ptr<State> state = state_;
  const std::uint64_t ticket = state->tickets++;
  state->waiting.push_back(ticket);
  while (state->waiting.front() != ticket || !state->Fits(bytes)) {
    co_await state->change.async_wait(kAwait);
  }
  state->waiting.pop_front();
  state->used += bytes;
  state->change.cancel();  // The next one may fit, too.
  co_return Share(state, bytes);
}

std::uint64_t ByteBudget::used() const {
  return state_->used;
}

ByteBudget::Share::Share(Share&& other) noexcept
    : of_(std::move(other.of_)),
      bytes_(std::exchange(other.bytes_, 0)) {}

// NOLINTNEXTLINE(bugprone-exception-escape): as the destructor.
ByteBudget::Share& ByteBudget::Share::operator=(Share&& other) noexcept {
  if (this != &other) {
    Return();
    of_ = std::move(other.of_);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

void ByteBudget::Share::Return() {
  if (const auto of = std::exchange(of_, nullptr); of != nullptr) {
    of->used -= bytes_;
    of->change.cancel();
  }
}

}  // namespace rondo::coordinator
