#pragma once

#include <algorithm>

#include "common/core/clock.h"

namespace rondo::sim {

/// Time that nobody waits for: it moves when the pool says that something has happened. Begins at
/// TimePoint(), so that what it shows is the simulated time since the first round. For one thread.
class VirtualClock final : public Clock {
 public:
  explicit VirtualClock(Duration passed = {}) : now_(passed) {}

  TimePoint Now() const override { return now_; }

  /// Never goes back.
  void AdvanceTo(TimePoint time) { now_ = std::max(now_, time); }

 private:
  TimePoint now_;
};

}  // namespace rondo::sim
