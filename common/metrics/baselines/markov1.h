#pragma once

#include <cstdint>
#include <vector>

#include "common/data/dataset.h"
#include "common/metrics/scorer.h"

namespace rondo {

/// One pair of neighbouring events and how often it was seen.
struct Transition {
  ItemRow from = 0;
  ItemRow to = 0;
  std::uint32_t count = 0;

  bool operator==(const Transition&) const = default;
};

/// Pairs of neighbouring training rows, sorted by (from, to): a plain sum over users, so that it
/// also runs as one federated round. Rows outside the catalogue break a pair.
std::vector<Transition> CountTransitions(const Dataset& dataset);

/// First-order Markov chain: the score of an item is how often it followed the last item of the
/// history.
///
/// Items that never followed it are ordered by popularity, below all that did.
class Markov1 : public Scorer {
 public:
  /// Shapes  counts [items + 1]; transitions sorted by (from, to).
  Markov1(std::vector<Transition> transitions, std::vector<float> counts);

  Status Score(std::span<const History> histories, std::span<float> scores) override;

 private:
  std::vector<Transition> transitions_;
  std::vector<std::size_t> begin_;  // [items + 2], of each `from`
  std::vector<float> back_off_;     // [items + 1], in [0, 1)
};

}  // namespace rondo
