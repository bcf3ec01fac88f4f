#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/ids.h"
#include "common/federated/parameters.h"
#include "common/federated/update_sum.h"

namespace rondo {

/// What every client of a cohort does in one training round. Travels in the offer.
struct TrainTask {
  RoundId round = 0;
  std::uint64_t seed = 1;       ///< dropout
  std::uint64_t data_seed = 1;  ///< batch order and negatives
  ClientConfig client;  ///< epochs, steps, optimiser, loss; `device` is the client's own affair
  double proximal_mu = 0.0;  ///< FedProx; 0: plain
  /// FedNova: the delta is divided by the client's local steps, which are a block of their own
  bool normalise = false;
  /// SCAFFOLD: local gradients are corrected by the control variates of server and client, and the
  /// change of the client's is a block of its own
  bool control_variates = false;
  double dynamic_alpha = 0.0;  ///< FedDyn; 0: none
  CompressionConfig compression;
  double dropout = 0.0;
  double clip_norm = 0.0;
  /// Standard deviation of the noise that the client adds to each coordinate of its weighted delta,
  /// in units of the delta; 0: none. Where the server adds it, or nobody, it is 0.
  double noise_stddev = 0.0;
  /// Adaptive clipping: whether the delta was within clip_norm, and so left whole, is a block of
  /// its own
  bool counts_unclipped = false;
  StrategyConfig weighting;  ///< only weighting, max_weight and weight_reference are read
  GridSpec grid;
};

enum class Split : std::uint8_t { kValidation = 0, kTest = 1 };

/// What every client of an evaluation round does.
struct EvaluateTask {
  RoundId round = 0;
  Split split = Split::kValidation;
  std::vector<std::string> protocols;
  std::vector<int> k;
  bool filter_seen = true;
  int fine_tune = 0;       ///< local epochs before the evaluation, by `client`
  ClientConfig client;     ///< if fine_tune > 0
  std::uint64_t seed = 1;  ///< of fine-tuning, as in TrainTask
  std::uint64_t data_seed = 1;
  GridSpec grid;
};

enum class OfferKind : std::uint8_t { kTrain = 0, kEvaluate = 1 };

/// An invitation to one client. The model it names has been or is being sent.
struct Offer {
  OfferKind kind = OfferKind::kTrain;
  RoundId round = 0;
  std::string model_sha256;
  TrainTask train;        ///< if kTrain
  EvaluateTask evaluate;  ///< if kEvaluate
};

/// The outcome of a round as announced to everyone who was invited. Client state that is pending on
/// the round is kept if the client is included, and discarded otherwise.
struct RoundResult {
  RoundId round = 0;
  bool is_void = false;
  bool included = false;
  std::string model_sha256;  ///< of the model after the round
};

/// What the server sends at the start of a round.
struct Broadcast {
  ParameterVector model;
  /// Vectors of the model's layout beside it, such as the server's control variate.
  std::vector<NamedVector> extra;
  std::string sha256;  ///< of the safetensors file of model and extra vectors
};

}  // namespace rondo
