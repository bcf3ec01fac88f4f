#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "coordinator/aggregators/updates.h"

/// The loops in which rules over single updates spend their time.
namespace rondo::coordinator {

/// sums[k] = sum over rows i of factors[i] * rows[i][begin + k], for `count` columns, in order of
/// rows.
void CombineBlock(std::span<float* const> rows,
                  std::span<const double> factors,
                  std::size_t begin,
                  std::size_t count,
                  double* sums);

/// squares[i] += sum over `count` columns of (rows[i][begin + k] - centre[k])^2.
void AddSquaredDistances(std::span<float* const> rows,
                         const double* centre,
                         std::size_t begin,
                         std::size_t count,
                         double* squares);

/// values[k] rounded to float.
void RoundTo(const double* values, std::size_t count, float* rounded);

/// out = sum over rows of factors * row. Memory  two blocks a thread.
void Combine(const Updates& updates,
             std::span<const double> factors,
             Workers& workers,
             std::span<float> out);

/// The plain mean of the rows with these indices, in their order. Memory  as Combine.
void MeanOf(const Updates& updates,
            std::span<const std::size_t> chosen,
            Workers& workers,
            std::span<float> out);

/// The squared L2 norm of each row.
std::vector<double> SquaredNorms(const Updates& updates, Workers& workers);

/// Squared L2 distances of all pairs of rows.
class DistanceTable {
 public:
  explicit DistanceTable(std::size_t rows) : rows_(rows), values_(rows * rows, 0.0) {}

  std::size_t rows() const { return rows_; }

  double at(std::size_t a, std::size_t b) const { return values_[a * rows_ + b]; }

  void Set(std::size_t a, std::size_t b, double value) {
    values_[a * rows_ + b] = value;
    values_[b * rows_ + a] = value;
  }

 private:
  std::size_t rows_;
  std::vector<double> values_;
};

/// From differences, never from norms and products, which cancel where updates are alike: float
/// inside a block, double over blocks. Memory  kStripes * n^2 / 2 doubles.
DistanceTable PairwiseDistances(std::vector<const float*> rows, std::size_t size, Workers& workers);
DistanceTable PairwiseDistances(const Updates& updates, Workers& workers);

}  // namespace rondo::coordinator
