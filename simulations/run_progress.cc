#include "simulations/run_progress.h"

#include <cmath>

namespace rondo::sim {
namespace {

ProgressLine::Options StandardError(RoundId first_round) {
  ProgressLine::Options options = ProgressLine::ForStandardError();
  options.first_round = first_round;
  return options;
}

}  // namespace

RunProgress::RunProgress(RoundId first_round,
                         RoundId rounds,
                         const Clock& clock,
                         double simulated_seconds)
    : line_(StandardError(first_round), clock),
      rounds_(rounds),
      simulated_seconds_(simulated_seconds) {}

void RunProgress::OnRound(const coordinator::RoundReport& report) {
  RoundProgress progress{
      .round = report.round, .rounds = rounds_, .clients = report.contributors, .ndcg = ndcg_};
  if (std::isfinite(report.loss)) {
    progress.loss = report.loss;
  }
  if (report.simulated_seconds) {
    simulated_seconds_ += *report.simulated_seconds;
    progress.simulated_seconds = simulated_seconds_;
  }
  if (report.is_void) {
    progress.note = "void";
  }
  line_.Update(progress);
}

void RunProgress::OnValidation(const coordinator::ValidationReport& report) {
  if (report.metrics) {
    ndcg_ = report.metrics->Find("full/ndcg@10");
  }
}

}  // namespace rondo::sim
