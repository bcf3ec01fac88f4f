#include <cmath>
#include <numeric>

#include "common/federated/vector_math.h"
#include "coordinator/aggregators/kernels.h"
#include "coordinator/aggregators/rules.h"

namespace rondo::coordinator {
namespace {

std::vector<double> Shares(const std::vector<double>& weights) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<double> shares;
  for (const double weight : weights) {
    shares.push_back(weight / sum);
  }
  return shares;
}

/// What brings each update down to norm tau; 1 where it is shorter.
std::vector<double> BoundFactors(const Updates& updates, const RuleContext& context) {
  std::vector<double> factors = SquaredNorms(updates, context.workers);
  for (double& factor : factors) {
    const double norm = std::sqrt(factor);
    factor = norm > context.config.tau ? context.config.tau / norm : 1.0;
  }
  return factors;
}

}  // namespace

Status WeightedMean(const Updates& updates, const RuleContext& context, std::span<float> out) {
  Combine(updates, Shares(updates.weights), context.workers, out);
  return Ok();
}

Status NormBounding(const Updates& updates, const RuleContext& context, std::span<float> out) {
  std::vector<double> factors = Shares(updates.weights);
  const std::vector<double> bounds = BoundFactors(updates, context);
  for (std::size_t i = 0; i < factors.size(); ++i) {
    factors[i] *= bounds[i];
  }
  Combine(updates, factors, context.workers, out);
  return Ok();
}

void Clipping(Updates& updates, const RuleContext& context) {
  const std::vector<double> factors = BoundFactors(updates, context);
  ForEachPiece(context.workers, updates.count(), 1, [&] {
    return [&](std::size_t i, std::size_t /*end*/) {
      if (factors[i] < 1.0) {
        Scale({updates.rows[i], updates.size}, factors[i]);
      }
    };
  });
}

}  // namespace rondo::coordinator
