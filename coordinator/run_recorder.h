#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "common/io/run_directory.h"
#include "common/io/tensorboard.h"
#include "coordinator/checkpoint_sink.h"
#include "coordinator/round_report.h"

namespace rondo::coordinator {

/// What all rounds and validations of a run took together.
struct RunTotals {
  double seconds = 0.0;
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;
  std::vector<double> round_seconds;  ///< void rounds included
};

/// Writes every round and validation to rounds.jsonl and TensorBoard. The test split is in neither.
///
/// A round is recorded before its checkpoint, so a checkpoint never holds a round without a line.
/// Whatever is newer than the state a run goes on from is taken back when the files are opened.
/// Keeps the first write error: a full disk must not pass for a finished run.
class RunRecorder final : public RoundObserver {
 public:
  using WallTime = std::chrono::system_clock::time_point;

  /// `directory` outlives the recorder.
  /// Errors  kIo; kCorrupt if rounds.jsonl is broken before its last line.
  static Result<RunRecorder> Open(RunDirectory& directory, const RunState& state, WallTime now);

  void OnRound(const RoundReport& report) override;
  void OnValidation(const ValidationReport& report) override;

  const Status& status() const { return status_; }

  /// The rounds and validations that earlier processes left in the files, plus what this process
  /// took as a whole.
  RunTotals TotalsWith(double seconds, std::uint64_t bytes_up, std::uint64_t bytes_down) const;

 private:
  RunRecorder(RunDirectory& directory, TensorBoardWriter events)
      : directory_(&directory),
        events_(std::move(events)) {}

  void Record(boost::json::object line);
  Status AddScalars(const boost::json::object& line);

  RunDirectory* directory_;
  TensorBoardWriter events_;
  RunTotals totals_;  ///< of earlier processes; but all rounds in round_seconds
  Status status_;
};

}  // namespace rondo::coordinator
