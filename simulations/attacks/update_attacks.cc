#include "simulations/attacks/update_attacks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "common/federated/vector_math.h"
#include "coordinator/aggregators/kernels.h"

namespace rondo::sim {
namespace {

using coordinator::DistanceTable;

constexpr UpdateAttackEntry kAttacks[] = {
    {"sign_flip", &FlipSign},
    {"scaling", &ScaleUpdate},
    {"gaussian", &SendNoise},
    {"nan", &SendNan},
    {"inf", &SendInfinity},
    {"ipm", &ManipulateInnerProduct},
    {"alie", &SendALittle},
    {"min_max", &MinMax},
    {"min_sum", &MinSum},
    {"mimic", &Mimic},
    {"zero", &SendZero},
};

double Strength(const AttackView& view, double own) {
  return view.strength > 0.0 ? view.strength : own;
}

struct Moments {
  double mean = 0.0;
  double deviation = 0.0;  ///< unbiased; 0 for one update
};

Moments MomentsOf(const AttackView& view, std::size_t k) {
  const auto n = static_cast<double>(view.honest.size());
  Moments moments;
  for (const std::span<const float> update : view.honest) {
    moments.mean += static_cast<double>(update[k]);
  }
  moments.mean /= n;
  double squares = 0.0;
  for (const std::span<const float> update : view.honest) {
    const double difference = static_cast<double>(update[k]) - moments.mean;
    squares += difference * difference;
  }
  moments.deviation = n > 1.0 ? std::sqrt(squares / (n - 1.0)) : 0.0;
  return moments;
}

/// mean_factor * mean + deviation_factor * standard deviation of the honest updates.
void SendMoments(const AttackView& view,
                 double mean_factor,
                 double deviation_factor,
                 std::span<float> update) {
  for (std::size_t k = 0; k < update.size(); ++k) {
    const Moments moments = MomentsOf(view, k);
    update[k] =
        static_cast<float>(mean_factor * moments.mean + deviation_factor * moments.deviation);
  }
}

/// How the honest updates lie about their mean, seen from the direction p = -deviation.
struct Cloud {
  std::vector<double> squares;   ///< |mean - update|^2, one an update
  std::vector<double> products;  ///< p . (mean - update)
  double direction = 0.0;        ///< |p|^2
};

Cloud CloudOf(const AttackView& view) {
  const std::size_t n = view.honest.size();
  Cloud cloud{.squares = std::vector<double>(n), .products = std::vector<double>(n)};
  for (std::size_t k = 0; k < view.honest.front().size(); ++k) {
    const Moments moments = MomentsOf(view, k);
    cloud.direction += moments.deviation * moments.deviation;
    for (std::size_t i = 0; i < n; ++i) {
      const double difference = moments.mean - static_cast<double>(view.honest[i][k]);
      cloud.squares[i] += difference * difference;
      cloud.products[i] -= moments.deviation * difference;
    }
  }
  return cloud;
}

DistanceTable Distances(const AttackView& view) {
  std::vector<const float*> rows;
  for (const std::span<const float> update : view.honest) {
    rows.push_back(update.data());
  }
  return coordinator::PairwiseDistances(std::move(rows), view.honest.front().size(), view.workers);
}

}  // namespace

void FlipSign(const AttackView& view, std::span<float> update) {
  Scale(update, -Strength(view, 1.0));
}

void ScaleUpdate(const AttackView& view, std::span<float> update) {
  Scale(update, Strength(view, 10.0));
}

void SendNoise(const AttackView& view, std::span<float> update) {
  const double deviation = Strength(view, 1.0);
  for (float& value : update) {
    value = static_cast<float>(deviation * view.rng.Normal());
  }
}

void SendNan(const AttackView& /*view*/, std::span<float> update) {
  std::fill(update.begin(), update.end(), std::numeric_limits<float>::quiet_NaN());
}

void SendInfinity(const AttackView& /*view*/, std::span<float> update) {
  std::fill(update.begin(), update.end(), std::numeric_limits<float>::infinity());
}

void SendZero(const AttackView& /*view*/, std::span<float> update) {
  std::fill(update.begin(), update.end(), 0.0F);
}

void ManipulateInnerProduct(const AttackView& view, std::span<float> update) {
  SendMoments(view, -Strength(view, 2.0), 0.0, update);
}

void SendALittle(const AttackView& view, std::span<float> update) {
  SendMoments(view, 1.0, Strength(view, 1.5), update);
}

void MinMax(const AttackView& view, std::span<float> update) {
  const DistanceTable distances = Distances(view);
  double widest = 0.0;
  for (std::size_t a = 0; a < distances.rows(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      widest = std::max(widest, distances.at(a, b));
    }
  }
  // |mean + gamma p - update|^2 <= widest: for each update the larger root of a quadratic.
  const Cloud cloud = CloudOf(view);
  double gamma = cloud.direction > 0.0 ? std::numeric_limits<double>::infinity() : 0.0;
  for (std::size_t i = 0; cloud.direction > 0.0 && i < cloud.squares.size(); ++i) {
    const double half = cloud.products[i];
    const double room = std::max(0.0, widest - cloud.squares[i]);
    gamma =
        std::min(gamma, (std::sqrt(half * half + cloud.direction * room) - half) / cloud.direction);
  }
  SendMoments(view, 1.0, -Strength(view, 1.0) * gamma, update);
}

void MinSum(const AttackView& view, std::span<float> update) {
  const DistanceTable distances = Distances(view);
  double most = 0.0;
  for (std::size_t a = 0; a < distances.rows(); ++a) {
    double sum = 0.0;
    for (std::size_t b = 0; b < distances.rows(); ++b) {
      sum += distances.at(a, b);
    }
    most = std::max(most, sum);
  }
  // Differences from the mean add up to zero, so that the linear term does.
  const Cloud cloud = CloudOf(view);
  double squares = 0.0;
  for (const double square : cloud.squares) {
    squares += square;
  }
  const double slope = static_cast<double>(view.honest.size()) * cloud.direction;
  const double gamma = slope > 0.0 ? std::sqrt(std::max(0.0, most - squares) / slope) : 0.0;
  SendMoments(view, 1.0, -Strength(view, 1.0) * gamma, update);
}

void Mimic(const AttackView& view, std::span<float> update) {
  const auto index = static_cast<std::size_t>(view.strength);
  const std::span<const float> honest = view.honest[std::min(index, view.honest.size() - 1)];
  std::copy(honest.begin(), honest.end(), update.begin());
}

std::span<const UpdateAttackEntry> UpdateAttacks() {
  return kAttacks;
}

UpdateAttack FindUpdateAttack(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(kAttacks), std::end(kAttacks), [&](const UpdateAttackEntry& entry) {
        return entry.name == name;
      });
  return found == std::end(kAttacks) ? nullptr : found->attack;
}

}  // namespace rondo::sim
