#pragma once

#include <optional>

#include "common/core/clock.h"
#include "common/io/progress.h"
#include "common/io/run_directory.h"
#include "common/io/tensorboard.h"
#include "coordinator/round_loop.h"

namespace rondo::sim {

/// Writes every round to rounds.jsonl and TensorBoard, and shows progress. Keeps the first write
/// error: a full disk must not pass for a finished run.
class RunRecorder : public coordinator::RoundObserver {
 public:
  /// `clock` and `directory` outlive the recorder.
  RunRecorder(RunDirectory& directory,
              TensorBoardWriter events,
              RoundId first_round,
              RoundId rounds,
              const Clock& clock);

  void OnRound(const coordinator::RoundReport& report) override;
  void OnValidation(const coordinator::ValidationReport& report) override;

  void Finish() { progress_.Finish(); }

  const Status& status() const { return status_; }

 private:
  void Keep(Status status);

  RunDirectory& directory_;
  TensorBoardWriter events_;
  ProgressLine progress_;
  RoundId rounds_;
  std::optional<double> ndcg_;
  Status status_;
};

}  // namespace rondo::sim
