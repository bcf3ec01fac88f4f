#pragma once

#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "common/data/dataset.h"
#include "common/metrics/scorer.h"

namespace rondo::testing {

/// A user of a hand-made data set, as catalogue rows.
struct HandMadeUser {
  std::vector<ItemRow> train;
  std::vector<ItemRow> validation;
};

/// Items are called "i1" .. "iN" in row order.
inline Dataset HandMadeDataset(int items, const std::vector<HandMadeUser>& users) {
  std::vector<std::string> ids;
  for (int i = 1; i <= items; ++i) {
    ids.push_back("i" + std::to_string(i));
  }
  Dataset dataset;
  dataset.catalogue = std::make_shared<const Catalogue>(Catalogue::Create(std::move(ids)).value());
  for (const HandMadeUser& hand_made : users) {
    UserSequence& user = dataset.users.emplace_back();
    user.user = "u" + std::to_string(dataset.users.size());
    user.rows = hand_made.train;
    user.rows.insert(user.rows.end(), hand_made.validation.begin(), hand_made.validation.end());
    user.train_size = hand_made.train.size();
    user.times.resize(user.rows.size());
    std::iota(user.times.begin(), user.times.end(), 0.0);
  }
  return dataset;
}

/// Scores by a function of the history and the row.
template <typename Function>
class FunctionScorer : public Scorer {
 public:
  explicit FunctionScorer(Function function) : function_(std::move(function)) {}

  Status Score(std::span<const History> histories, std::span<float> scores) override {
    const std::size_t rows = histories.empty() ? 0 : scores.size() / histories.size();
    for (std::size_t i = 0; i < scores.size(); ++i) {
      scores[i] = function_(histories[i / rows], static_cast<ItemRow>(i % rows));
    }
    return Ok();
  }

 private:
  Function function_;
};

}  // namespace rondo::testing
