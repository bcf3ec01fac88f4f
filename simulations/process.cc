#include "simulations/process.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

// POSIX declares it nowhere.
extern char** environ;  // NOLINT

namespace rondo::sim {

Result<ChildProcess> ChildProcess::Start(const std::vector<std::string>& arguments,
                                         const std::filesystem::path& log) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));  // posix_spawn takes but never writes it.
  }
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(
      &actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t pid = -1;
  const int failure = ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) {
    return Fail(
        failure == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
        "cannot start '" + arguments.front() + "': " + std::generic_category().message(failure));
  }
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  ChildProcess child(pid, pidfd);
  if (pidfd < 0) {
    return Fail(
        ErrorCode::kIo,
        std::string("cannot watch a child process: ") + std::generic_category().message(errno));
  }
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::exchange(other.pidfd_, -1)),
      exit_code_(other.exit_code_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    Release();
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::exchange(other.pidfd_, -1);
    exit_code_ = other.exit_code_;
  }
  return *this;
}

ChildProcess::~ChildProcess() {
  Release();
}

void ChildProcess::Release() {
  if (pid_ > 0 && !exit_code_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (pidfd_ >= 0) {
    ::close(pidfd_);
  }
  pid_ = -1;
  pidfd_ = -1;
}

void ChildProcess::Signal(int signal) const {
  if (!exit_code_) {
    ::kill(pid_, signal);
  }
}

std::optional<int> ChildProcess::Wait(TimePoint deadline) {
  while (!exit_code_) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - TimePoint::clock::now()).count();
    pollfd entry{.fd = pidfd_, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::clamp<long long>(left, 0, 1 << 30)));
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    if (ready == 0) {
      return std::nullopt;
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return exit_code_;
}

}  // namespace rondo::sim
