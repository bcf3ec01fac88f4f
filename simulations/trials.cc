#include "simulations/trials.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <poll.h>

#include <boost/json/object.hpp>

#include "common/config/scenario.h"
#include "common/core/file.h"
#include "common/core/folder_lock.h"
#include "common/core/rng.h"
#include "common/core/workers.h"
#include "common/io/json.h"
#include "common/io/run_directory.h"
#include "simulations/compare_runs.h"
#include "simulations/launcher.h"
#include "simulations/process.h"
#include "simulations/scenario_keys.h"
#include "simulations/trial_progress.h"

namespace rondo::sim {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{200};
constexpr std::chrono::seconds kGrace{60};  // For a run to save its state.

enum class State { kNew, kCutOff, kFinished, kDiverged };

/// Void rounds at the end of rounds.jsonl.
int VoidRoundsAtTheEnd(const RunDirectory& directory) {
  const auto lines = directory.ReadRounds();
  int count = 0;
  for (const boost::json::object& line : lines ? *lines : std::vector<boost::json::object>()) {
    if (const boost::json::value* is_void = line.if_contains("void")) {
      count = *is_void == true ? count + 1 : 0;
    }
  }
  return count;
}

/// The first key in which a run differs from what is asked for; nothing if it does not. The
/// engine changes no result.
std::optional<std::string> Difference(const ScenarioKeys& run, const ScenarioKeys& wanted) {
  for (const auto& [key, value] : wanted) {
    const auto found = run.find(key);
    const std::string has = found == run.end() ? "nothing" : found->second;
    if (!key.starts_with("engine.") && has != value) {
      return key + " = " + has + ", but " + value + " is asked for";
    }
  }
  return std::nullopt;
}

/// How a run stands, by its folder.
Result<State> StateOf(const std::filesystem::path& folder, const Scenario& wanted, bool with_test) {
  std::error_code code;  // What cannot be looked at is refused when it is written.
  if (!std::filesystem::exists(folder / "config.toml", code)) {
    // It was cut off before its first round.
    std::filesystem::remove_all(folder / "checkpoints", code);
    std::filesystem::remove(folder / "rounds.jsonl", code);
    return State::kNew;
  }
  RONDO_TRY(const RunDirectory directory, RunDirectory::Open(folder));
  RONDO_TRY(const Scenario scenario, LoadScenario({.file = directory.config_file()}));
  if (const auto difference = Difference(KeysOf(scenario), KeysOf(wanted))) {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + folder.string() + "' holds a run with " + *difference
                    + "; give another --out, or remove that folder");
  }
  if (const auto text = ReadTextFile(folder / "summary.json")) {
    RONDO_TRY(const boost::json::value summary, ParseJson(*text));
    const boost::json::value* test =
        summary.is_object() ? summary.get_object().if_contains("test") : nullptr;
    return !with_test || (test != nullptr && test->is_object()) ? State::kFinished : State::kCutOff;
  }
  return VoidRoundsAtTheEnd(directory) >= scenario.strategy.max_void_rounds ? State::kDiverged
                                                                            : State::kCutOff;
}

std::string LastLineOf(const std::filesystem::path& log) {
  const Result<std::string> read = ReadTextFile(log);
  std::string text = read ? *read : "(no log)";
  text.erase(text.find_last_not_of('\n') + 1);
  return text.substr(text.rfind('\n') + 1);
}

struct Task {
  const Trial* trial = nullptr;
  Scenario scenario;
  State state = State::kNew;
};

struct Child {
  ChildProcess process;
  Task* task = nullptr;
  Clock::time_point start;
};

class Pool {
 public:
  Pool(const TrialOptions& options, std::span<const Trial> trials)
      : options_(options),
        trials_(trials),
        progress_(options.what, trials.size()) {}

  Result<std::vector<TrialOutcome>> Run() && {
    RONDO_TRY_STATUS(MakeFolder(options_.root));
    RONDO_TRY(const FolderLock lock, FolderLock::Take(options_.root));
    RONDO_TRY_STATUS(Prepare());
    const Status played = Play();
    progress_.End();
    RONDO_TRY_STATUS(played);
    std::vector<TrialOutcome> outcomes;
    for (const Task& task : tasks_) {
      RONDO_TRY(const std::vector<CurvePoint> curve, ReadCurve(FolderOf(task)));
      TrialOutcome& outcome =
          outcomes.emplace_back(TrialOutcome{.diverged = task.state == State::kDiverged});
      for (const CurvePoint& point : curve) {
        if (!outcome.diverged) {
          outcome.validation = std::max(outcome.validation.value_or(point.score), point.score);
        }
      }
    }
    return outcomes;
  }

 private:
  std::filesystem::path FolderOf(const Task& task) const {
    return options_.root / task.trial->name;
  }

  static bool IsOver(const Task& task) {
    return task.state == State::kFinished || task.state == State::kDiverged;
  }

  /// Runs on one GPU would only wait for each other.
  bool UsesGpu() const {
    std::error_code ignored;  // A machine without the file has no driver either.
    return std::filesystem::exists("/dev/nvidiactl", ignored)
           && std::any_of(tasks_.begin(), tasks_.end(), [](const Task& task) {
                return task.scenario.engine.device != "cpu";
              });
  }

