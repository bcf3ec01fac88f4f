#include "client/job.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <utility>

#include "common/crypto/random.h"
#include "common/federated/steps_block.h"
#include "common/federated/vector_math.h"
#include "common/wire/chunks.h"

namespace rondo::client {
namespace {

// Messages about the log may quote its rows, so the peer gets a fixed sentence for each kind of
// error.
std::string ReasonForPeer(const Error& error) {
  switch (error.code) {
    case ErrorCode::kDiverged:
      return "local training diverged";
    case ErrorCode::kUnsupported:
      return "this client does not support the task";
    case ErrorCode::kNotFound:
    case ErrorCode::kCorrupt:
    case ErrorCode::kIo:
      return "the local log cannot be read";
    case ErrorCode::kFailedPrecondition:
      return "the client's catalogue changed, its owner must start it again";
    default:
      return "local work failed";
  }
}

JobResult Declined(const Error& error) {
  if (error.code == ErrorCode::kCancelled) {
    return {.note = "stopped before it was done", .cancelled = true};
  }
  return {.refusal = ReasonForPeer(error), .note = error.message};
}

JobResult Declined(Refusal refusal) {
  return {.refusal = std::move(refusal.for_peer), .note = std::move(refusal.for_owner)};
}

// Stochastic rounding must not be predictable by the coordinator, so no seed of the scenario serves
// here.
Rng RoundingRng() {
  return Rng(
      {.seed = SecureRandomU64(), .client = SecureRandomU64(), .purpose = Purpose::kRounding});
}

/// Appends `values` in `layout` as the grid asks for them: reals, or integers times the weight.
Status AddBlock(std::string_view name,
                const std::shared_ptr<const ParameterLayout>& layout,
                const GridSpec& grid,
                std::vector<float> values,
                wire::Contribution& contribution) {
  wire::ContributionBlock block{.name = std::string(name),
                                .layout_digest = layout->digest(),
                                .grid = grid,
                                .scaling = Scaling::kByWeight};
  if (grid.kind == GridSpec::Kind::kExact) {
    block.reals = std::move(values);
  } else {
    GridBlock folded = MakeBlock(block.name, layout, grid, Scaling::kByWeight);
    Rng rng = RoundingRng();
    RONDO_TRY(const std::uint64_t saturated, FoldDense(folded, values, contribution.weight, &rng));
    contribution.saturated += saturated;
    block.integers = std::move(folded.values);
  }
  contribution.blocks.push_back(std::move(block));
  return Ok();
}

Result<JobResult> Train(LocalWork& work, const JobInput& input, std::stop_token stop) {
  const TrainTask& task = input.offer.train;
  RONDO_TRY(const Workload workload, work.Look());
  if (auto refusal = RefusalToTrain(task, workload, input.record, input.limits)) {
    return Declined(*std::move(refusal));
  }
  RONDO_TRY(TrainedUpdate update, work.Train(*input.model, task, std::move(stop)));
  const ClientReport report = update.report;
  if (!AllFinite(update.delta) || !std::isfinite(report.loss)) {
    return Fail(ErrorCode::kDiverged, "training returned numbers that are not finite");
  }
  RONDO_TRY(const wire::Contribution contribution,
            ContributionOf(*input.model, task, std::move(update)));
  const Bytes encoded = wire::EncodeContribution(contribution);
  return JobResult{
      .frames = wire::ContributionFrames(encoded, input.offer.round, OfferKind::kTrain),
      .note =
          fmt::format("trained on {} positions of {} users in {:.1f} s, loss {:.4f}, update norm "
                      "{:.3g}, weight {}, {} bytes",
                      report.positions,
                      workload.sequences,
                      report.seconds,
                      report.loss,
                      report.update_norm,
                      report.weight,
                      encoded.size())};
}

Result<JobResult> Evaluate(LocalWork& work, const JobInput& input, std::stop_token stop) {
  RONDO_TRY(const Workload workload, work.Look());
  if (auto refusal = RefusalToEvaluate(workload, input.limits)) {
    return Declined(*std::move(refusal));
  }
  RONDO_TRY(UpdateSum sums, work.Evaluate(*input.model, input.offer.evaluate, std::move(stop)));
  // Sums over users carry no weight of their own; the wire asks for at least 1.
  wire::Contribution contribution{.round = input.offer.round,
                                  .kind = OfferKind::kEvaluate,
                                  .weight = std::max<std::uint64_t>(1, sums.weight),
                                  .loss = std::numeric_limits<double>::quiet_NaN(),
                                  .saturated = sums.saturated};
  for (GridBlock& block : sums.blocks) {
    contribution.blocks.push_back({.name = block.name,
                                   .layout_digest = block.layout->digest(),
                                   .grid = block.grid,
                                   .scaling = block.scaling,
                                   .integers = std::move(block.values)});
  }
  const Bytes encoded = wire::EncodeContribution(contribution);
  return JobResult{
      .frames = wire::ContributionFrames(encoded, input.offer.round, OfferKind::kEvaluate),
      .note = fmt::format("evaluated the model, {} bytes of sums", encoded.size())};
}

}  // namespace

Result<wire::Contribution> ContributionOf(const Broadcast& model,
                                          const TrainTask& task,
                                          TrainedUpdate update) {
  wire::Contribution contribution{.round = task.round,
                                  .kind = OfferKind::kTrain,
                                  .weight = update.report.weight,
                                  .loss = update.report.loss,
                                  .seconds = update.report.seconds};
  RONDO_TRY_STATUS(
      AddBlock(kDeltaBlock, model.model.layout, task.grid, std::move(update.delta), contribution));
  if (task.normalise) {
    RONDO_TRY_STATUS(AddBlock(
        kStepsBlock, StepsLayout(), task.grid, {StepsValue(update.report.steps)}, contribution));
  }
  return contribution;
}

JobResult RunJob(LocalWork& work, const JobInput& input, std::stop_token stop) {
  // The fourth border for exceptions of libraries: the worker thread has nobody above it to catch
  // them.
  try {
    const bool train = input.offer.kind == OfferKind::kTrain;
    Result<JobResult> result = train ? Train(work, input, stop) : Evaluate(work, input, stop);
    if (!result) {
      return Declined(result.error());
    }
    if (stop.stop_requested()) {
      return {.note = "the round ended before the work was done", .cancelled = true};
    }
    return std::move(result).value();
  } catch (const std::exception& error) {
    return Declined({ErrorCode::kInternal, error.what()});
  }
}

}  // namespace rondo::client
