#pragma once

#include <optional>

#include "common/core/clock.h"
#include "common/io/progress.h"
#include "coordinator/round_report.h"

namespace rondo::sim {

/// Shows how a run goes on, on stderr.
class RunProgress final : public coordinator::RoundObserver {
 public:
  /// `clock` outlives it. `simulated_seconds` are those of earlier processes.
  RunProgress(RoundId first_round, RoundId rounds, const Clock& clock, double simulated_seconds);

  void OnRound(const coordinator::RoundReport& report) override;
  void OnValidation(const coordinator::ValidationReport& report) override;

  void Finish() { line_.Finish(); }

 private:
  ProgressLine line_;
  RoundId rounds_;
  double simulated_seconds_;
  std::optional<double> ndcg_;
};

}  // namespace rondo::sim
