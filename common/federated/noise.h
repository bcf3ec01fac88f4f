#pragma once

#include <cstdint>
#include <optional>

#include "common/core/result.h"
#include "common/core/rng.h"
#include "common/federated/task.h"
#include "common/federated/update_sum.h"

/// Noise on the grid, where updates are integers.
namespace rondo {

/// Where noise comes from: a stream of the simulation, or OpenSSL where there is none.
struct NoiseSource {
  std::optional<StreamName> stream;
};

/// The largest L2 norm of a client's delta of weight 1 on the grid, in units of the delta: its clip
/// norm, and what rounding may add to each of `coordinates` numbers.
double GridSensitivity(double clip_norm, std::size_t coordinates, const GridSpec& grid);

/// A standard deviation in steps of the grid, rounded up.
/// Errors  kInvalidArgument below 16 steps, where a sum of several draws is no discrete Gaussian
/// any more, and beyond 2^56.
Result<std::uint64_t> NoiseSteps(double stddev, const GridSpec& grid);

/// How many clients more a grid must have room for, so that noise of `stddev` on a sum of clients
/// of at most `most` a coordinate does not wrap around on a ring: eight standard deviations.
std::uint64_t NoiseRoom(double stddev, double most);

/// A client's share of noise is never larger than so many standard deviations: one draw in 10^32
/// is.
inline constexpr std::uint64_t kShareTail = 12;

/// The same where each of `clients` adds a share of `stddev`, and the largest sum must fit.
std::uint64_t ShareRoom(double stddev, double most, std::uint64_t clients);

/// Adds an independent draw of the discrete Gaussian of `sigma` steps to every number. Splits the
/// block over `threads`; the result does not depend on them.
void AddNoise(GridBlock& block, std::uint64_t sigma, const NoiseSource& source, int threads = 1);

/// The client's share of the noise on its delta, if the task asks for one.
/// Errors  those of NoiseSteps.
Status AddClientNoise(const TrainTask& task, GridBlock& delta, const NoiseSource& source);

}  // namespace rondo
