#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/clock.h"
#include "common/metrics/evaluate.h"
#include "coordinator/buffered_work.h"
#include "coordinator/checkpoint_sink.h"
#include "coordinator/clear_session.h"
#include "coordinator/client_pool.h"
#include "coordinator/cohort.h"
#include "coordinator/private_rounds.h"
#include "coordinator/round_report.h"
#include "coordinator/strategy.h"

namespace rondo::coordinator {

struct RunOutcome {
  RunState state;
  std::optional<MetricTable> test;    ///< of the selected model, if Parts::wants_test
  std::optional<Error> finish_error;  ///< why clients may lack the final model; the run is whole
  bool budget_spent = false;          ///< privacy.target_epsilon ended the run
};

/// What the clients are asked for in an evaluation; always with what rounds are selected by.
EvaluateTask PlanEvaluation(const Scenario& scenario, RoundId id, Split split);

/// Runs rounds until `strategy.rounds`, patience, the privacy budget, too many void rounds or a
/// stop request. Knows neither sockets nor LibTorch; simulation and federation differ in the pool
/// alone.
///
/// A round: select, offer, collect, fold, server optimiser, checkpoint, announce, report; now and
/// then evaluate. A round without quorum or with a sum that is not finite is void: model and
/// optimiser keep their bits. With `strategy.buffer` rounds are buffered: clients are always at
/// work, and a round ends with the answers of K of them to whatever offers. Whatever Parts refers
/// to outlives Run. Confined to one thread.
class RoundLoop {
 public:
  struct Parts {
    ClientPool& pool;
    Strategy& strategy;
    CheckpointSink& checkpoints;
    const Clock& clock;
    RoundObserver& observer;
    const CohortSampler& sampler;
    SessionFactory new_session;
    std::stop_token stop;
    /// Of how long rounds take here where `clock` is a virtual one; null: `clock`.
    const Clock* wall_clock = nullptr;
    /// Asked at the end whether the selected model is evaluated on the test split; null: no.
    std::function<bool(const RunState&)> wants_test;
    std::optional<std::uint64_t> noise_seed = std::nullopt;  ///< simulation; none: OpenSSL
    PrivateRounds::Keep keep_spent = nullptr;  ///< null: the ledger is safe with the checkpoint
    /// Puts Step::persist on disk; null: sessions have nothing to keep.
    std::function<Status(ByteView)> keep_protocol = nullptr;
    bool keep_results = false;  ///< RunState::results, for pools whose clients come and go
    Duration finish_wait =
        std::chrono::seconds(30);  ///< how long clients may take to fetch the result
  };

  /// `start` is a fresh RunState with the initial model, or the newest checkpoint. A federation
  /// sets `scenario.checkpoint.every` to 1.
  RoundLoop(Parts parts, Scenario scenario, RunState start);

  /// Errors  kInvalidArgument if `start` does not fit the strategy; kTooFewClients (kDiverged)
  /// after
  ///         `max_void_rounds` void rounds in a row; kCancelled on a stop request; kIo of the sink.
  ///         The newest whole state was saved before in every case but kIo.
  Task<Result<RunOutcome>> Run();

  const RunState& state() const { return state_; }

 private:
  struct Round;
  struct TrainingPlan;

  Status Prepare();
  Status PreparePrivacy();
  /// Whether numbers of clients other than noisy sums may be asked for and shown.
  bool MayMeasure() const;
  bool OutOfBudget();
  bool AllRoundsDone();
  void SelectCohort(Round& round);
  bool MayBeEmpty() const;
  void ReportPrivacy(Round& round) const;
  double PrivacyRate() const;
  Task<Status> RunRounds();
  Task<Status> PlayRound();
  Task<Status> WaitForQuorum(Round& round);
  Status Open(Round& round);
  Status OfferTraining(Round& round);
  Result<TrainingPlan> PlanTraining(RoundId id, std::uint64_t updates) const;
  Task<Status> Collect(Round& round);
  Status HandleEvent(PoolEvent event, Round& round);
  Status ApplyStep(Result<Step> step, Round& round);
  Status Fold(Round& round);
  Status EndRound(Round& round, const Status& played);
  void KeepResults(const Round& round,
                   const std::vector<ClientId>& included,
                   const RoundResult& result);
  Status CountVoidRound(Round& round, const Error& why);
  void Report(Round& round);

  // Buffered rounds.
  Status OpenBuffered(Round& round);
  Task<Status> CollectBuffered(Round& round);
  Status Invite(Round& round);
  Status TakeAnswer(PoolEvent event);
  void EndBuffered(Round& round, const RoundResult& result);
  void AnnounceBuffered(const Round& round, const RoundResult& result);
  Task<Status> RestBeforeEvaluation();
  void ReleaseWork();

  Task<Status> Validate();
  Task<Result<ValidationReport>> Evaluate(RoundId id, Split split);
  Status OfferEvaluation(Round& round, Split split);
  void Judge(ValidationReport& report);
  Task<Status> FinishRun(RunOutcome& outcome);

  Status SaveState();
  /// What the next offers are about.
  void UseModel(const ParameterVector& model, std::vector<NamedVector> extra = {});
  TimePoint WallTime() const;
  bool ValidationDue();
  bool OutOfPatience() const;

  Parts parts_;
  Scenario scenario_;
  RunState state_;
  Broadcast broadcast_;                     ///< what clients work on now
  std::unique_ptr<BufferedWork> work_;      ///< null: rounds are synchronous
  std::unique_ptr<PrivateRounds> privacy_;  ///< null: no noise
  std::vector<ClientId> returning_;         ///< at work when the run before this one ended
  bool saved_;                              ///< the newest state is in the sink
  Duration unreported_{};                   ///< the last round's checkpoint and announcement
};

}  // namespace rondo::coordinator
