#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "client/limits.h"
#include "client/local_work.h"
#include "client/state.h"
#include "common/core/bytes.h"
#include "common/federated/task.h"
#include "common/wire/messages.h"

/// One offer, from the look at the log to the frames that answer it. No sockets, no coroutines: it
/// blocks a worker thread.
namespace rondo::client {

struct JobInput {
  Offer offer;
  std::shared_ptr<const Broadcast> model;
  ClientRecord record;
  Limits limits;
};

struct JobResult {
  std::vector<Bytes> frames;  ///< of the contribution; empty if the offer is declined
  std::string refusal;        ///< sent to the coordinator; never quotes the log
  std::string note;           ///< one line for the client's own log
  bool cancelled = false;     ///< the round ended first: nothing is sent
};

/// A trained update as it goes onto the wire.
/// Errors  those of FoldDense.
Result<wire::Contribution> ContributionOf(const Broadcast& model,
                                          const TrainTask& task,
                                          TrainedUpdate update);

JobResult RunJob(LocalWork& work, const JobInput& input, std::stop_token stop);

}  // namespace rondo::client
