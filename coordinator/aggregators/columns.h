#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "coordinator/aggregators/updates.h"

/// Rules that look at each coordinate alone: a vector lane is a coordinate, and a sorting network
/// orders the values of sixteen coordinates at a time without a branch.
namespace rondo::coordinator {

inline constexpr std::size_t kColumnLanes = 16;

/// Puts the smaller value on `low`.
struct Comparator {
  std::uint32_t low;
  std::uint32_t high;
};

/// Comparators after which wires `first` to `last` - 1 hold what they would after sorting; the
/// other wires hold the rest in some order.
struct Network {
  std::vector<Comparator> comparators;
  std::size_t first;
  std::size_t last;
};

/// Source  Knuth, The Art of Computer Programming 3, 5.2.2, algorithm M (Batcher's merge exchange);
/// comparators that no wanted wire depends on are left out.
Network SelectionNetwork(std::size_t wires, std::size_t first, std::size_t last);

/// One value of each of kColumnLanes coordinates, as wide as a cache line.
struct alignas(64) Lanes {
  float at[kColumnLanes];
};

/// The values of kColumnLanes coordinates, one Lanes a row.
struct ColumnGroup {
  const Lanes* sorted;  ///< through the network; only the wires that it was made for
  const Lanes* values;  ///< in order of rows
  std::size_t rows;
};

/// Turns a group into kColumnLanes results; `parameter` is the rule's own.
using ColumnRule = void (*)(const ColumnGroup& group, std::size_t parameter, Lanes& out);

/// out[k] = rule of column k over the rows. Numbers are in total order, -0 before 0.
/// Memory  a copy of at most 1024 columns a thread, 512 KiB where rows are many.
void ReduceColumns(std::span<float* const> rows,
                   const Network& network,
                   ColumnRule rule,
                   std::size_t parameter,
                   Workers& workers,
                   std::span<float> out);

/// The mean of the middle two of sorted values, for ReduceColumns and ColumnReducer.
void MiddleOfSorted(const ColumnGroup& group, std::size_t parameter, Lanes& out);

/// The network after which MiddleOfSorted finds the middle of so many values.
Network MedianNetwork(std::size_t wires);

/// What ReduceColumns does, for one thread and rows that change from call to call.
class ColumnReducer {
 public:
  ColumnReducer(ColumnRule rule, std::size_t parameter) : rule_(rule), parameter_(parameter) {}

  /// out[k] = rule of rows[..][begin + k], as many columns as `out` has.
  /// Requires network made for as many wires as there are rows.
  void Reduce(std::span<const float* const> rows,
              const Network& network,
              std::size_t begin,
              std::span<float> out);

 private:
  void Load(std::span<const float* const> rows, std::size_t begin, std::size_t count);

  ColumnRule rule_;
  std::size_t parameter_;
  std::vector<Lanes> values_;
  std::vector<Lanes> sorted_;
};

/// out[k] = mean of the `keep` values of column k that lie nearest to its median; of two values
/// equally far the one of the lower row. Distances are rounded to float.
void MeanAroundMedian(std::span<float* const> rows,
                      std::size_t keep,
                      Workers& workers,
                      std::span<float> out);

}  // namespace rondo::coordinator
