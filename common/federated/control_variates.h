#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "common/federated/local_round.h"

/// The client's half of SCAFFOLD: its gradients are corrected by the difference between the
/// server's control variate c and its own c_i, so that local steps follow the population and not
/// the client. Source  Karimireddy et al. 2020, algorithm 1, option II.
namespace rondo {

/// c in the broadcast, c_i among a client's vectors, and the block of c_i's change.
inline constexpr std::string_view kControlVector = "control";

/// correction += c - c_i. Shapes  correction: the model's.
/// Errors  kFailedPrecondition if the broadcast lacks c; kCorrupt.
Status AddControlCorrection(const Broadcast& broadcast,
                            const ClientVectors& own,
                            std::vector<float>& correction);

/// What c_i moves by: -c - delta / (steps * rate), as the mean of the gradients that were taken
/// becomes the new c_i. Errors  as AddControlCorrection.
Result<std::vector<float>> ControlChange(const Broadcast& broadcast,
                                         std::span<const float> delta,
                                         std::uint64_t steps,
                                         double learning_rate);

}  // namespace rondo
