#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/ids.h"
#include "common/core/workers.h"

/// What rules over single updates work on.
///
/// An update is a row of `size` finite floats, a coordinate a column. Loops go over blocks of
/// columns, so that a block of all rows stays in a core's cache; sums over columns are taken in
/// double, block by block in a fixed order. Results depend on no thread.
namespace rondo::coordinator {

/// An embedding table inside an update: `items` rows of `width` numbers from `offset` on.
struct Table {
  std::size_t offset = 0;
  std::size_t items = 0;
  std::size_t width = 0;
};

/// The updates of one round. Rules read them; stages before a rule change them in place.
struct Updates {
  std::vector<float*> rows;     ///< one a client, in the byte order of their ids
  std::vector<double> weights;  ///< one a row
  std::size_t size = 0;         ///< columns
  std::vector<Table> tables;    ///< apart, in order of offsets

  std::size_t count() const { return rows.size(); }
};

/// What a rule knows beside the updates.
struct RuleContext {
  const StrategyConfig& config;  ///< f, nu, tau, iterations, bucket_size
  Workers& workers;
  std::uint64_t seed = 0;  ///< of the run
  RoundId round = 0;
};

/// Columns of a block: with 50 rows 200 KiB.
inline constexpr std::size_t kBlock = 1024;

/// Parts into which sums over all columns are cut, whatever the number of threads.
inline constexpr std::size_t kStripes = 32;

/// Columns of a stripe, a whole number of blocks.
inline std::size_t StripeSize(std::size_t size) {
  const std::size_t blocks = (size + kBlock - 1) / kBlock;
  return std::max<std::size_t>(1, (blocks + kStripes - 1) / kStripes) * kBlock;
}

/// Cuts `size` columns into pieces of `piece` and spreads them over the threads. `make()` gives
/// each thread its worker with scratch memory of its own, which is called with begin and end of
/// pieces.
template <typename Make>
void ForEachPiece(Workers& workers, std::size_t size, std::size_t piece, const Make& make) {
  std::atomic<std::size_t> next{0};
  workers.Run([&] {
    auto work = make();
    for (;;) {
      const std::size_t begin = next.fetch_add(piece);
      if (begin >= size) {
        return;
      }
      work(begin, std::min(begin + piece, size));
    }
  });
}

/// result[i] = sum over stripes of what `work(begin, end, sums)` adds to sums[i], in order of
/// stripes. Memory  kStripes * results doubles.
template <typename Make>
std::vector<double> SumOverColumns(Workers& workers,
                                   std::size_t size,
                                   std::size_t results,
                                   const Make& make) {
  const std::size_t stripe = StripeSize(size);
  std::vector<double> partial(kStripes * results, 0.0);
  ForEachPiece(workers, size, stripe, [&] {
    return [&, work = make()](std::size_t begin, std::size_t end) mutable {
      work(begin, end, std::span(partial).subspan(begin / stripe * results, results));
    };
  });
  std::vector<double> sums(results, 0.0);
  for (std::size_t part = 0; part < kStripes; ++part) {
    for (std::size_t i = 0; i < results; ++i) {
      sums[i] += partial[part * results + i];
    }
  }
  return sums;
}

}  // namespace rondo::coordinator
