#include "common/metrics/baselines/popularity.h"

#include <algorithm>

#include "common/core/check.h"

namespace rondo {

std::vector<float> CountItems(const Dataset& dataset) {
  std::vector<float> counts(static_cast<std::size_t>(dataset.catalogue->items()) + 1, 0.0F);
  for (const UserSequence& user : dataset.users) {
    for (const ItemRow row : user.train()) {
      counts[static_cast<std::size_t>(row)] += row > 0 ? 1.0F : 0.0F;
    }
  }
  return counts;
}

Status Popularity::Score(std::span<const History> histories, std::span<float> scores) {
  RONDO_CHECK(scores.size() == histories.size() * counts_.size()) << "scores are [histories, rows]";
  for (std::size_t i = 0; i < histories.size(); ++i) {
    std::copy(counts_.begin(),
              counts_.end(),
              scores.begin() + static_cast<std::ptrdiff_t>(i * counts_.size()));
  }
  return Ok();
}

}  // namespace rondo
