#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/core/clock.h"
#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/federated/parameters.h"
#include "common/federated/task.h"
#include "common/metrics/evaluate.h"
#include "common/privacy/ledger.h"

namespace rondo::coordinator {

/// One validation of a run.
struct ValidationRecord {
  RoundId round = 0;
  MetricTable metrics;
};

/// Everything a run needs to go on with the same bits after it was killed.
struct RunState {
  RoundId round = 0;  ///< the last round that ended, void ones included; 0: none yet
  ParameterVector model;
  std::vector<std::pair<std::string, ParameterVector>> optimizer_state;
  std::uint64_t optimizer_steps = 0;
  std::uint64_t void_rounds = 0;
  int void_in_a_row = 0;
  Duration simulated{};  ///< time that all rounds took on a virtual clock

  /// Buffered aggregation: clients whose work no round has used yet. It is lost in a restart, so
  /// they are invited first, with the newest model.
  std::vector<ClientId> at_work;

  PrivacyLedger ledger;    ///< what noisy sums have cost
  double clip_norm = 0.0;  ///< where adaptive clipping is; 0: at the scenario's

  RoundId validated_round = 0;  ///< the last round whose model went through validation
  RoundId best_round = 0;       ///< 0: no validation gave numbers yet
  double best_ndcg = 0.0;
  ParameterVector best_model;  ///< without a layout until best_round > 0
  int validations_without_gain = 0;
  std::vector<ValidationRecord> history;

  /// What every client that was ever invited must still hear, if RoundLoop::Parts::keep_results;
  /// see KeepResult. A client may hear it only after a restart.
  std::map<ClientId, RoundResult> results;

  /// The model of the selected round: the best one; the newest without any validation, where
  /// clients have parameters of their own, which fit no other, and where sums were noisy: a choice
  /// by validation would say more about clients than the ledger holds.
  const ParameterVector& selected_model() const { return SelectsBest() ? best_model : model; }

  RoundId selected_round() const { return SelectsBest() ? best_round : round; }

  bool SelectsBest() const {
    return best_round > 0 && ledger.releases() == 0
           && (model.layout == nullptr || PersonalLayout(*model.layout) == nullptr);
  }
};

/// Keeps a result for a client that may be away. The last one that included it stays, for the
/// client goes on from what it then kept; that a later round did not include it, it learns from its
/// next task.
inline void KeepResult(std::map<ClientId, RoundResult>& results,
                       const ClientId& client,
                       const RoundResult& result) {
  const auto old = results.find(client);
  if (old == results.end() || result.included || !old->second.included) {
    results[client] = result;
  }
}

inline double SimulatedSeconds(const RunState& state) {
  return std::chrono::duration<double>(state.simulated).count();
}

/// Where run states are kept.
class CheckpointSink {
 public:
  virtual ~CheckpointSink() = default;

  /// Returns after the state is safe on disk.
  /// Errors  kIo; the run then ends, and the older checkpoint stays whole.
  virtual Status Save(const RunState& state) = 0;
};

}  // namespace rondo::coordinator
