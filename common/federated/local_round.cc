#include "common/federated/local_round.h"

#include <algorithm>
#include <utility>

#include "common/core/check.h"
#include "common/federated/compression.h"
#include "common/federated/control_variates.h"
#include "common/federated/dynamic.h"
#include "common/federated/steps_block.h"
#include "common/federated/unclipped_block.h"
#include "common/federated/vector_math.h"

namespace rondo {
namespace {

bool HasGroup(const ParameterLayout& layout, ParameterGroup group) {
  return std::any_of(layout.entries().begin(),
                     layout.entries().end(),
                     [group](const ParameterEntry& entry) { return entry.group == group; });
}

/// The client's personal weights, or null if it has none yet.
Result<const ParameterVector*> PersonalOf(const ParameterLayout& model, const ClientVectors& own) {
  const ParameterVector* const personal = FindVector(own, kPersonalVector);
  if (personal == nullptr) {
    return personal;
  }
  const auto expected = PersonalLayout(model);
  if (expected == nullptr || personal->layout->digest() != expected->digest()) {
    return Fail(ErrorCode::kCorrupt, "the client's personal parameters are of another model");
  }
  return personal;
}

/// Vectors of the model's size may still be of another model.
Status CheckOwn(const ParameterLayout& model, const ClientVectors& own) {
  for (const std::string_view name : {kControlVector, kDynamicVector}) {
    const ParameterVector* const vector = FindVector(own, name);
    if (vector != nullptr && vector->layout->digest() != model.digest()) {
      return Fail(ErrorCode::kCorrupt,
                  "the client's vector \"" + std::string(name) + "\" is of another model");
    }
  }
  return Ok();
}

/// Large deltas can overflow what is made of them.
Status CheckFinite(const LocalEnd& end) {
  bool finite = true;
  for (const LocalBlock& block : end.blocks) {
    finite = finite && AllFinite(block.values);
  }
  for (const NamedVector& vector : end.next) {
    finite = finite && AllFinite(vector.vector.values);
  }
  return finite ? Ok()
                : Status(Fail(ErrorCode::kDiverged,
                              "the client's round led to numbers that are not finite"));
}

/// The part of a vector that an update holds.
std::vector<float> SharedPart(const ParameterVector& whole,
                              const std::shared_ptr<const ParameterLayout>& shared) {
  if (shared == whole.layout) {
    return whole.values;
  }
  ParameterVector part{.layout = shared, .values = std::vector<float>(shared->size())};
  CopyTensors(whole, part);
  return std::move(part.values);
}

/// The next personal weights: where training left them.
ParameterVector NextPersonal(const std::shared_ptr<const ParameterLayout>& layout,
                             const ParameterVector& start,
                             const ParameterVector& delta) {
  ParameterVector next{.layout = layout, .values = std::vector<float>(layout->size())};
  CopyTensors(start, next);
  ParameterVector moved{.layout = layout, .values = std::vector<float>(layout->size())};
  CopyTensors(delta, moved);
  AddScaled(next.values, moved.values, 1.0);
  return next;
}

void ZeroUnshared(ParameterVector& delta) {
  for (const ParameterEntry& entry : delta.layout->entries()) {
    if (entry.group != ParameterGroup::kShared) {
      const std::span<float> values = delta.Tensor(entry.name);
      std::fill(values.begin(), values.end(), 0.0F);
    }
  }
}

/// `change` is of the whole model.
Status FillDelta(const TrainTask& task,
                 const ParameterVector& change,
                 const ClientVectors& own,
                 Rng& rng,
                 LocalBlock& block,
                 ClientVectors& next) {
  const auto shared = SharedLayout(change.layout);
  RONDO_TRY(Compressed compressed,
            Compress(task,
                     {.layout = shared, .values = SharedPart(change, shared)},
                     FindVector(own, kResidualVector),
                     rng));
  block.values = std::move(compressed.values);
  block.packed = std::move(compressed.packed);
  if (compressed.residual) {
    SetVector(next, kResidualVector, *std::move(compressed.residual));
  }
  return Ok();
}

Status FillControl(const TrainTask& task,
                   const Broadcast& broadcast,
                   const ParameterVector& change,
                   std::uint64_t steps,
                   const ClientVectors& own,
                   LocalBlock& block,
                   ClientVectors& next) {
  RONDO_TRY(std::vector<float> moved,
            ControlChange(broadcast, change.values, steps, task.client.learning_rate));
  ParameterVector control{.layout = change.layout, .values = std::move(moved)};
  block.values = SharedPart(control, SharedLayout(change.layout));
  if (const ParameterVector* const old = FindVector(own, kControlVector)) {
    AddScaled(control.values, old->values, 1.0);
  }
  SetVector(next, kControlVector, std::move(control));
  return Ok();
}

}  // namespace

const ParameterVector* FindVector(const ClientVectors& vectors, std::string_view name) {
  for (const NamedVector& vector : vectors) {
    if (vector.name == name) {
      return &vector.vector;
    }
  }
  return nullptr;
}

void SetVector(ClientVectors& vectors, std::string_view name, ParameterVector vector) {
  for (NamedVector& old : vectors) {
    if (old.name == name) {
      old.vector = std::move(vector);
      return;
    }
  }
  vectors.push_back({.name = std::string(name), .vector = std::move(vector)});
}

std::vector<BlockShape> BlocksOfTask(const TrainTask& task,
                                     const std::shared_ptr<const ParameterLayout>& model) {
  const auto shared = SharedLayout(model);
  std::vector<BlockShape> blocks;
  blocks.push_back({.name = std::string(kDeltaBlock),
                    .layout = CompressedLayout(task.compression, shared),
                    .packed = PacksUpdates(task.compression)});
  if (task.normalise) {
    blocks.push_back({.name = std::string(kStepsBlock), .layout = StepsLayout()});
  }
  if (task.control_variates) {
    blocks.push_back(
        {.name = std::string(kControlVector), .layout = shared, .scaling = Scaling::kPerClient});
  }
  if (task.counts_unclipped) {
    blocks.push_back({.name = std::string(kUnclippedBlock),
                      .layout = UnclippedLayout(),
                      .scaling = Scaling::kPerClient});
  }
  return blocks;
}

bool KeepsVectors(const TrainTask& task, const ParameterLayout& model) {
  return task.control_variates || task.dynamic_alpha > 0.0 || KeepsResidual(task.compression)
         || HasGroup(model, ParameterGroup::kPersonal);
}

bool NeedsSingleDeltas(const TrainTask& task, const ParameterLayout& model) {
  return KeepsVectors(task, model) || !task.compression.stages.empty() || task.noise_stddev > 0.0
         || HasGroup(model, ParameterGroup::kFrozen);
}

Result<LocalStart> StartRound(const TrainTask& task,
                              const Broadcast& broadcast,
                              const ClientVectors& own) {
  const ParameterVector& model = broadcast.model;
  RONDO_TRY_STATUS(CheckOwn(*model.layout, own));
  LocalStart start;
  if (task.control_variates || task.dynamic_alpha > 0.0) {
    start.correction.resize(model.values.size(), 0.0F);
  }
  if (task.control_variates) {
    RONDO_TRY_STATUS(AddControlCorrection(broadcast, own, start.correction));
  }
  if (task.dynamic_alpha > 0.0) {
    RONDO_TRY_STATUS(AddDynamicCorrection(own, start.correction));
  }
  RONDO_TRY(const ParameterVector* const personal, PersonalOf(*model.layout, own));
  if (personal != nullptr) {
    RONDO_TRY(ParameterVector whole, PersonalModel(model, own));
    start.personal = std::move(whole.values);
  }
  return start;
}

Result<LocalEnd> EndRound(const TrainTask& task,
                          const Broadcast& broadcast,
                          const ClientVectors& own,
                          LocalTraining trained,
                          Rng& rng) {
  if (!AllFinite(trained.delta)) {
    return Fail(ErrorCode::kDiverged, "training returned numbers that are not finite");
  }
  const std::shared_ptr<const ParameterLayout>& layout = broadcast.model.layout;
  RONDO_TRY_STATUS(CheckOwn(*layout, own));
  LocalEnd end{.blocks = {}, .next = own};
  ParameterVector change{.layout = layout, .values = std::move(trained.delta)};
  if (const auto personal = PersonalLayout(*layout)) {
    RONDO_TRY(const ParameterVector started, PersonalModel(broadcast.model, own));
    SetVector(end.next, kPersonalVector, NextPersonal(personal, started, change));
  }
  ZeroUnshared(change);
  if (task.dynamic_alpha > 0.0) {
    SetVector(end.next,
              kDynamicVector,
              {.layout = layout, .values = NextDynamic(own, change.values, task.dynamic_alpha)});
  }
  for (BlockShape& shape : BlocksOfTask(task, layout)) {
    LocalBlock block{.shape = std::move(shape), .values = {}, .packed = {}};
    if (block.shape.name == kDeltaBlock) {
      RONDO_TRY_STATUS(FillDelta(task, change, own, rng, block, end.next));
    } else if (block.shape.name == kControlVector) {
      RONDO_TRY_STATUS(FillControl(task, broadcast, change, trained.steps, own, block, end.next));
    } else if (block.shape.name == kUnclippedBlock) {
      block.values = {UnclippedValue(trained.norm, task.clip_norm)};
    } else {
      RONDO_CHECK(block.shape.name == kStepsBlock) << "nobody fills a block " << block.shape.name;
      block.values = {StepsValue(trained.steps)};
    }
    end.blocks.push_back(std::move(block));
  }
  RONDO_TRY_STATUS(CheckFinite(end));
  return end;
}

TrainTask FineTuneTask(const EvaluateTask& task, double dropout) {
  TrainTask training{.round = 0, .seed = task.seed, .data_seed = task.data_seed};
  training.client = task.client;
  training.client.epochs = task.fine_tune;
  training.client.steps = 0;
  training.dropout = dropout;
  return training;
}

Result<ParameterVector> PersonalModel(const ParameterVector& model, const ClientVectors& own) {
  ParameterVector whole = model;
  RONDO_TRY(const ParameterVector* const personal, PersonalOf(*model.layout, own));
  if (personal != nullptr) {
    CopyTensors(*personal, whole);
  }
  return whole;
}

}  // namespace rondo
