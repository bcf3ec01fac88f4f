#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "common/core/clock.h"
#include "common/core/result.h"

namespace rondo::sim {

/// A child process whose output goes to a log file. Killed on destruction if it still runs, and by
/// the kernel if the thread that started it ends, however it ends.
class ChildProcess {
 public:
  /// Errors  kNotFound if the program cannot be executed; kIo.
  static Result<ChildProcess> Start(const std::vector<std::string>& arguments,
                                    const std::filesystem::path& log);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  pid_t pid() const { return pid_; }

  int descriptor() const { return pidfd_; }  ///< readable once the process has ended

  void Signal(int signal) const;

  /// The exit code (128 + signal if killed), or nothing if it still runs at the deadline.
  std::optional<int> Wait(TimePoint deadline);

 private:
  ChildProcess(pid_t pid, int pidfd) : pid_(pid), pidfd_(pidfd) {}

  void Release();

  pid_t pid_ = -1;
  int pidfd_ = -1;
  std::optional<int> exit_code_;
};

}  // namespace rondo::sim
