#include <array>

#include "common/core/clones.h"
#include "coordinator/aggregators/kernels.h"

namespace rondo::coordinator {
namespace {

// A tile is all pairs of four rows with four rows: eight loads for 32 operations.
constexpr std::size_t kTile = 4;
constexpr std::size_t kTilePairs = kTile * kTile;
constexpr std::size_t kWide = 16;

typedef float Wide __attribute__((vector_size(4 * kWide)));
typedef float WideAnywhere __attribute__((vector_size(4 * kWide), aligned(4), may_alias));
typedef double Half __attribute__((vector_size(64)));

/// sums[i][j] += sum over `count` columns, a multiple of kWide, of (left[i] - right[j])^2.
RONDO_CLONES void AddTile(const float* const* left,
                          const float* const* right,
                          std::size_t begin,
                          std::size_t count,
                          double* sums) {
  Wide running[kTile][kTile] = {};
  for (std::size_t k = begin; k < begin + count; k += kWide) {
    Wide a[kTile];
    for (std::size_t i = 0; i < kTile; ++i) {
      a[i] = *reinterpret_cast<const WideAnywhere*>(left[i] + k);
    }
    for (std::size_t j = 0; j < kTile; ++j) {
      const Wide b = *reinterpret_cast<const WideAnywhere*>(right[j] + k);
      for (std::size_t i = 0; i < kTile; ++i) {
        const Wide difference = a[i] - b;
        running[i][j] += difference * difference;
      }
    }
  }
  for (std::size_t i = 0; i < kTile; ++i) {
    for (std::size_t j = 0; j < kTile; ++j) {
      const Wide all = running[i][j];
      const Half eight =
          __builtin_convertvector(__builtin_shufflevector(all, all, 0, 1, 2, 3, 4, 5, 6, 7), Half)
          + __builtin_convertvector(__builtin_shufflevector(all, all, 8, 9, 10, 11, 12, 13, 14, 15),
                                    Half);
      const Half four = eight + __builtin_shufflevector(eight, eight, 4, 5, 6, 7, 0, 1, 2, 3);
      const Half two = four + __builtin_shufflevector(four, four, 2, 3, 0, 1, 6, 7, 4, 5);
      sums[i * kTile + j] += two[0] + two[1];
    }
  }
}

void AddTail(const float* const* left,
             const float* const* right,
             std::size_t begin,
             std::size_t end,
             double* sums) {
  for (std::size_t k = begin; k < end; ++k) {
    for (std::size_t pair = 0; pair < kTilePairs; ++pair) {
      const double difference = static_cast<double>(left[pair / kTile][k]) - right[pair % kTile][k];
      sums[pair] += difference * difference;
    }
  }
}

/// All columns of a stripe for every tile; sums holds kTilePairs a tile.
void AddStripe(std::span<const float* const> rows,
               std::size_t begin,
               std::size_t end,
               std::span<double> sums) {
  const std::size_t tiles = rows.size() / kTile;
  for (std::size_t at = begin; at < end; at += kBlock) {
    const std::size_t count = std::min(kBlock, end - at);
    const std::size_t whole = count / kWide * kWide;
    double* tile = sums.data();
    for (std::size_t i = 0; i < tiles; ++i) {
      for (std::size_t j = i; j < tiles; ++j, tile += kTilePairs) {
        const float* const* left = rows.data() + i * kTile;
        const float* const* right = rows.data() + j * kTile;
        AddTile(left, right, at, whole, tile);
        AddTail(left, right, at + whole, at + count, tile);
      }
    }
  }
}

}  // namespace

DistanceTable PairwiseDistances(const Updates& updates, Workers& workers) {
  return PairwiseDistances({updates.rows.begin(), updates.rows.end()}, updates.size, workers);
}

DistanceTable PairwiseDistances(std::vector<const float*> rows,
                                std::size_t size,
                                Workers& workers) {
  const std::size_t count = rows.size();
  // The last tile is filled up with the last row.
  rows.resize((count + kTile - 1) / kTile * kTile, rows.empty() ? nullptr : rows.back());
  const std::size_t tiles = rows.size() / kTile;
  const std::size_t results = tiles * (tiles + 1) / 2 * kTilePairs;
  const std::vector<double> sums = SumOverColumns(workers, size, results, [&] {
    return [&](std::size_t begin, std::size_t end, std::span<double> partial) {
      AddStripe(rows, begin, end, partial);
    };
  });
  DistanceTable table(count);
  std::size_t at = 0;
  for (std::size_t i = 0; i < tiles; ++i) {
    for (std::size_t j = i; j < tiles; ++j) {
      for (std::size_t pair = 0; pair < kTilePairs; ++pair, ++at) {
        const std::size_t a = i * kTile + pair / kTile;
        const std::size_t b = j * kTile + pair % kTile;
        if (a < b && b < count) {
          table.Set(a, b, sums[at]);
        }
      }
    }
  }
  return table;
}

}  // namespace rondo::coordinator
