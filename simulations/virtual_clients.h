#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "common/data/dataset.h"
#include "common/metrics/evaluate.h"
#include "common/model/trainer.h"
#include "coordinator/client_pool.h"
#include "coordinator/strategy.h"
#include "simulations/attack_lab.h"
#include "simulations/client_store.h"
#include "simulations/devices.h"
#include "simulations/mpi_ranks.h"
#include "simulations/virtual_clock.h"
#include "simulations/work_queue.h"

namespace rondo::sim {

/// What the clients of a scenario hand out: where answers have times of their own and each may
/// count in another round, nothing is summed before it is there.
inline coordinator::Visibility VisibilityOf(const Scenario& scenario,
                                            const coordinator::Strategy& strategy) {
  return scenario.strategy.buffer > 0 && scenario.devices.virtual_clock
             ? coordinator::Visibility::kIndividual
             : strategy.visibility();
}

/// The population of a simulation: every client lives in this process, and a cohort is trained as
/// packs of clients in one tensor operation. A client whose training diverges is dropped.
///
/// With a virtual clock an answer comes after the time that the client's device takes, and Next
/// moves the clock to it; without one all answers come at once, in the order of the offers. An
/// evaluation takes no time, and everybody answers it: it measures the run and is no part of it.
///
/// Bytes are counted as a federation would send them: the model down, and up a client's float32 or
/// packed numbers. Confined to the loop thread; `Parts` outlive the pool.
class VirtualClients : public coordinator::ClientPool {
 public:
  struct Parts {
    const Dataset& dataset;
    const std::vector<ClientShard>& shards;
    CohortTrainer& trainer;
    CohortTrainer::Options model;
    coordinator::Visibility visibility = coordinator::Visibility::kSumOnly;
    std::stop_token stop;
    MpiRanks* ranks = nullptr;      ///< who wait for orders; null: nobody
    AttackLab* attack = nullptr;    ///< null: every client is honest
    Devices* devices = nullptr;     ///< null: all clients are always there, and none drops out
    ClientStore* store = nullptr;   ///< null: the scenario's clients keep nothing
    VirtualClock* clock = nullptr;  ///< needs devices; null: nothing takes time
    bool buffered = false;  ///< answers to older offers count, so each comes at its own time
  };

  explicit VirtualClients(Parts parts);

  std::vector<ClientId> Available() const override;
  std::vector<ClientId> Evaluators() const override;

  std::size_t population() const override { return shards_.size(); }

  /// Trains or evaluates the clients, without having others do their share.
  Status Work(const std::vector<ClientId>& clients, const Offer& offer, const Broadcast& broadcast);

  Task<Status> WaitFor(std::size_t count, TimePoint deadline) override;
  void Dispatch(const std::vector<ClientId>& clients,
                const Offer& offer,
                const Broadcast& broadcast) override;
  void Send(const ClientId& client, Bytes payload) override;
  void Expect(std::size_t contributors, TimePoint end) override;
  Task<Result<coordinator::PoolEvent>> Next(TimePoint deadline) override;
  void Announce(const std::vector<ClientId>& included, const RoundResult& result) override;
  void Settle(const std::vector<ClientId>& asked,
              const std::vector<ClientId>& included,
              const RoundResult& result) override;

  bool owns_data() const override { return true; }

  bool evaluates_beside_training() const override { return true; }

  Task<Status> Finish(const Broadcast& model, TimePoint deadline, std::stop_token stop) override;

  std::uint64_t bytes_up() const override { return bytes_up_; }

  std::uint64_t bytes_down() const override { return bytes_down_; }

 private:
  /// What clients that were trained singly add up to.
  struct PackSum {
    UpdateSum sum;
    std::vector<ClientId> clients;
    double losses = 0.0;
  };

  Status Enqueue(const std::vector<ClientId>& clients,
                 const Offer& offer,
                 const Broadcast& broadcast);
  Result<Duration> TimeFor(const ClientShard& shard, const HeldOffer& held) const;
  Status Order(const std::vector<const ClientShard*>& cohort, const HeldOffer& held);
  Status WorkOn(const std::vector<const ClientShard*>& cohort,
                const Offer& offer,
                const Broadcast& broadcast);
  Status TrainDue(TimePoint deadline);
  Status TrainAhead();
  Status Train(const std::vector<const ClientShard*>& cohort,
               const TrainTask& task,
               const Broadcast& broadcast);
  void Decline(const ClientId& client,
               const Error& why,
               RoundId round,
               std::vector<ClientId>& ids,
               std::vector<UserMetrics>& metrics);
  Status Evaluate(const std::vector<const ClientShard*>& cohort,
                  const EvaluateTask& task,
                  const Broadcast& broadcast);
  Status TrainToSum(const std::vector<ClientData>& clients,
                    const TrainTask& task,
                    const Broadcast& broadcast);
  Status TrainSingly(std::vector<ClientData> clients,
                     const TrainTask& task,
                     const Broadcast& broadcast);
  void PushSum(RoundId round, PackSum all);
  Status TrainSome(std::span<ClientData> clients,
                   const TrainTask& task,
                   const Broadcast& broadcast,
                   PackSum& all);
  Result<UpdateSum> Contribute(const ClientReport& report,
                               std::vector<float> delta,
                               const ClientVectors& own,
                               const TrainTask& task,
                               const Broadcast& broadcast);
  void Resolve(const ClientId& client, RoundId round, bool included);

  Parts parts_;
  std::map<ClientId, const ClientShard*> shards_;
  Status failure_;
  Status store_failure_;
  WorkQueue work_;
  std::shared_ptr<const HeldOffer> held_;                         ///< the newest
  std::size_t wanted_ = std::numeric_limits<std::size_t>::max();  ///< contributors, as Expect says
  TimePoint end_ = TimePoint::max();
  std::deque<coordinator::PoolEvent> events_;
  std::uint64_t bytes_up_ = 0;
  std::uint64_t bytes_down_ = 0;
};

}  // namespace rondo::sim
