#pragma once

#include <vector>

#include "common/data/dataset.h"
#include "common/metrics/scorer.h"

namespace rondo {

/// Training rows of each item: a plain sum over users, so that it also runs as one federated round.
/// Shapes  [items + 1].
std::vector<float> CountItems(const Dataset& dataset);

/// Ranks items by their count, whatever the history.
class Popularity : public Scorer {
 public:
  /// Shapes  counts [items + 1].
  explicit Popularity(std::vector<float> counts) : counts_(std::move(counts)) {}

  Status Score(std::span<const History> histories, std::span<float> scores) override;

 private:
  std::vector<float> counts_;
};

}  // namespace rondo
