#pragma once

#include <cstdint>
#include <vector>

#include "common/federated/task.h"
#include "simulations/experiment.h"
#include "simulations/mpi_ranks.h"

/// How the first rank of a simulation has the others work: it runs the rounds, writes the run, and
/// orders everyone to do a share of each offer.
namespace rondo::sim {

/// Sent by the first rank before it begins its own share. `clients` are indices of shards.
void SendOrder(MpiRanks& ranks,
               const std::vector<std::uint32_t>& clients,
               const Offer& offer,
               const ParameterVector& model);

/// Sent by the first rank after the last order.
void SendLastOrder(MpiRanks& ranks);

/// Does this rank's share of every order until the last. The experiment must be that of the first
/// rank. Errors  those of training and evaluation.
Status ServeOrders(Experiment& experiment, MpiRanks& ranks);

}  // namespace rondo::sim
