#include <cmath>
#include <numeric>

#include "coordinator/aggregators/kernels.h"
#include "coordinator/aggregators/rules.h"

namespace rondo::coordinator {
namespace {

/// The shares of the rows in a step, from their squared distances to the centre.
std::vector<double> Shares(std::vector<double> squares, double tau) {
  const auto number = static_cast<double>(squares.size());
  for (double& square : squares) {
    const double distance = std::sqrt(square);
    square = (distance > tau ? tau / distance : 1.0) / number;
  }
  return squares;
}

/// centre := (1 - sum of shares) centre + sum of shares * rows; returns the rows' squared distances
/// to the new centre.
std::vector<double> Step(const Updates& updates,
                         std::span<const double> shares,
                         Workers& workers,
                         std::vector<double>& centre) {
  const double rest = 1.0 - std::accumulate(shares.begin(), shares.end(), 0.0);
  return SumOverColumns(workers, updates.size, updates.count(), [&] {
    return [&, moved = std::vector<double>(kBlock)](
               std::size_t begin, std::size_t end, std::span<double> sums) mutable {
      for (std::size_t at = begin; at < end; at += kBlock) {
        const std::size_t count = std::min(kBlock, end - at);
        CombineBlock(updates.rows, shares, at, count, moved.data());
        for (std::size_t k = 0; k < count; ++k) {
          centre[at + k] = rest * centre[at + k] + moved[k];
        }
        AddSquaredDistances(updates.rows, centre.data() + at, at, count, sums.data());
      }
    };
  });
}

}  // namespace

Status CenteredClipping(const Updates& updates, const RuleContext& context, std::span<float> out) {
  const double tau = context.config.tau;
  const int steps = std::max(context.config.iterations, 1);
  std::vector<double> shares = Shares(SquaredNorms(updates, context.workers), tau);
  if (steps == 1) {
    Combine(updates, shares, context.workers, out);
    return Ok();
  }
  std::vector<double> centre(updates.size, 0.0);
  for (int step = 0; step < steps; ++step) {
    shares = Shares(Step(updates, shares, context.workers, centre), tau);
  }
  RoundTo(centre.data(), centre.size(), out.data());
  return Ok();
}

}  // namespace rondo::coordinator
