#include <cmath>

#include "coordinator/aggregators/kernels.h"
#include "coordinator/aggregators/rules.h"

namespace rondo::coordinator {
namespace {

constexpr int kDefaultSteps = 3;

/// Each row's share of the next point, from its squared distance to the last one.
std::vector<double> Shares(std::vector<double> squares, double nu) {
  double sum = 0.0;
  for (double& square : squares) {
    square = 1.0 / std::max(nu, std::sqrt(square));
    sum += square;
  }
  for (double& share : squares) {
    share /= sum;
  }
  return squares;
}

/// The squared distances of the rows to their own combination. It is made block by block, so that
/// the updates pass through the cache once a step.
std::vector<double> DistancesToCombination(const Updates& updates,
                                           std::span<const double> shares,
                                           Workers& workers) {
  return SumOverColumns(workers, updates.size, updates.count(), [&] {
    return [&, point = std::vector<double>(kBlock)](
               std::size_t begin, std::size_t end, std::span<double> sums) mutable {
      for (std::size_t at = begin; at < end; at += kBlock) {
        const std::size_t count = std::min(kBlock, end - at);
        CombineBlock(updates.rows, shares, at, count, point.data());
        AddSquaredDistances(updates.rows, point.data(), at, count, sums.data());
      }
    };
  });
}

}  // namespace

Status GeometricMedian(const Updates& updates, const RuleContext& context, std::span<float> out) {
  const double nu = context.config.nu;
  const int steps = context.config.iterations > 0 ? context.config.iterations : kDefaultSteps;
  std::vector<double> shares = Shares(SquaredNorms(updates, context.workers), nu);
  for (int step = 1; step < steps; ++step) {
    shares = Shares(DistancesToCombination(updates, shares, context.workers), nu);
  }
  Combine(updates, shares, context.workers, out);
  return Ok();
}

}  // namespace rondo::coordinator
