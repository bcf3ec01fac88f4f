#include "coordinator/aggregators/row_contribution.h"

#include "common/core/clones.h"

namespace rondo::coordinator {
namespace {

RONDO_CLONES double SquareSum(const float* row, std::size_t width) {
  constexpr std::size_t kLanes = 16;
  double lanes[kLanes] = {};
  std::size_t k = 0;
  for (; k + kLanes <= width; k += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const auto value = static_cast<double>(row[k + lane]);
      lanes[lane] += value * value;
    }
  }
  for (; k < width; ++k) {
    const auto value = static_cast<double>(row[k]);
    lanes[k % kLanes] += value * value;
  }
  double sum = 0.0;
  for (const double lane : lanes) {
    sum += lane;
  }
  return sum;
}

}  // namespace

std::vector<Table> TablesOf(const ParameterLayout& layout) {
  std::vector<Table> tables;
  for (const ParameterEntry& entry : layout.entries()) {
    if (entry.row_addressable) {
      const auto items = static_cast<std::size_t>(entry.shape.front());
      tables.push_back({.offset = entry.offset, .items = items, .width = entry.size / items});
    }
  }
  return tables;
}

void MarkContributions(std::span<const double> squares, std::span<char> marks) {
  double total = 0.0;
  for (const double square : squares) {
    total += square;
  }
  const auto rows = static_cast<double>(squares.size());
  for (std::size_t i = 0; i < squares.size(); ++i) {
    marks[i] = squares[i] > 0.0 && squares[i] * rows >= total ? 1 : 0;
  }
}

void RowSquares(std::span<const float> table, std::size_t width, std::span<double> squares) {
  for (std::size_t i = 0; i < squares.size(); ++i) {
    squares[i] = SquareSum(table.data() + i * width, width);
  }
}

}  // namespace rondo::coordinator
