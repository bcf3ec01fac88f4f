#include "coordinator/aggregators/columns.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "common/core/clones.h"

namespace rondo::coordinator {
namespace {

/// Groups of columns that a thread copies at a time: whole pages of a row while all fit its cache.
std::size_t GroupsAtATime(std::size_t rows) {
  constexpr std::size_t kCopyBytes = 512 << 10;
  return std::clamp<std::size_t>(kCopyBytes / (rows * sizeof(Lanes)), 1, 64);
}

// Lanes as one vector of integers: compilers leave loops of minima scalar.
typedef std::int32_t Keys __attribute__((vector_size(sizeof(Lanes)), may_alias));
typedef std::int32_t KeysAnywhere
    __attribute__((vector_size(sizeof(Lanes)), aligned(4), may_alias));

/// Copies a piece of a row, every kColumnLanes numbers to the next group.
RONDO_CLONES void Scatter(const float* row, std::size_t groups, Lanes* to, std::size_t stride) {
  for (std::size_t group = 0; group < groups; ++group) {
    const KeysAnywhere* const from =
        reinterpret_cast<const KeysAnywhere*>(row + group * kColumnLanes);
    *reinterpret_cast<Keys*>(to + group * stride) = *from;
  }
}

/// Turns floats into integers of the same order, and back.
RONDO_CLONES void Flip(const Lanes* from, std::size_t size, Lanes* to) {
  for (std::size_t i = 0; i < size; ++i) {
    const Keys bits = *reinterpret_cast<const Keys*>(from + i);
    *reinterpret_cast<Keys*>(to + i) = bits ^ ((bits >> 31) & 0x7fffffff);
  }
}

RONDO_CLONES void Order(const Comparator* network, std::size_t size, Lanes* keys) {
  for (std::size_t at = 0; at < size; ++at) {
    Keys& low = *reinterpret_cast<Keys*>(keys + network[at].low);
    Keys& high = *reinterpret_cast<Keys*>(keys + network[at].high);
    const Keys a = low;
    const Keys b = high;
    low = a < b ? a : b;
    high = a < b ? b : a;
  }
}

/// Of each lane: the distance from the median within which `keep` values lie. The nearest `keep`
/// are neighbours in sorted order, so it is the least of all windows' larger ends.
RONDO_CLONES void Reach(const Lanes* __restrict sorted,
                        std::size_t rows,
                        std::size_t keep,
                        const Lanes& median,
                        Lanes& __restrict reach) {
  for (float& end : reach.at) {
    end = std::numeric_limits<float>::infinity();
  }
  for (std::size_t first = 0; first + keep <= rows; ++first) {
    const Lanes& low = sorted[first];
    const Lanes& high = sorted[first + keep - 1];
    for (std::size_t lane = 0; lane < kColumnLanes; ++lane) {
      const float below = std::abs(low.at[lane] - median.at[lane]);
      const float above = std::abs(high.at[lane] - median.at[lane]);
      const float end = below > above ? below : above;
      reach.at[lane] = end < reach.at[lane] ? end : reach.at[lane];
    }
  }
}

/// room[lane] = keep minus the number of values nearer than reach.
RONDO_CLONES void CountRoom(const Lanes* __restrict values,
                            std::size_t rows,
                            std::size_t keep,
                            const Lanes& median,
                            const Lanes& reach,
                            std::int32_t* __restrict room) {
  for (std::size_t lane = 0; lane < kColumnLanes; ++lane) {
    room[lane] = static_cast<std::int32_t>(keep);
  }
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t lane = 0; lane < kColumnLanes; ++lane) {
      const float distance = std::abs(values[i].at[lane] - median.at[lane]);
      room[lane] -= distance < reach.at[lane] ? 1 : 0;
    }
  }
}

/// Sums what is nearer than reach, and of what is as far the first `room`.
RONDO_CLONES void SumNear(const Lanes* __restrict values,
                          std::size_t rows,
                          const Lanes& median,
                          const Lanes& reach,
                          std::int32_t* __restrict room,
                          double* __restrict sums) {
  for (std::size_t lane = 0; lane < kColumnLanes; ++lane) {
    sums[lane] = 0.0;
  }
  for (std::size_t i = 0; i < rows; ++i) {
    float taken[kColumnLanes];
    for (std::size_t lane = 0; lane < kColumnLanes; ++lane) {
      const float value = values[i].at[lane];
      const float distance = std::abs(value - median.at[lane]);
      const std::int32_t tied = (distance == reach.at[lane] ? 1 : 0) & (room[lane] > 0 ? 1 : 0);
      room[lane] -= tied;
      taken[lane] = (tied | (distance < reach.at[lane] ? 1 : 0)) != 0 ? value : 0.0F;
    }
    for (std::size_t lane = 0; lane < kColumnLanes; ++lane) {
      sums[lane] += static_cast<double>(taken[lane]);
    }
  }
}

