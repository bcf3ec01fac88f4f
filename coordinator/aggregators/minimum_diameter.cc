#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "coordinator/aggregators/kernels.h"
#include "coordinator/aggregators/rules.h"

namespace rondo::coordinator {
namespace {

/// Looks through all subsets of a size in order of rows, and leaves those that are too wide early.
class SubsetSearch {
 public:
  SubsetSearch(const DistanceTable& distances, std::size_t size)
      : distances_(distances),
        size_(size) {}

  std::vector<std::size_t> Best() {
    Extend(0, 0.0);
    return best_;
  }

 private:
  void Extend(std::size_t from, double diameter) {
    if (chosen_.size() == size_) {
      if (best_.empty() || diameter < best_diameter_) {
        best_ = chosen_;
        best_diameter_ = diameter;
      }
      return;
    }
    const std::size_t missing = size_ - chosen_.size();
    for (std::size_t row = from; row + missing <= distances_.rows(); ++row) {
      double wider = diameter;
      for (const std::size_t other : chosen_) {
        wider = std::max(wider, distances_.at(row, other));
      }
      if (best_.empty() || wider < best_diameter_) {
        chosen_.push_back(row);
        Extend(row + 1, wider);
        chosen_.pop_back();
      }
    }
  }

  const DistanceTable& distances_;
  std::size_t size_;
  std::vector<std::size_t> chosen_;
  std::vector<std::size_t> best_;
  double best_diameter_ = std::numeric_limits<double>::infinity();
};

}  // namespace

double Subsets(std::size_t n, std::size_t f) {
  double number = 1.0;
  for (std::size_t i = 1; i <= std::min(f, n); ++i) {
    number *= static_cast<double>(n - i + 1) / static_cast<double>(i);
  }
  return std::round(number);
}

std::string TooManySubsets(std::size_t n, std::size_t f) {
  return fmt::format(
      "strategy.aggregator: mda would try {:.0f} subsets of {} updates with f = {}, "
      "at most {:.0f} are allowed; lower strategy.f or use another aggregator",
      Subsets(n, f),
      n,
      f,
      kMostSubsets);
}

Status MinimumDiameter(const Updates& updates, const RuleContext& context, std::span<float> out) {
  const std::size_t n = updates.count();
  const std::size_t left_out = std::min(static_cast<std::size_t>(context.config.f), n - 1);
  if (Subsets(n, left_out) > kMostSubsets) {
    return Fail(ErrorCode::kUnsupported, TooManySubsets(n, left_out));
  }
  const DistanceTable distances = PairwiseDistances(updates, context.workers);
  MeanOf(updates, SubsetSearch(distances, n - left_out).Best(), context.workers, out);
  return Ok();
}

}  // namespace rondo::coordinator
