#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/bytes.h"
#include "common/core/result.h"
#include "common/core/rng.h"
#include "common/federated/task.h"
#include "common/federated/update_sum.h"

/// What a client's round consists of besides training: what its own vectors add to it, and what is
/// made of the delta. Simulated and real clients share it.
namespace rondo {

/// What a client keeps from round to round, by name: a control variate, a residual, its personal
/// weights.
using ClientVectors = std::vector<NamedVector>;

/// Null if there is none of this name.
const ParameterVector* FindVector(const ClientVectors& vectors, std::string_view name);

/// Replaces the vector of this name, or appends it.
void SetVector(ClientVectors& vectors, std::string_view name, ParameterVector vector);

/// The client's own weights of the personal parameters.
inline constexpr std::string_view kPersonalVector = "personal";

/// What every contribution to a task holds.
struct BlockShape {
  std::string name;
  std::shared_ptr<const ParameterLayout> layout;
  Scaling scaling = Scaling::kByWeight;
  bool packed = false;  ///< goes over the wire as PackUpdate encodes it
};

/// The blocks of a training task, the delta first. `model` is the layout of the whole model.
std::vector<BlockShape> BlocksOfTask(const TrainTask& task,
                                     const std::shared_ptr<const ParameterLayout>& model);

/// Whether clients keep vectors of their own for such tasks.
bool KeepsVectors(const TrainTask& task, const ParameterLayout& model);

/// Whether anything is made of the delta of a single client, so that a sum over clients is not
/// enough.
bool NeedsSingleDeltas(const TrainTask& task, const ParameterLayout& model);

/// What a client's own vectors change about its training; each empty or as long as the model.
struct LocalStart {
  std::vector<float> correction;  ///< added to every gradient
  std::vector<float> personal;    ///< replaces the personal parameters
};

/// Errors  kFailedPrecondition if the broadcast lacks a vector that the task needs; kCorrupt if an
/// own vector is of another layout.
Result<LocalStart> StartRound(const TrainTask& task,
                              const Broadcast& broadcast,
                              const ClientVectors& own);

/// One block of a contribution before it meets the grid.
struct LocalBlock {
  BlockShape shape;
  std::vector<float> values;  ///< what the receiver reads, packed or not
  Bytes packed;               ///< of packed blocks
};

struct LocalEnd {
  std::vector<LocalBlock> blocks;  ///< as BlocksOfTask
  ClientVectors next;  ///< the client's vectors, if its contribution becomes part of the model
};

/// A finished training.
struct LocalTraining {
  std::vector<float> delta;  ///< of the whole model, clipped, unweighted
  std::uint64_t steps = 0;
  double norm = 0.0;  ///< L2 of the delta before it was clipped
};

/// Makes the blocks of a finished training; `rng` is for stochastic rounding.
/// Errors  kDiverged if a block is not finite.
Result<LocalEnd> EndRound(const TrainTask& task,
                          const Broadcast& broadcast,
                          const ClientVectors& own,
                          LocalTraining trained,
                          Rng& rng);

/// The training of a client that tunes the model to its own rows before it evaluates it, the same
/// in every round; the result is neither sent nor kept. `dropout` is the model's.
TrainTask FineTuneTask(const EvaluateTask& task, double dropout);

/// The model as one client uses it: with its personal parameters. Errors  kCorrupt as StartRound.
Result<ParameterVector> PersonalModel(const ParameterVector& model, const ClientVectors& own);

}  // namespace rondo
