#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "client/limits.h"
#include "client/local_work.h"
#include "client/state.h"
#include "client/trust.h"
#include "common/core/bytes.h"
#include "common/federated/local_round.h"
#include "common/federated/task.h"
#include "common/wire/messages.h"

/// One offer, from the look at the log to the frames that answer it. No sockets, no coroutines: it
/// blocks a worker thread.
namespace rondo::client {

struct JobInput {
  Offer offer;
  std::shared_ptr<const Broadcast> model;
  ClientVectors own;  ///< the client's valid vectors
  ClientRecord record;
  Limits limits;
  Trust trust;
};

struct JobResult {
  std::vector<Bytes> frames;        ///< of the contribution; empty if the offer is declined
  std::optional<UpdateSum> sum;     ///< in place of frames: what goes under the mask
  double loss = 0.0;                ///< of `sum`, on average over its targets; 0 in evaluation
  std::string contribution_sha256;  ///< of what the frames carry, sealed or not
  std::uint64_t bytes = 0;          ///< of the same
  /// The client's vectors if the contribution becomes part of the model; none: it keeps none.
  std::optional<ClientVectors> next;
  std::string refusal;     ///< sent to the coordinator; never quotes the log
  std::string note;        ///< one line for the client's own log
  bool cancelled = false;  ///< the round ended first: nothing is sent
};

/// A finished training round: what is sent, and what the client keeps if it counts.
struct FinishedRound {
  wire::Contribution contribution;
  ClientReport report;
  ClientVectors next;
};

/// The same for a masked session, which sums integers: weighed and rounded here on either grid.
struct FinishedSum {
  UpdateSum sum;
  ClientReport report;
  ClientVectors next;
};

/// Errors  as FinishRound.
Result<FinishedSum> FinishMasked(const Broadcast& broadcast,
                                 const TrainTask& task,
                                 const ClientVectors& own,
                                 TrainedUpdate update);

/// Makes of a training that began with StartRound what is sent of it.
/// Errors  kDiverged for numbers that are not finite; those of EndRound and ContributionOf.
Result<FinishedRound> FinishRound(const Broadcast& broadcast,
                                  const TrainTask& task,
                                  const ClientVectors& own,
                                  TrainedUpdate update);

/// The blocks of a round as they go onto the wire: packed or as reals on the exact grid, where the
/// receiver weighs and rounds, else as integers of the ring.
/// Errors  kUnsupported for packed blocks on the ring; those of FoldDense.
Result<wire::Contribution> ContributionOf(const TrainTask& task,
                                          const ClientReport& report,
                                          std::vector<LocalBlock> blocks);

JobResult RunJob(LocalWork& work, const JobInput& input, std::stop_token stop);

}  // namespace rondo::client
