#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/core/rng.h"
#include "common/data/dataset.h"
#include "common/federated/task.h"
#include "common/model/trainer.h"

/// What each client will do in a round, decided before any tensor exists: its steps and batches,
/// and the negatives, which are drawn when the client's turn comes. A function of its data and the
/// task alone.
namespace rondo {

/// One training sequence, cut to the history: targets[t] is predicted from inputs[0 .. places[t]].
/// Where every event is input and target, targets are the inputs moved by one.
struct PlannedSequence {
  std::vector<ItemRow> inputs;
  std::vector<ItemRow> targets;
  std::vector<std::uint32_t> places;   ///< of the targets, in ascending order
  std::vector<ItemRow> feedback;       ///< distinct items to draw as negatives, besides any other
  std::span<const ItemRow> negatives;  ///< brought by the caller: K a target

  std::int64_t length() const { return static_cast<std::int64_t>(inputs.size()); }

  std::int64_t positions() const { return static_cast<std::int64_t>(targets.size()); }
};

/// Cuts a sequence to the targets that look at one of the last `history` inputs before the last
/// target. `roles` is empty (every row is input and target) or has one role a row.
PlannedSequence CutSequence(std::span<const ItemRow> rows,
                            std::span<const EventRole> roles,
                            std::int64_t history);

/// Cuts rows whose order means nothing, for a model without a causal mask: a random part of them,
/// of any size, are inputs (at most `history`), and every other item is a target of the last input,
/// which sees them all. No target is among the inputs.
PlannedSequence CutSet(std::span<const ItemRow> rows,
                       std::span<const EventRole> roles,
                       std::int64_t history,
                       Rng& rng);

/// The round of one client.
struct ClientPlan {
  std::size_t client = 0;  ///< index in the cohort
  ClientId id;
  std::uint64_t hash = 0;  ///< HashId of its id
  std::vector<PlannedSequence> sequences;
  std::vector<std::vector<std::uint32_t>> steps;  ///< indices into `sequences`, one list a step
  std::vector<ItemRow> own;  ///< sorted rows that are no negatives; empty where none are drawn
  std::uint64_t positions = 0;
  std::uint64_t weight = 0;
  std::int64_t longest = 0;      ///< most inputs or targets of a sequence
  std::int64_t widest_step = 0;  ///< most sequences of a step
  std::int64_t most_rows = 0;    ///< bound on the rows of the item table that its steps look at
};

/// How many negatives a position a loss uses; 0 for the full softmax.
int NegativesOf(const ClientConfig& config);

/// Whether clients may bring a correction of their gradients: SCAFFOLD and FedDyn.
bool CorrectsGradients(const TrainTask& task);

/// Whether clients train a slice of the item table: sampled losses without terms that move every
/// row, as weight decay and corrections of the gradient do.
bool UsesCompactTable(const TrainTask& task);

/// Whether the sum over the cohort is a minibatch gradient, so that clients can share weights: one
/// step each, to which no client adds anything of its own.
bool SharesWeights(std::span<const ClientPlan> plans,
                   const TrainTask& task,
                   UpdateVisibility visibility);

/// Steps that take every sequence of the client once.
std::int64_t StepsAnEpoch(const ClientPlan& plan, const ClientConfig& config);

/// Plans one client.
/// Errors  kInvalidArgument for a row outside the catalogue, nothing to train on, or no item left
/// to draw.
Result<ClientPlan> PlanClient(const ClientData& data,
                              std::size_t index,
                              const ModelConfig& model,
                              const TrainTask& task,
                              std::int64_t items);

/// The negatives of all steps in order, K a target; nothing where the client brings them or its
/// loss has none. Uniform negatives avoid the client's own training rows and nothing else. Where a
/// user gave negative feedback, each negative of that user's sequence is one of those items (less
/// the sequence's own) with probability client.feedback_share.
std::vector<ItemRow> DrawNegatives(const ClientPlan& plan,
                                   const TrainTask& task,
                                   std::int64_t items);

}  // namespace rondo
