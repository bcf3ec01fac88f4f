#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "client/local_work.h"
#include "common/metrics/evaluate.h"
#include "common/metrics/intervals.h"

/// Is joining worth it? The same users, the same held-out events, five ways to recommend.
namespace rondo::client {

struct WorthOptions {
  CohortTrainer::Options model;
  /// Of the local-only model and of fine-tuning; the number of epochs is found on validation.
  ClientConfig training{.batch_size = 32, .optimizer = "adam", .learning_rate = 1e-3};
  std::uint64_t seed = 1;
  int epochs_a_look = 2;      ///< between two validations
  int most_looks_alone = 30;  ///< validations of the local-only model at most
  int most_looks_tuned = 10;  ///< the same for fine-tuning
  int patience = 3;           ///< validations without progress that end training
  int resamples = 1000;
};

struct MethodScore {
  std::string
      name;       ///< "local only", "federated", "federated + fine-tuned", "popularity", "markov1"
  Interval ndcg;  ///< NDCG@10 over users, full catalogue, test split, 95 %
  Interval hit_rate;
  Interval behind_federated;     ///< NDCG@10 of federated minus this one, paired by user
  double validation_ndcg = 0.0;  ///< what the choice of a method goes by
};

/// What the owner would use without the federation and within it, and what the difference is.
struct Choice {
  std::string alone;
  std::string joined;
  double alone_ndcg = 0.0;
  Interval gain;  ///< test NDCG@10 of `joined` minus `alone`, paired by user
};

struct WorthReport {
  std::vector<MethodScore> methods;
  Choice choice;
  std::uint64_t users = 0;
  bool noisy = false;   ///< fewer than 20 users: intervals mean little
  std::string verdict;  ///< a plain sentence
};

/// Trains and scores. The number of training passes and the best method on each side are chosen on
/// the validation split; the test split is opened once, at the end. `federated` is the model as
/// this client uses it, with its personal parameters.
///
/// Errors  kFailedPrecondition if no user has a held-out event; those of trainers and scorers.
Result<WorthReport> MeasureWorth(const ParameterVector& federated,
                                 LoadedData& data,
                                 const TrainerFactory& trainers,
                                 const ScorerFactory& scorers,
                                 const WorthOptions& options);

/// The sentence that follows from the interval of the gain.
std::string Verdict(const Choice& choice);

std::string WorthText(const WorthReport& report);

/// {"schema_version", "users", "verdict", "choice": {"alone", "joined", "gain": [mean, low, high]},
///  "methods": [{"name", "ndcg@10": [mean, low, high], "hr@10": [...],
///               "federated_minus_this": [...], "validation_ndcg@10"}]}
std::string WorthJson(const WorthReport& report);

}  // namespace rondo::client
