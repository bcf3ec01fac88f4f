#include "tests/programs/program.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/core/check.h"

namespace rondo::testing {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kCannotStart = 126;

std::string TextOf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// In the child: only calls that are safe after fork.
[[noreturn]] void Become(char* const* argv, const char* folder, const char* out, const char* err) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int in = ::open("/dev/null", O_RDONLY);
  const int to_out = ::open(out, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const int to_err = ::open(err, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
  if (in < 0 || to_out < 0 || to_err < 0 || ::chdir(folder) != 0 || ::dup2(in, STDIN_FILENO) < 0
      || ::dup2(to_out, STDOUT_FILENO) < 0 || ::dup2(to_err, STDERR_FILENO) < 0) {
    ::_exit(kCannotStart);
  }
  ::execv(argv[0], argv);
  ::_exit(kCannotStart);
}

}  // namespace

Program::Program(const Options& options)
    : out_(options.standard_out.empty() ? options.folder / (options.name + ".out")
                                        : options.standard_out),
      err_(options.folder / (options.name + ".err")) {
  std::vector<std::string> arguments = options.arguments;
  arguments.at(0) = (std::filesystem::path(RONDO_PROGRAMS) / arguments.at(0)).string();
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  std::error_code ignored;  // There may be none.
  std::filesystem::remove(err_, ignored);
  pid_ = ::fork();
  if (pid_ == 0) {
    Become(argv.data(), options.folder.c_str(), out_.c_str(), err_.c_str());
  }
  RONDO_CHECK(pid_ > 0) << "cannot fork";
  pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  RONDO_CHECK(pidfd_ >= 0) << "cannot watch a child process";
}

Program::~Program() {
  if (!exit_code_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(pidfd_);
}

std::string Program::out() const {
  return TextOf(out_);
}

std::string Program::err() const {
  return TextOf(err_);
}

void Program::Signal(int signal) const {
  if (!exit_code_) {
    ::kill(pid_, signal);
  }
}

void Program::LimitFileSize(std::uint64_t bytes) const {
  const rlimit limit{.rlim_cur = bytes, .rlim_max = bytes};
  RONDO_CHECK(::prlimit(pid_, RLIMIT_FSIZE, &limit, nullptr) == 0) << "cannot set the limit";
}

bool Program::Ended(std::chrono::milliseconds wait) {
  if (exit_code_) {
    return true;
  }
  pollfd entry{.fd = pidfd_, .events = POLLIN, .revents = 0};
  if (::poll(&entry, 1, static_cast<int>(wait.count())) <= 0) {
    return false;
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return true;
}

bool Program::Await(const std::function<bool()>& condition) {
  constexpr std::chrono::milliseconds kTick{5};
  const Clock::time_point deadline = Clock::now() + kPatience;
  while (Clock::now() < deadline) {
    if (condition()) {
      return true;
    }
    if (Ended(kTick)) {
      return condition();
    }
  }
  return false;
}

bool Program::AwaitError(const std::string& text) {
  return Await([&] { return err().find(text) != std::string::npos; });
}

int Program::Wait() {
  const bool ended = Ended(std::chrono::duration_cast<std::chrono::milliseconds>(kPatience));
  return ended ? *exit_code_ : -1;
}

Ending RunToEnd(const Program::Options& options) {
  Program program(options);
  const int code = program.Wait();
  return {.code = code, .out = program.out(), .err = program.err()};
}

std::vector<pid_t> ProcessesMentioning(const std::string& text) {
  std::vector<pid_t> found;
  std::error_code code;  // Processes may go while we look.
  for (const auto& entry : std::filesystem::directory_iterator("/proc", code)) {
    const std::string name = entry.path().filename().string();
    const bool process =
        std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    if (process && TextOf(entry.path() / "cmdline").find(text) != std::string::npos) {
      found.push_back(static_cast<pid_t>(std::stol(name)));
    }
  }
  return found;
}

}  // namespace rondo::testing
