#include "common/core/workers.h"

#include <algorithm>
#include <sched.h>

namespace rondo {

int UsableCores() {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  if (::sched_getaffinity(0, sizeof usable, &usable) != 0) {
    return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  }
  return std::max(1, CPU_COUNT(&usable));
}

Workers::Workers(int threads) {
  for (int i = 1; i < threads; ++i) {
    helpers_.emplace_back([this](const std::stop_token& stop) { Serve(stop); });
  }
}

Workers::~Workers() {
  for (std::jthread& helper : helpers_) {
    helper.request_stop();
  }
  helpers_.clear();
}

void Workers::Run(const std::function<void()>& work) {
  {
    const std::scoped_lock lock(mutex_);
    work_ = &work;
    ++generation_;
    running_ = helpers_.size();
  }
  changed_.notify_all();
  work();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return running_ == 0; });
}

void Workers::Serve(const std::stop_token& stop) {
  std::uint64_t seen = 0;
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return generation_ != seen; })) {
    seen = generation_;
    const std::function<void()>& work = *work_;
    lock.unlock();
    work();
    lock.lock();
    if (--running_ == 0) {
      changed_.notify_all();
    }
  }
}

}  // namespace rondo
