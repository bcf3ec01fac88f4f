#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "common/federated/local_round.h"

/// The client's half of FedDyn: each client minimises its loss less the inner product of its
/// weights with its own vector g_i, plus alpha / 2 times the squared distance from the broadcast
/// model, so that the minima of the clients meet in that of the population. Source  Acar et al.
/// 2021, "Federated learning based on dynamic regularization", algorithm 1.
namespace rondo {

/// g_i among a client's vectors.
inline constexpr std::string_view kDynamicVector = "dynamic";

/// correction -= g_i; the pull to the broadcast is the trainer's. Shapes  correction: the model's.
/// Errors  kCorrupt.
Status AddDynamicCorrection(const ClientVectors& own, std::vector<float>& correction);

/// The next g_i = g_i - alpha * delta.
std::vector<float> NextDynamic(const ClientVectors& own,
                               std::span<const float> delta,
                               double alpha);

}  // namespace rondo
