#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/federated/task.h"
#include "coordinator/aggregation_session.h"
#include "coordinator/strategy.h"

namespace rondo::coordinator {

/// A block that every contribution of a round must hold.
struct BlockSpec {
  std::string name;
  std::shared_ptr<const ParameterLayout> layout;
  GridSpec grid;
  Scaling scaling = Scaling::kByWeight;
  std::optional<CompressionConfig> packing;  ///< its numbers come packed (see packing.h)
};

/// What a contribution to a round must look like.
struct ContributionSpec {
  OfferKind kind = OfferKind::kTrain;
  RoundId round = 0;
  std::string model_sha256;  ///< of what the clients work on
  std::vector<BlockSpec> blocks;
  double noise_stddev = 0.0;     ///< TrainTask::noise_stddev
  std::uint64_t max_weight = 1;  ///< of one client
  Visibility visibility = Visibility::kSumOnly;
};

/// Whether weight and metrics are such as so many contributors can have. Blocks are in the spec's
/// order. Errors  kCorrupt.
Status CheckPlausible(const UpdateSum& sum,
                      const ContributionSpec& spec,
                      std::uint64_t contributors);

/// A contribution after decoding: the sum of one client.
struct Decoded {
  OfferKind kind = OfferKind::kTrain;
  RoundId round = 0;
  UpdateSum update;
  double loss = 0.0;
};

/// Turns a message of a client into its update. May leave out the update when kind or round differ
/// from the spec. Errors  kCorrupt; kDiverged for values that are not finite. Then the client is
/// dropped.
using ContributionDecoder =
    std::function<Result<Decoded>(const ClientId&, ByteView, const ContributionSpec&)>;

/// Aggregation without masks: the coordinator sees each update.
///
/// Validates and folds. A broken contribution drops its sender; strangers, duplicates and messages
/// of other rounds are ignored. Yields one sum a contribution if single updates are
/// asked for, in the order of their clients, else one sum of all; both add up to the same bits in
/// any order of arrival.
class ClearSession : public AggregationSession {
 public:
  struct Parts {
    ContributionSpec spec;
    std::vector<ClientId> invited;
    ContributionDecoder decode;  ///< not needed where all clients are in this process
  };

  explicit ClearSession(Parts parts);

  Result<Step> Start(TimePoint now) override;
  Result<Step> Receive(const ClientId& client, ByteView payload, TimePoint now) override;
  Result<Step> AddPack(const std::vector<ClientId>& clients, UpdateSum sum, double loss) override;
  Result<Step> Tick(TimePoint now) override;
  void Drop(const ClientId& client, const Error& why) override;

  bool complete() const override { return waiting_.empty(); }

  const std::vector<ClientId>& contributors() const override { return contributors_; }

  const std::vector<std::pair<ClientId, Error>>& dropped() const override { return dropped_; }

  double mean_loss() const override;

  Result<std::vector<UpdateSum>> Take() && override;

 private:
  Status Accept(const std::vector<ClientId>& clients, UpdateSum sum, double loss);

  Parts parts_;
  std::set<ClientId> waiting_;
  std::vector<ClientId> contributors_;  ///< in byte order
  std::vector<std::pair<ClientId, Error>> dropped_;
  std::map<ClientId, std::pair<double, std::size_t>> losses_;  ///< of a pack under its first client
  std::vector<UpdateSum> sums_;
  bool taken_ = false;
};

/// Makes the session of one round.
using SessionFactory =
    std::function<std::unique_ptr<AggregationSession>(ContributionSpec, std::vector<ClientId>)>;

/// Sessions without masks. `decode` may be empty where all clients are in this process.
SessionFactory ClearSessions(ContributionDecoder decode = nullptr);

}  // namespace rondo::coordinator
