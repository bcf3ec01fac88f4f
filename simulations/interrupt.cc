#include "simulations/interrupt.h"

#include <cerrno>
#include <csignal>
#include <semaphore.h>

namespace rondo::sim {
namespace {

/// Posted by the handler, and once by the destructor. Nothing else may be called in a handler.
sem_t g_wake;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

void OnSignal(int /*signal*/) {
  const int saved = errno;
  ::sem_post(&g_wake);
  errno = saved;
}

void Handle(void (*handler)(int)) {
  struct sigaction action {};

  action.sa_handler = handler;
  action.sa_flags = SA_RESTART | SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

InterruptWatcher::InterruptWatcher() {
  ::sem_init(&g_wake, 0, 0);
  thread_ = std::thread([this] {
    while (::sem_wait(&g_wake) != 0 && errno == EINTR) {}
    source_.request_stop();
  });
  Handle(OnSignal);
}

InterruptWatcher::~InterruptWatcher() {
  Handle(SIG_DFL);
  ::sem_post(&g_wake);
  thread_.join();
}

}  // namespace rondo::sim
