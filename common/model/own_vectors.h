#pragma once

#include <vector>

#include <torch/types.h>

#include "common/model/local_training.h"

/// What the vectors that clients bring, and the groups of the parameters, change about training.
namespace rondo {

/// Whether training may use the vectors that the clients bring. Errors  kInternal for one of
/// another length than the model, a correction that the task did not ask for, and any where updates
/// are only summed: what a client keeps of its training comes from its own update.
Status CheckOwnVectors(std::span<const ClientData> clients,
                       const TrainTask& task,
                       const ParameterLayout& layout,
                       UpdateVisibility visibility);

/// Replaces the personal parameters of those groups whose clients bring their own.
/// Shapes  start: [G, ...] in layout order; of the item table the rows of the pack.
void TakePersonalStart(const RoundContext& context,
                       const Pack& pack,
                       std::vector<at::Tensor>& start);

/// What is added to the gradients of all groups, whose tensors lie one after the other as in a
/// TensorRun of weights: zero for clients who bring nothing and for the padding row of a table;
/// undefined if no client brings anything. The pack trains whole item tables.
at::Tensor CorrectionOf(const RoundContext& context, const Pack& pack);

/// Places of the frozen parameters in the layout.
std::vector<std::size_t> FrozenOf(const ParameterLayout& layout);

/// Sets the gradients of frozen parameters to zero, whatever they are.
void Freeze(const std::vector<std::size_t>& frozen, std::vector<at::Tensor>& gradients);

}  // namespace rondo
