#include "simulations/process.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace rondo::sim {
namespace {

/// In the child: only calls that are safe after fork. Writes errno to `report` if it cannot become
/// the program.
[[noreturn]] void Become(char* const* argv, const char* log, int report, pid_t parent) {
  constexpr int kCannotStart = 126;
  // A parent that is killed takes its children along; it may be gone already.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int in = ::open("/dev/null", O_RDONLY);
  const int out = ::open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (::getppid() == parent && in >= 0 && out >= 0 && ::dup2(in, STDIN_FILENO) >= 0
      && ::dup2(out, STDOUT_FILENO) >= 0 && ::dup2(out, STDERR_FILENO) >= 0) {
    ::execv(argv[0], argv);
  }
  const int failure = errno;
  const auto ignored = ::write(report, &failure, sizeof failure);
  static_cast<void>(ignored);
  ::_exit(kCannotStart);
}

Failure SystemFailure(const std::string& what, int failure) {
  return Fail(failure == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
              what + ": " + std::generic_category().message(failure));
}

}  // namespace

Result<ChildProcess> ChildProcess::Start(const std::vector<std::string>& arguments,
                                         const std::filesystem::path& log) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));  // execv takes but never writes it.
  }
  argv.push_back(nullptr);

  const std::string what = "cannot start '" + arguments.front() + "'";
  int report[2] = {-1, -1};  // The program closes its end by beginning.
  if (::pipe2(report, O_CLOEXEC) != 0) {
    return SystemFailure(what, errno);
  }
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    Become(argv.data(), log.c_str(), report[1], parent);
  }
  int failure = pid < 0 ? errno : 0;
  ::close(report[1]);
  while (pid > 0 && ::read(report[0], &failure, sizeof failure) < 0 && errno == EINTR) {}
  ::close(report[0]);
  if (failure != 0) {
    if (pid > 0) {
      ::waitpid(pid, nullptr, 0);
    }
    return SystemFailure(what, failure);
  }
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  ChildProcess child(pid, pidfd);
  if (pidfd < 0) {
    return SystemFailure("cannot watch a child process", errno);
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
