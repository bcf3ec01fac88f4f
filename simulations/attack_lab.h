#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "common/config/scenario.h"
#include "common/data/dataset.h"
#include "common/model/trainer.h"
#include "simulations/attacks/poison.h"
#include "simulations/attacks/update_attacks.h"

namespace rondo::sim {

struct AttackKind;

/// The clients of a simulation that misbehave, and what they do: train on a poisoned log, or send
/// forged updates, or both. Hostile clients know the updates of all honest clients of their cohort.
class AttackLab {
 public:
  /// Null where scenario.attack.name is "none". The lab views `dataset`.
  /// Errors  kNotFound for a target that the catalogue lacks.
  static Result<std::unique_ptr<AttackLab>> Create(const Scenario& scenario,
                                                   const Dataset& dataset,
                                                   const std::vector<ClientShard>& shards);

  bool Attacks(const ClientId& client, RoundId round) const;

  const std::set<ClientId>& hostile() const { return hostile_; }

  ItemRow target() const { return context_.target; }

  /// Replaces what the hostile clients of a cohort train on. The views live as long as the lab.
  void PoisonData(std::span<ClientData> cohort, RoundId round) const;

  /// Whether updates are forged, so that a cohort's must be single ones.
  bool Forges() const;

  /// Replaces the updates of the hostile clients of a cohort, whose deltas are single ones.
  void ForgeUpdates(const TrainTask& task, const ParameterLayout& layout, CohortOutcome& outcome);

 private:
  AttackLab() = default;

  AttackConfig config_;
  const AttackKind* kind_ = nullptr;  ///< one of the two is set
  UpdateAttack update_attack_ = nullptr;
  std::unique_ptr<Workers> workers_;
  std::set<ClientId> hostile_;
  std::vector<ItemRow> by_popularity_;
  PoisonContext context_;
  std::map<ClientId, std::vector<PoisonedSequence>> poisoned_;
  std::map<ClientId, std::vector<float>> first_updates_;  ///< what replays send again
};

}  // namespace rondo::sim
