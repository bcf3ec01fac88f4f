#pragma once

#include <vector>

#include <torch/types.h>

#include "common/config/scenario.h"
#include "common/model/encoder.h"
#include "common/model/losses.h"
#include "common/model/packs.h"
#include "common/model/step_pass.h"

/// Encoder and loss written by hand. What LibTorch does operation by operation, on padded rows and
/// through memory, is done here some sequences at a time in the cache; the twins are the operations
/// in encoder.cc and losses.cc.
namespace rondo {

/// Whether this model has a fused step here: dot products as scores, on a CPU with a BLAS.
bool HasFusedStep(const ModelConfig& config, const at::Device& device);

/// Hidden states at chosen positions, as EncodeAt. Without gradient.
at::Tensor FusedEncodeAt(const ModelConfig& config,
                         const EncoderWeights& weights,
                         const EncoderInput& in,
                         const at::Tensor& place);

/// Losses [G, P] of a step, 0 in unused slots. Adds the gradient of the objective to `gradients`,
/// the tensors of the weights in the same places. `rooms` may serve the next step.
at::Tensor FusedStep(const ModelConfig& config,
                     const EncoderWeights& weights,
                     const EncoderWeights& gradients,
                     const StepBatch& batch,
                     const LossKind& loss,
                     const SampledShape& shape,
                     double dropout,
                     StepRooms& rooms);

}  // namespace rondo
