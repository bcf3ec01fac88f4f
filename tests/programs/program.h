#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include <boost/json/object.hpp>

namespace rondo::testing {

/// How long a test waits for anything before it fails; far more than a loaded machine needs.
constexpr std::chrono::seconds kPatience{60};

/// One of Rondo's programs as a child of the test, in a folder of its own choice. stdout and stderr
/// go to `NAME.out` and `NAME.err` there. Killed on destruction; the kernel kills it if the test
/// dies first.
class Program {
 public:
  struct Options {
    std::vector<std::string> arguments;  ///< first the program: one of Rondo's, or a whole path
    std::filesystem::path folder;        ///< working directory and place of the outputs
    std::string name = "program";        ///< of the output files; those of an earlier one go
    std::filesystem::path standard_out;  ///< instead of NAME.out
  };

  explicit Program(const Options& options);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  pid_t pid() const { return pid_; }

  std::string out() const;
  std::string err() const;
  void Signal(int signal) const;

  /// From now on no file of the process may grow beyond so many bytes, as on a full disk.
  void LimitFileSize(std::uint64_t bytes) const;

  /// Waits until `condition` holds; false if the process ends or patience is over before.
  bool Await(const std::function<bool()>& condition);
  bool AwaitError(const std::string& text);

  /// Exit code, or 128 + the signal that killed it; -1 if it still runs when patience is over.
  int Wait();

 private:
  /// True once the process has ended.
  bool Ended(std::chrono::milliseconds wait);

  pid_t pid_ = -1;
  int pidfd_ = -1;
  std::optional<int> exit_code_;
  std::filesystem::path out_;
  std::filesystem::path err_;
};

/// What a program left behind once it has ended.
struct Ending {
  int code = -1;
  std::string out;
  std::string err;
};

Ending RunToEnd(const Program::Options& options);

/// Ids of the living processes whose command line mentions `text`.
std::vector<pid_t> ProcessesMentioning(const std::string& text);

}  // namespace rondo::testing
