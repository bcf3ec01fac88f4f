#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace rondo {

/// Cores that this process may run on: those of the machine, or fewer where a launcher or a
/// container bound it. At least 1.
int UsableCores();

/// Threads that stay for many rounds of work. Threads started anew for each round would begin on
/// their parent's core, where a busy machine leaves them for longer than a round lasts.
class Workers {
 public:
  /// `threads` counts the caller of Run; at least 1.
  explicit Workers(int threads);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Calls `work` once on every thread, the caller's included, and returns when all have returned.
  /// `work` must not throw. One Run at a time.
  void Run(const std::function<void()>& work);

 private:
  void Serve(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  const std::function<void()>* work_ = nullptr;
  std::uint64_t generation_ = 0;  // of Run calls
  std::size_t running_ = 0;       // helpers that have not returned yet
  std::vector<std::jthread> helpers_;
};

}  // namespace rondo
