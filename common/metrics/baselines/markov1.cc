#include "common/metrics/baselines/markov1.h"

#include <algorithm>
#include <utility>

#include "common/core/check.h"

namespace rondo {

std::vector<Transition> CountTransitions(const Dataset& dataset) {
  std::vector<std::pair<ItemRow, ItemRow>> pairs;
  for (const UserSequence& user : dataset.users) {
    const std::span<const ItemRow> rows = user.train();
    for (std::size_t i = 1; i < rows.size(); ++i) {
      if (rows[i - 1] > 0 && rows[i] > 0) {
        pairs.emplace_back(rows[i - 1], rows[i]);
      }
    }
  }
  std::sort(pairs.begin(), pairs.end());
  std::vector<Transition> transitions;
  for (const auto& [from, to] : pairs) {
    if (transitions.empty() || transitions.back().from != from || transitions.back().to != to) {
      transitions.push_back({.from = from, .to = to});
    }
    ++transitions.back().count;
  }
  return transitions;
}

Markov1::Markov1(std::vector<Transition> transitions, std::vector<float> counts)
    : transitions_(std::move(transitions)),
      begin_(counts.size() + 1, 0),
      back_off_(std::move(counts)) {
  for (const Transition& transition : transitions_) {
    ++begin_[static_cast<std::size_t>(transition.from) + 1];
  }
  for (std::size_t row = 1; row < begin_.size(); ++row) {
    begin_[row] += begin_[row - 1];
  }
  const float most = *std::max_element(back_off_.begin(), back_off_.end());
  for (float& score : back_off_) {
    score /= most + 1.0F;
  }
}

Status Markov1::Score(std::span<const History> histories, std::span<float> scores) {
  const std::size_t rows = back_off_.size();
  RONDO_CHECK(scores.size() == histories.size() * rows) << "scores are [histories, rows]";
  for (std::size_t i = 0; i < histories.size(); ++i) {
    const std::span<float> out = scores.subspan(i * rows, rows);
    std::copy(back_off_.begin(), back_off_.end(), out.begin());
    if (histories[i].empty()) {
      continue;
    }
    const auto last = static_cast<std::size_t>(histories[i].back());
    for (std::size_t t = begin_[last]; t < begin_[last + 1]; ++t) {
      out[static_cast<std::size_t>(transitions_[t].to)] +=
          static_cast<float>(transitions_[t].count);
    }
  }
  return Ok();
}

}  // namespace rondo
