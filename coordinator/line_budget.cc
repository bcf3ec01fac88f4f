#include "coordinator/line_budget.h"

#include <algorithm>
#include <utility>

namespace rondo::coordinator {

std::optional<std::uint64_t> LineBudget::Take(double now_s) {
  constexpr double kMost = 64;
  tokens_ = std::min(kMost, tokens_ + std::max(0.0, now_s - last_s_));
  last_s_ = now_s;
  if (tokens_ < 1) {
    ++omitted_;
    return std::nullopt;
  }
  tokens_ -= 1;
  return std::exchange(omitted_, 0);
}

}  // namespace rondo::coordinator