  /// Resolves every scenario before the first run starts.
  Status Prepare() {
    if (StartedTogether() > 1) {
      return Fail(ErrorCode::kInvalidArgument,
                  "comparisons and sweeps start their own processes; leave out the MPI launcher");
    }
    std::error_code code;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", code);
    if (code) {
      return Fail(ErrorCode::kIo, "cannot find this program: " + code.message());
    }
    program_ = self.string();
    std::size_t over = 0;
    for (const Trial& trial : trials_) {
      Task& task = tasks_.emplace_back(Task{.trial = &trial});
      RONDO_TRY(
          task.scenario,
          LoadScenario(
              {.file = options_.scenario, .environment = ConfigEnvironment(), .sets = trial.sets}));
      RONDO_TRY(task.state, StateOf(FolderOf(task), task.scenario, trial.test));
      over += IsOver(task) ? 1 : 0;
    }
    progress_.Start(over);
    const std::size_t open = tasks_.size() - over;
    const std::size_t cores = static_cast<std::size_t>(UsableCores());
    const std::size_t at_once = UsesGpu() ? 1 : cores;
    jobs_ = options_.jobs > 0 ? static_cast<std::size_t>(options_.jobs) : at_once;
    // Cores that no run of its own is left for help the others; threads change no bit.
    threads_ = std::max<std::size_t>(1, cores / std::max<std::size_t>(1, std::min(jobs_, open)));
    return Ok();
  }

  Status Launch(Task& task) {
    const std::filesystem::path folder = FolderOf(task);
    RONDO_TRY_STATUS(MakeFolder(folder));
    std::vector<std::string> command = {program_, "run"};
    if (task.state == State::kCutOff) {
      command.insert(command.end(), {"--resume", folder.string()});
    } else {
      command.push_back(options_.scenario.string());
      for (const std::string& set : task.trial->sets) {
        command.insert(command.end(), {"--set", set});
      }
      command.insert(
          command.end(),
          {"--set", "engine.threads=" + std::to_string(threads_), "--out", folder.string()});
    }
    if (!task.trial->test) {
      command.emplace_back("--no-test");
    }
    RONDO_TRY(ChildProcess process, ChildProcess::Start(command, folder / "run.log"));
    children_.push_back({.process = std::move(process), .task = &task, .start = Clock::now()});
    return Ok();
  }

  Status End(Child& child, int exit_code) {
    Task& task = *child.task;
    const std::filesystem::path folder = FolderOf(task);
    const std::chrono::duration<double> seconds = Clock::now() - child.start;
    RONDO_TRY(task.state, StateOf(folder, task.scenario, task.trial->test));
    if (!IsOver(task)) {
      if (exit_code == ExitCode(ErrorCode::kCancelled)) {
        return Interrupted();
      }
      return Fail(exit_code == 4 ? ErrorCode::kInvalidArgument : ErrorCode::kFailedPrecondition,
                  options_.what + " '" + task.trial->name + "' ended with exit code "
                      + std::to_string(exit_code) + ": " + LastLineOf(folder / "run.log")
                      + " (log: " + (folder / "run.log").string() + ")");
    }
    progress_.Finished(task.trial->name, seconds.count(), task.state == State::kDiverged);
    return Ok();
  }

  Failure Interrupted() const {
    return Fail(
        ErrorCode::kCancelled,
        "interrupted; the same command goes on with what is in '" + options_.root.string() + "'");
  }

  /// Waits until a child has ended, or for the next look at the stop token.
  Status Reap() {
    std::vector<pollfd> ends;
    for (const Child& child : children_) {
      ends.push_back({.fd = child.process.descriptor(), .events = POLLIN, .revents = 0});
    }
    ::poll(ends.data(), ends.size(), static_cast<int>(kLook.count()));
    Status all = Ok();
    for (std::size_t i = children_.size(); i-- > 0;) {
      const std::optional<int> code = children_[i].process.Wait(TimePoint::clock::now());
      if (!code) {
        continue;
      }
      Status ended = End(children_[i], *code);
      children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(i));
      if (all && !ended) {
        all = std::move(ended);
      }
    }
    return all;
  }

  /// Lets the runs save their state.
  void Stop() {
    for (const Child& child : children_) {
      child.process.Signal(SIGTERM);
    }
    const TimePoint deadline = TimePoint::clock::now() + kGrace;
    for (Child& child : children_) {
      child.process.Wait(deadline);
    }
    children_.clear();
  }

  Status Play() {
    auto next = tasks_.begin();
    while (true) {
      next = std::find_if_not(next, tasks_.end(), IsOver);
      while (next != tasks_.end() && children_.size() < jobs_) {
        RONDO_TRY_STATUS(Launch(*next));
        next = std::find_if_not(std::next(next), tasks_.end(), IsOver);
      }
      if (children_.empty()) {
        return Ok();
      }
      progress_.Show(children_.size());
      const Status reaped = Reap();
      if (!reaped || options_.stop.stop_requested()) {
        Stop();
        RONDO_TRY_STATUS(reaped);
        return Interrupted();
      }
    }
  }

  const TrialOptions& options_;
  std::span<const Trial> trials_;
  TrialProgress progress_;
  std::string program_;
  std::size_t jobs_ = 1;
  std::size_t threads_ = 1;
  std::vector<Task> tasks_;
  std::vector<Child> children_;
};

}  // namespace

Result<std::vector<TrialOutcome>> RunTrials(const TrialOptions& options,
                                            std::span<const Trial> trials) {
  return Pool(options, trials).Run();
}

std::string NameOf(const std::vector<std::string>& sets) {
  constexpr std::size_t kLongest = 120;
  std::string name;
  for (const std::string& set : sets) {
    name += (name.empty() ? "" : ",") + set;
  }
  std::string safe;
  for (const char c : name) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0
                       || std::string_view("._-=,:+").find(c) != std::string_view::npos;
    safe += plain ? c : '_';
  }
  if (safe == name && name.size() <= kLongest && !name.empty()) {
    return name;
  }
  char hash[20];
  std::snprintf(hash, sizeof hash, "%016llx", static_cast<unsigned long long>(HashId(name)));
  return safe.substr(0, kLongest) + "-" + hash;
}

}  // namespace rondo::sim
