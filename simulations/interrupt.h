#pragma once

#include <stop_token>
#include <thread>

namespace rondo::sim {

/// Turns SIGINT and SIGTERM into a stop request, so that a run ends between two rounds with its
/// state saved. Make it before any other thread: the signals are blocked from then on.
class InterruptWatcher {
 public:
  InterruptWatcher();

  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::jthread thread_;
};

}  // namespace rondo::sim
