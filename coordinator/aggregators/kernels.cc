#include "coordinator/aggregators/kernels.h"

#include <array>

#include "common/core/clones.h"

namespace rondo::coordinator {
namespace {

RONDO_CLONES void AddFour(double* __restrict sums,
                          const float* __restrict a,
                          const float* __restrict b,
                          const float* __restrict c,
                          const float* __restrict d,
                          const double* factors,
                          std::size_t count) {
  const double fa = factors[0];
  const double fb = factors[1];
  const double fc = factors[2];
  const double fd = factors[3];
  for (std::size_t k = 0; k < count; ++k) {
    double sum = sums[k] + fa * a[k];
    sum += fb * b[k];
    sum += fc * c[k];
    sums[k] = sum + fd * d[k];
  }
}

RONDO_CLONES void AddOne(double* __restrict sums,
                         const float* __restrict a,
                         double factor,
                         std::size_t count) {
  for (std::size_t k = 0; k < count; ++k) {
    sums[k] += factor * a[k];
  }
}

constexpr std::size_t kLanes = 8;

RONDO_CLONES double SquaredDistance(const float* __restrict row,
                                    const double* __restrict centre,
                                    std::size_t count) {
  std::array<double, kLanes> sums{};
  const std::size_t whole = count / kLanes * kLanes;
  for (std::size_t k = 0; k < whole; k += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double difference = row[k + lane] - centre[k + lane];
      sums[lane] += difference * difference;
    }
  }
  for (std::size_t k = whole; k < count; ++k) {
    const double difference = row[k] - centre[k];
    sums[k - whole] += difference * difference;
  }
  double total = 0.0;
  for (const double sum : sums) {
    total += sum;
  }
  return total;
}

RONDO_CLONES void RoundAll(const double* __restrict values,
                           std::size_t count,
                           float* __restrict rounded) {
  for (std::size_t k = 0; k < count; ++k) {
    rounded[k] = static_cast<float>(values[k]);
  }
}

}  // namespace

void RoundTo(const double* values, std::size_t count, float* rounded) {
  RoundAll(values, count, rounded);
}

void CombineBlock(std::span<float* const> rows,
                  std::span<const double> factors,
                  std::size_t begin,
                  std::size_t count,
                  double* sums) {
  std::fill_n(sums, count, 0.0);
  std::size_t i = 0;
  for (; i + 4 <= rows.size(); i += 4) {
    AddFour(sums,
            rows[i] + begin,
            rows[i + 1] + begin,
            rows[i + 2] + begin,
            rows[i + 3] + begin,
            factors.data() + i,
            count);
  }
  for (; i < rows.size(); ++i) {
    AddOne(sums, rows[i] + begin, factors[i], count);
  }
}

void AddSquaredDistances(std::span<float* const> rows,
                         const double* centre,
                         std::size_t begin,
                         std::size_t count,
                         double* squares) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    squares[i] += SquaredDistance(rows[i] + begin, centre, count);
  }
}

void Combine(const Updates& updates,
             std::span<const double> factors,
             Workers& workers,
             std::span<float> out) {
  ForEachPiece(workers, updates.size, kBlock, [&] {
    return [&, sums = std::vector<double>(kBlock)](std::size_t begin, std::size_t end) mutable {
      CombineBlock(updates.rows, factors, begin, end - begin, sums.data());
      RoundTo(sums.data(), end - begin, out.data() + begin);
    };
  });
}

void MeanOf(const Updates& updates,
            std::span<const std::size_t> chosen,
            Workers& workers,
            std::span<float> out) {
  Updates some{.size = updates.size};
  for (const std::size_t index : chosen) {
    some.rows.push_back(updates.rows[index]);
  }
  const std::vector<double> ones(chosen.size(), 1.0);
  const auto number = static_cast<double>(chosen.size());
  ForEachPiece(workers, updates.size, kBlock, [&] {
    return [&, sums = std::vector<double>(kBlock)](std::size_t begin, std::size_t end) mutable {
      CombineBlock(some.rows, ones, begin, end - begin, sums.data());
      for (std::size_t k = 0; k < end - begin; ++k) {
        sums[k] /= number;
      }
      RoundTo(sums.data(), end - begin, out.data() + begin);
    };
  });
}

std::vector<double> SquaredNorms(const Updates& updates, Workers& workers) {
  const std::vector<double> zero(kBlock, 0.0);
  return SumOverColumns(workers, updates.size, updates.count(), [&] {
    return [&](std::size_t begin, std::size_t end, std::span<double> sums) {
      for (std::size_t at = begin; at < end; at += kBlock) {
        AddSquaredDistances(updates.rows, zero.data(), at, std::min(kBlock, end - at), sums.data());
      }
    };
  });
}

}  // namespace rondo::coordinator
