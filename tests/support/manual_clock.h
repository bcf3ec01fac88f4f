#pragma once

#include <algorithm>

#include "common/core/clock.h"

namespace rondo::testing {

/// Time that moves only when told to. For one thread.
class ManualClock : public Clock {
 public:
  TimePoint Now() const override { return now_; }

  void Advance(Duration duration) { now_ += duration; }

  void AdvanceTo(TimePoint time) { now_ = std::max(now_, time); }

 private:
  TimePoint now_{std::chrono::hours(1)};
};

}  // namespace rondo::testing
