#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace rondo::sim {

/// How many runs go on, on stderr: one line that is rewritten on a terminal, otherwise one line a
/// finished run. Not thread-safe.
class TrialProgress {
 public:
  /// `what` is "run" or "trial"; `all` are to be finished.
  TrialProgress(std::string what, std::size_t all);

  void Start(std::size_t finished_before);
  void Finished(const std::string& name, double seconds, bool diverged);
  void Show(std::size_t running);
  void End() const;

 private:
  std::string Left() const;

  std::string what_;
  std::size_t all_;
  bool terminal_;
  std::size_t done_ = 0;
  std::size_t done_here_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace rondo::sim
