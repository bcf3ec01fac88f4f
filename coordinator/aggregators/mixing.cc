#include <algorithm>
#include <array>
#include <numeric>

#include "common/core/clones.h"
#include "common/core/rng.h"
#include "coordinator/aggregators/kernels.h"
#include "coordinator/aggregators/rules.h"

namespace rondo::coordinator {
namespace {

typedef double Eight __attribute__((vector_size(64)));

constexpr std::size_t kVectors = 8;
constexpr std::size_t kStrip = 8 * kVectors;  // columns; with 50 rows 25 KiB of doubles

/// The columns of one row, as vectors: compilers would gather them instead.
struct alignas(64) Strip {
  Eight at[kVectors];
};

/// mixed = mean over `number` of the strips, in order of rows.
RONDO_CLONES void MixStrip(const Strip* strips,
                           const std::size_t* neighbours,
                           std::size_t number,
                           Strip& mixed) {
  Eight sums[kVectors] = {};
  for (std::size_t i = 0; i < number; ++i) {
    const Strip& strip = strips[neighbours[i]];
    for (std::size_t k = 0; k < kVectors; ++k) {
      sums[k] += strip.at[k];
    }
  }
  for (std::size_t k = 0; k < kVectors; ++k) {
    mixed.at[k] = sums[k] / static_cast<double>(number);
  }
}

RONDO_CLONES void Widen(const float* __restrict values,
                        std::size_t count,
                        double* __restrict wide) {
  for (std::size_t k = 0; k < count; ++k) {
    wide[k] = static_cast<double>(values[k]);
  }
}

/// The `number` rows nearest to `row`, itself first, in order of rows.
std::vector<std::size_t> Nearest(const DistanceTable& distances,
                                 std::size_t row,
                                 std::size_t number) {
  std::vector<std::size_t> rows(distances.rows());
  std::iota(rows.begin(), rows.end(), 0);
  std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
    return distances.at(row, a) < distances.at(row, b);
  });
  rows.resize(number);
  std::sort(rows.begin(), rows.end());
  return rows;
}

/// Mixes a strip of columns of all rows in place.
class Mixer {
 public:
  Mixer(const Updates& updates, const std::vector<std::vector<std::size_t>>& neighbours)
      : updates_(updates),
        neighbours_(neighbours),
        strips_(updates.count()) {}

  void operator()(std::size_t begin, std::size_t end) {
    for (std::size_t at = begin; at < end; at += kStrip) {
      Mix(at, std::min(kStrip, end - at));
    }
  }

 private:
  void Mix(std::size_t at, std::size_t count) {
    for (std::size_t i = 0; i < updates_.count(); ++i) {
      Widen(updates_.rows[i] + at, count, reinterpret_cast<double*>(&strips_[i]));
    }
    Strip mixed;
    for (std::size_t i = 0; i < updates_.count(); ++i) {
      MixStrip(strips_.data(), neighbours_[i].data(), neighbours_[i].size(), mixed);
      RoundTo(reinterpret_cast<const double*>(&mixed), count, updates_.rows[i] + at);
    }
  }

  const Updates& updates_;
  const std::vector<std::vector<std::size_t>>& neighbours_;
  std::vector<Strip> strips_;
};

}  // namespace

void NearestNeighbourMixing(Updates& updates, const RuleContext& context) {
  const std::size_t n = updates.count();
  const std::size_t left_out = std::min(static_cast<std::size_t>(context.config.f), n - 1);
  const DistanceTable distances = PairwiseDistances(updates, context.workers);
  std::vector<std::vector<std::size_t>> neighbours;
  for (std::size_t row = 0; row < n; ++row) {
    neighbours.push_back(Nearest(distances, row, n - left_out));
  }
  ForEachPiece(context.workers, updates.size, kBlock, [&] { return Mixer(updates, neighbours); });
  updates.weights.assign(n, 1.0);
}

void Bucketing(Updates& updates, const RuleContext& context) {
  const auto bucket = static_cast<std::size_t>(std::max(context.config.bucket_size, 1));
  std::vector<float*> drawn = updates.rows;
  Rng rng({.seed = context.seed, .round = context.round, .purpose = Purpose::kBuckets});
  rng.Shuffle(std::span(drawn));
  std::vector<float*> means;
  for (std::size_t first = 0; first < drawn.size(); first += bucket) {
    const std::size_t number = std::min(bucket, drawn.size() - first);
    const std::span<float* const> members = std::span(drawn).subspan(first, number);
    const std::vector<double> shares(number, 1.0 / static_cast<double>(number));
    // In place of the first member: a block is read before it is written.
    const Updates some{.rows = {members.begin(), members.end()}, .size = updates.size};
    Combine(some, shares, context.workers, {members.front(), updates.size});
    means.push_back(members.front());
  }
  updates.rows = std::move(means);
  updates.weights.assign(updates.count(), 1.0);
}

}  // namespace rondo::coordinator
