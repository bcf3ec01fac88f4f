#include "simulations/interrupt.h"

#include <csignal>
#include <ctime>

namespace rondo::sim {

InterruptWatcher::InterruptWatcher() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::jthread([this, signals](const std::stop_token& ended) {
    const timespec beat{.tv_sec = 0,
                        .tv_nsec = 100'000'000};  // How long destruction may have to wait.
    while (!ended.stop_requested()) {
      if (sigtimedwait(&signals, nullptr, &beat) > 0) {
        source_.request_stop();
      }
    }
  });
}

}  // namespace rondo::sim
