#pragma once

#include <stop_token>
#include <thread>

namespace rondo::sim {

/// Turns the first SIGINT or SIGTERM into a stop request, so that a run ends between two rounds
/// with its state saved; a second one ends the process at once. A handler and not a blocked signal:
/// the BLAS has threads before main, and the kernel hands a signal to any thread that does not
/// block it. One at a time.
class InterruptWatcher {
 public:
  InterruptWatcher();
  InterruptWatcher(const InterruptWatcher&) = delete;
  InterruptWatcher& operator=(const InterruptWatcher&) = delete;

  /// The signals get their default meaning back.
  ~InterruptWatcher();

  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::thread thread_;
};

}  // namespace rondo::sim
