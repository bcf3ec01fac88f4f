#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/data/dataset.h"
#include "common/data/item_features.h"
#include "common/federated/task.h"
#include "common/metrics/scorer.h"
#include "common/model/ranks.h"

namespace rondo {

/// Where LibTorch runs, and with what.
struct DeviceInfo {
  std::string device;  ///< "cpu" or "cuda:<number>"
  std::string blas;    ///< the library that serves sgemm, e.g. "OpenBLAS 0.3.21 (libopenblas.so.0)"
                       ///< or "reference"
  bool slow_blas = false;
};

/// Resolves engine.device ("auto" | "cpu" | "cuda" | "cuda:<number>"), applies engine.precision,
/// sets LibTorch threads to 1 and tunes the allocator. Call once, first.
/// Errors  kInvalidArgument for an unknown word, and for a precision that the CPU does not have;
/// kUnavailable for "cuda" without a GPU.
Result<DeviceInfo> PrepareTorch(const EngineConfig& engine);

/// The device that the rank-th process of a machine takes, so that each has a GPU of its own while
/// there are any left: `device` itself if that is the CPU.
std::string DeviceOfRank(const std::string& device, int rank);

/// The local data of one client: each sequence is one user's training rows, oldest first.
struct ClientData {
  ClientId id;
  std::vector<std::span<const ItemRow>> sequences;
  /// Empty: negatives are drawn. Else one span a sequence with `negatives` items a target, to
  /// replay a workload exactly; used by the benchmarks.
  std::vector<std::span<const ItemRow>> negatives;
  /// Empty: every row is input and target. Else one span a sequence, empty or one role a row.
  std::vector<std::span<const EventRole>> roles;
  /// Empty, or one span a sequence: items of its user's negative feedback.
  std::vector<std::span<const ItemRow>> feedback;
  /// Empty, or one number a parameter that is added to every gradient of the client.
  std::span<const float> correction;
  /// Empty, or one number a parameter, of which those of the personal ones replace the broadcast.
  std::span<const float> personal;

  /// Appends a user's training rows with their roles and negative feedback. Views into `user`.
  void Add(const UserSequence& user) {
    sequences.push_back(user.train());
    roles.push_back(std::span(user.roles).first(std::min(user.roles.size(), user.train_size)));
    feedback.emplace_back(user.negatives);
  }
};

/// What one client did, for reports. Never holds rows or ids of items.
struct ClientReport {
  ClientId id;
  std::uint64_t weight = 0;
  std::uint64_t positions = 0;
  std::uint64_t steps = 0;
  double loss = 0.0;         ///< mean over positions of the last epoch (or step)
  double update_norm = 0.0;  ///< L2 before clipping; 0 where packs share weights and no norm exists
  double seconds = 0.0;
};

struct CohortOutcome {
  UpdateSum sum;  ///< of all clients, block kDeltaBlock; empty if singles were asked for
  std::vector<std::vector<float>>
      deltas;  ///< one clipped, unweighted delta a client, if singles were asked for
  std::vector<ClientReport> clients;
  std::vector<std::pair<ClientId, Error>> failed;  ///< e.g. kDiverged; not part of the sum
};

enum class UpdateVisibility : std::uint8_t { kSumOnly, kIndividual };

/// Is shown the weights of a client after `epochs` epochs; false ends its training.
using EpochWatch = std::function<bool(int epochs, const ParameterVector& model)>;

/// Trains many clients at a time, each with its own weights as a slice of a [C, ...] tensor.
/// A real client is C = 1. Holds LibTorch behind a pimpl. Not thread-safe; spreads packs over its
/// own threads.
class CohortTrainer {
 public:
  struct Options {
    ModelConfig model;
    std::int64_t items = 0;
    EngineConfig engine;                                     ///< threads, memory_mib, device
    std::shared_ptr<const ItemFeatures> features = nullptr;  ///< of model.features; null: none
    /// With whom the packs of a cohort are shared; null: with nobody. All of them call Train with
    /// the same arguments, and the first gets what all did.
    Ranks* ranks = nullptr;
    bool as_gpu = false;  ///< on the CPU, too, fold and rank with the tensor operations of a GPU
  };

  static Result<std::unique_ptr<CohortTrainer>> Create(const Options& options);
  virtual ~CohortTrainer() = default;

  /// The result depends on broadcast, clients and task alone: not on threads or ranks, not on the
  /// order of clients. Errors  kInvalidArgument if the layout is not the model's; kCancelled.
  virtual Result<CohortOutcome> Train(const Broadcast& broadcast,
                                      std::span<const ClientData> clients,
                                      const TrainTask& task,
                                      UpdateVisibility visibility,
                                      std::stop_token stop) = 0;

  /// Trains one client as Train does, with one local optimiser from the first epoch to the last,
  /// and shows its weights to `watch` after every `every` epochs: for an owner who looks for the
  /// best number of them. Errors  as Train, and those of the client.
  virtual Status Fit(const Broadcast& broadcast,
                     const ClientData& client,
                     const TrainTask& task,
                     int every,
                     const EpochWatch& watch,
                     std::stop_token stop) = 0;
};

/// The layout of the model that the options describe. Errors  those of ModelLayout.
Result<std::shared_ptr<const ParameterLayout>> LayoutOf(const CohortTrainer::Options& options);

/// The attention recommender as a scorer, with the weights of `model`.
Result<std::unique_ptr<Scorer>> MakeModelScorer(const CohortTrainer::Options& options,
                                                const ParameterVector& model);

}  // namespace rondo
