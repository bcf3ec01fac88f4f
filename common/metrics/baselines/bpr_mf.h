#pragma once

#include <cstdint>
#include <vector>

#include "common/core/rng.h"
#include "common/data/dataset.h"
#include "common/metrics/scorer.h"

namespace rondo {

/// Matrix factorisation trained with the Bayesian personalised ranking loss by plain SGD.
///
///   score(j) = <u, q_j> + b_j;  a step raises ln sigmoid(score(i) - score(j)) for a training item
///   i of the user and a uniform item j that is none of the user's training items.
///
/// A scorer sees histories, not users: the user vector of a history is fitted by the same steps
/// with the items fixed
/// ("fold-in"), so that users from outside the training data are served too.
/// Source  Rendle et al. 2009, "BPR: Bayesian personalized ranking from implicit feedback".
class BprMf : public Scorer {
 public:
  struct Options {
    int factors = 64;
    int epochs = 40;          ///< passes over all training rows
    int fold_in_epochs = 20;  ///< passes over a history
    float learning_rate = 0.05F;
    float regularisation = 0.01F;
  };

  static BprMf Fit(const Dataset& dataset, std::uint64_t seed, const Options& options);

  Status Score(std::span<const History> histories, std::span<float> scores) override;

 private:
  BprMf(const Options& options, std::uint64_t seed, std::size_t rows);

  float* item(ItemRow row) { return items_.data() + static_cast<std::size_t>(row) * width_; }

  // One step; `train_items` is off in the fold-in.
  void Step(float* user, ItemRow positive, ItemRow negative, bool train_items);

  std::vector<float> FoldIn(History history);

  Options options_;
  std::uint64_t seed_;
  std::size_t rows_;
  std::size_t width_;
  std::vector<float> items_;  // [rows, width]
  std::vector<float> bias_;   // [rows]
};

}  // namespace rondo
