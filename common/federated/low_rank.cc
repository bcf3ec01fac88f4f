#include "common/federated/low_rank.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/core/check.h"
#include "common/core/rng.h"

namespace rondo {
namespace {

struct TablePair {
  const ParameterEntry* whole;   // [rows, width]
  const ParameterEntry* sketch;  // [rows, rank]
};

/// A tensor in both layouts; its shapes differ where it is sketched.
TablePair PairOf(const ParameterLayout& whole, const ParameterEntry& sketch) {
  const ParameterEntry* const entry = whole.Find(sketch.name);
  RONDO_CHECK(entry != nullptr) << "a low-rank layout has the tensors of the whole one";
  return {.whole = entry, .sketch = &sketch};
}

/// out[r, b] = factor * sum over a of in[r, a] * q[a, b], or of in[r, b] * q[a, b] if `transposed`.
void Multiply(std::span<const float> in,
              std::span<const double> q,
              std::size_t width,
              std::size_t rank,
              bool transposed,
              std::span<float> out) {
  const std::size_t from = transposed ? rank : width;
  const std::size_t to = transposed ? width : rank;
  const double factor = transposed ? static_cast<double>(width) / static_cast<double>(rank) : 1.0;
  for (std::size_t row = 0; row * from < in.size(); ++row) {
    for (std::size_t b = 0; b < to; ++b) {
      double sum = 0.0;
      for (std::size_t a = 0; a < from; ++a) {
        sum += static_cast<double>(in[row * from + a])
               * (transposed ? q[b * rank + a] : q[a * rank + b]);
      }
      out[row * to + b] = static_cast<float>(sum * factor);
    }
  }
}

ParameterVector Move(const ParameterVector& from,
                     const std::shared_ptr<const ParameterLayout>& to,
                     std::uint64_t seed,
                     std::uint64_t round,
                     bool back) {
  ParameterVector moved{.layout = to, .values = std::vector<float>(to->size())};
  const ParameterLayout& whole = back ? *to : *from.layout;
  const ParameterLayout& sketches = back ? *from.layout : *to;
  for (const ParameterEntry& entry : sketches.entries()) {
    const TablePair pair = PairOf(whole, entry);
    const std::span<const float> in = from.Tensor(entry.name);
    const std::span<float> out = moved.Tensor(entry.name);
    if (pair.whole->size == pair.sketch->size) {
      std::copy(in.begin(), in.end(), out.begin());
      continue;
    }
    const std::int64_t width = pair.whole->shape[1];
    const std::int64_t rank = pair.sketch->shape[1];
    const std::vector<double> q = RandomProjection(seed, round, width, rank);
    Multiply(in, q, static_cast<std::size_t>(width), static_cast<std::size_t>(rank), back, out);
  }
  return moved;
}

}  // namespace

std::shared_ptr<const ParameterLayout> LowRankLayout(
    const std::shared_ptr<const ParameterLayout>& layout,
    std::int64_t rank) {
  std::vector<ParameterEntry> entries = layout->entries();
  bool smaller = false;
  for (ParameterEntry& entry : entries) {
    if (entry.row_addressable && entry.shape.size() == 2 && entry.shape[1] > rank) {
      entry.shape[1] = rank;
      smaller = true;
    }
  }
  if (!smaller) {
    return layout;
  }
  auto low_rank = ParameterLayout::Create(std::move(entries));
  RONDO_CHECK(low_rank.has_value()) << "a layout with fewer columns is a layout";
  return std::move(low_rank).value();
}

std::vector<double> RandomProjection(std::uint64_t seed,
                                     std::uint64_t round,
                                     std::int64_t width,
                                     std::int64_t rank) {
  const auto rows = static_cast<std::size_t>(width);
  const auto columns = static_cast<std::size_t>(rank);
  Rng rng({.seed = seed, .round = round, .purpose = Purpose::kProjection});
  std::vector<double> q(rows * columns);
  for (double& value : q) {
    value = rng.Normal();
  }
  // Gram-Schmidt, twice over earlier columns, which leaves them orthogonal to the last bits.
  for (std::size_t column = 0; column < columns; ++column) {
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t earlier = 0; earlier < column; ++earlier) {
        double product = 0.0;
        for (std::size_t row = 0; row < rows; ++row) {
          product += q[row * columns + column] * q[row * columns + earlier];
        }
        for (std::size_t row = 0; row < rows; ++row) {
          q[row * columns + column] -= product * q[row * columns + earlier];
        }
      }
    }
    double squares = 0.0;
    for (std::size_t row = 0; row < rows; ++row) {
      squares += q[row * columns + column] * q[row * columns + column];
    }
    for (std::size_t row = 0; row < rows; ++row) {
      q[row * columns + column] /= std::sqrt(squares);
    }
  }
  return q;
}

ParameterVector Project(const ParameterVector& whole,
                        const std::shared_ptr<const ParameterLayout>& low_rank,
                        std::uint64_t seed,
                        std::uint64_t round) {
  return Move(whole, low_rank, seed, round, false);
}

ParameterVector Unproject(const ParameterVector& sketch,
                          const std::shared_ptr<const ParameterLayout>& whole,
                          std::uint64_t seed,
                          std::uint64_t round) {
  return Move(sketch, whole, seed, round, true);
}

}  // namespace rondo