void NearMedian(const ColumnGroup& group, std::size_t keep, Lanes& out) {
  const Lanes& low = group.sorted[(group.rows - 1) / 2];
  const Lanes& high = group.sorted[group.rows / 2];
  Lanes median;
  for (std::size_t lane = 0; lane < kColumnLanes; ++lane) {
    const double sum = static_cast<double>(low.at[lane]) + static_cast<double>(high.at[lane]);
    median.at[lane] = static_cast<float>(sum / 2.0);
  }
  Lanes reach;
  std::int32_t room[kColumnLanes];
  double sums[kColumnLanes];
  Reach(group.sorted, group.rows, keep, median, reach);
  CountRoom(group.values, group.rows, keep, median, reach, room);
  SumNear(group.values, group.rows, median, reach, room, sums);
  for (std::size_t lane = 0; lane < kColumnLanes; ++lane) {
    out.at[lane] = static_cast<float>(sums[lane] / static_cast<double>(keep));
  }
}

/// Calls `add(low, high)` for each comparator of Batcher's merge exchange, in order.
template <typename Add>
void MergeExchange(std::size_t wires, const Add& add) {
  if (wires < 2) {
    return;
  }
  const std::size_t top = std::bit_ceil(wires) / 2;
  for (std::size_t p = top; p > 0; p /= 2) {
    std::size_t q = top;
    std::size_t r = 0;
    std::size_t d = p;
    for (;;) {
      for (std::size_t i = 0; i + d < wires; ++i) {
        if ((i & p) == r) {
          add(i, i + d);
        }
      }
      if (q == p) {
        break;
      }
      d = q - p;
      q /= 2;
      r = p;
    }
  }
}

}  // namespace

Network SelectionNetwork(std::size_t wires, std::size_t first, std::size_t last) {
  std::vector<Comparator> all;
  MergeExchange(wires, [&](std::size_t low, std::size_t high) {
    all.push_back({static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(high)});
  });
  std::vector<char> wanted(wires, 0);
  std::fill(wanted.begin() + static_cast<std::ptrdiff_t>(first),
            wanted.begin() + static_cast<std::ptrdiff_t>(last),
            char{1});
  std::vector<Comparator> needed;
  for (auto comparator = all.rbegin(); comparator != all.rend(); ++comparator) {
    if (wanted[comparator->low] != 0 || wanted[comparator->high] != 0) {
      wanted[comparator->low] = 1;
      wanted[comparator->high] = 1;
      needed.push_back(*comparator);
    }
  }
  std::reverse(needed.begin(), needed.end());
  return {.comparators = std::move(needed), .first = first, .last = last};
}

Network MedianNetwork(std::size_t wires) {
  return SelectionNetwork(wires, (wires - 1) / 2, wires / 2 + 1);
}

RONDO_CLONES void MiddleOfSorted(const ColumnGroup& group, std::size_t /*parameter*/, Lanes& out) {
  const Lanes& low = group.sorted[(group.rows - 1) / 2];
  const Lanes& high = group.sorted[group.rows / 2];
  for (std::size_t lane = 0; lane < kColumnLanes; ++lane) {
    const double sum = static_cast<double>(low.at[lane]) + static_cast<double>(high.at[lane]);
    out.at[lane] = static_cast<float>(sum / 2.0);
  }
}

void ColumnReducer::Reduce(std::span<const float* const> rows,
                           const Network& network,
                           std::size_t begin,
                           std::span<float> out) {
  Load(rows, begin, out.size());
  sorted_.resize(std::max(sorted_.size(), rows.size()));
  const Lanes* values = values_.data();
  for (std::size_t first = 0; first < out.size(); first += kColumnLanes, values += rows.size()) {
    Flip(values, rows.size(), sorted_.data());
    Order(network.comparators.data(), network.comparators.size(), sorted_.data());
    Lanes* const wanted = sorted_.data() + network.first;
    Flip(wanted, network.last - network.first, wanted);
    Lanes result;
    rule_({.sorted = sorted_.data(), .values = values, .rows = rows.size()}, parameter_, result);
    std::copy_n(result.at, std::min(kColumnLanes, out.size() - first), out.data() + first);
  }
}

/// Row by row, as memory likes it; groups one after the other.
void ColumnReducer::Load(std::span<const float* const> rows, std::size_t begin, std::size_t count) {
  const std::size_t whole = count / kColumnLanes;
  const std::size_t rest = count % kColumnLanes;
  values_.resize(std::max(values_.size(), rows.size() * (whole + (rest > 0 ? 1 : 0))));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const float* const row = rows[i] + begin;
    Scatter(row, whole, values_.data() + i, rows.size());
    if (rest > 0) {
      std::copy_n(row + count - rest, rest, values_[whole * rows.size() + i].at);
    }
  }
}

void ReduceColumns(std::span<float* const> rows,
                   const Network& network,
                   ColumnRule rule,
                   std::size_t parameter,
                   Workers& workers,
                   std::span<float> out) {
  const std::vector<const float*> from(rows.begin(), rows.end());
  ForEachPiece(workers, out.size(), GroupsAtATime(rows.size()) * kColumnLanes, [&] {
    return
        [&, reducer = ColumnReducer(rule, parameter)](std::size_t begin, std::size_t end) mutable {
          reducer.Reduce(from, network, begin, out.subspan(begin, end - begin));
        };
  });
}

void MeanAroundMedian(std::span<float* const> rows,
                      std::size_t keep,
                      Workers& workers,
                      std::span<float> out) {
  ReduceColumns(
      rows, SelectionNetwork(rows.size(), 0, rows.size()), &NearMedian, keep, workers, out);
}

}  // namespace rondo::coordinator
