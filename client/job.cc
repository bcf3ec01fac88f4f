#include "client/job.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <utility>

#include "common/crypto/random.h"
#include "common/crypto/sha256.h"
#include "common/federated/control_variates.h"
#include "common/federated/noise.h"
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

/// The block as integers, weighed, rounded and with the client's share of noise.
Result<GridBlock> FoldBlock(const TrainTask& task,
                            const LocalBlock& block,
                            std::uint64_t client_weight,
                            std::uint64_t& saturated) {
  const BlockShape& shape = block.shape;
  if (shape.packed) {
    return Fail(ErrorCode::kUnsupported, "packed updates cannot be summed as integers");
  }
  GridBlock folded = MakeBlock(shape.name, shape.layout, task.grid, shape.scaling);
  const std::uint64_t weight = shape.scaling == Scaling::kByWeight ? client_weight : 1;
  Rng rng = RoundingRng();
  RONDO_TRY(const std::uint64_t clamped, FoldDense(folded, block.values, weight, &rng));
  saturated += clamped;
  RONDO_TRY_STATUS(AddClientNoise(task, folded, NoiseSource()));
  return folded;
}

/// Appends a block as the grid asks for it.
Status AddBlock(const TrainTask& task, LocalBlock block, wire::Contribution& contribution) {
  const GridSpec& grid = task.grid;
  const BlockShape& shape = block.shape;
  wire::ContributionBlock sent{.name = shape.name,
                               .layout_digest = shape.layout->digest(),
                               .grid = grid,
                               .scaling = shape.scaling};
  if (grid.kind == GridSpec::Kind::kExact) {
    sent.reals = shape.packed ? std::vector<float>() : std::move(block.values);
    sent.packed = std::move(block.packed);
  } else {
    RONDO_TRY(GridBlock folded,
              FoldBlock(task, block, contribution.weight, contribution.saturated));
    sent.integers = std::move(folded.values);
  }
  contribution.blocks.push_back(std::move(sent));
  return Ok();
}

/// The blocks of a finished training. Errors  kDiverged for numbers that are not finite.
Result<LocalEnd> EndTraining(const Broadcast& broadcast,
                             const TrainTask& task,
                             const ClientVectors& own,
                             TrainedUpdate update) {
  if (!std::isfinite(update.report.loss)) {
    return Fail(ErrorCode::kDiverged, "the loss of training is not finite");
  }
  Rng rng = RoundingRng();
  return EndRound(task,
                  broadcast,
                  own,
                  {.delta = std::move(update.delta),
                   .steps = update.report.steps,
                   .norm = update.report.update_norm},
                  rng);
}

/// A model without the vector that the task corrects by is the coordinator's fault, not the log's.
std::optional<Refusal> MissingVector(const TrainTask& task, const Broadcast& broadcast) {
  if (task.control_variates && FindVector(broadcast.extra, kControlVector) == nullptr) {
    return Refusal{.for_peer =
                       "the task corrects gradients, but the model came without the "
                       "control variate that they are corrected by",
                   .for_owner =
                       "the model came without the server's control variate, which the "
                       "task needs"};
  }
  return std::nullopt;
}

/// Puts what leaves of a contribution into the result.
Status Enclose(const JobInput& input, const wire::Contribution& contribution, JobResult& result) {
  const RoundId round = input.offer.round;
  const OfferKind kind = input.offer.kind;
  RONDO_TRY(const Bytes leaving,
            Wrap(input.trust, round, kind, wire::EncodeContribution(contribution)));
  result.frames = wire::ContributionFrames(leaving, round, kind);
  result.contribution_sha256 = Sha256Hex(leaving);
  result.bytes = leaving.size();
  return Ok();
}

std::string TrainingNote(const ClientReport& report, const Workload& workload) {
  return fmt::format(
      "trained on {} positions of {} users in {:.1f} s, loss {:.4f}, update norm {:.3g}, weight {}",
      report.positions,
      workload.sequences,
      report.seconds,
      report.loss,
      report.update_norm,
      report.weight);
}

Result<JobResult> Train(LocalWork& work, const JobInput& input, std::stop_token stop) {
  const TrainTask& task = input.offer.train;
  const Broadcast& broadcast = *input.model;
  RONDO_TRY(const Workload workload, work.Look());
  if (auto refusal = RefusalToTrain(task, workload, input.record, input.limits)) {
    return Declined(*std::move(refusal));
  }
  if (const auto missing = MissingVector(task, broadcast)) {
    return Declined(*missing);
  }
  RONDO_TRY(const LocalStart start, StartRound(task, broadcast, input.own));
  RONDO_TRY(TrainedUpdate update, work.Train(broadcast, task, start, std::move(stop)));
  if (input.trust.masked()) {
    RONDO_TRY(FinishedSum round, FinishMasked(broadcast, task, input.own, std::move(update)));
    JobResult result{.sum = std::move(round.sum), .loss = round.report.loss};
    result.note = TrainingNote(round.report, workload);
    if (KeepsVectors(task, *broadcast.model.layout)) {
      result.next = std::move(round.next);
    }
    return result;
  }
  RONDO_TRY(FinishedRound round, FinishRound(broadcast, task, input.own, std::move(update)));
  JobResult result;
  RONDO_TRY_STATUS(Enclose(input, round.contribution, result));
  result.note = fmt::format("{}, {} bytes", TrainingNote(round.report, workload), result.bytes);
  if (KeepsVectors(task, *broadcast.model.layout)) {
    result.next = std::move(round.next);
  }
  return result;
}

Result<JobResult> Evaluate(LocalWork& work, const JobInput& input, std::stop_token stop) {
  RONDO_TRY(const Workload workload, work.Look());
  const EvaluateTask& task = input.offer.evaluate;
  if (auto refusal = RefusalToEvaluate(task, workload, input.limits)) {
    return Declined(*std::move(refusal));
  }
  RONDO_TRY(UpdateSum sums, work.Evaluate(*input.model, task, input.own, std::move(stop)));
  if (input.trust.masked()) {
    return JobResult{.sum = std::move(sums), .note = "evaluated the model"};
  }
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
  JobResult result;
  RONDO_TRY_STATUS(Enclose(input, contribution, result));
  result.note = fmt::format("evaluated the model, {} bytes of sums", result.bytes);
  return result;
}

}  // namespace

Result<wire::Contribution> ContributionOf(const TrainTask& task,
                                          const ClientReport& report,
                                          std::vector<LocalBlock> blocks) {
  wire::Contribution contribution{.round = task.round,
                                  .kind = OfferKind::kTrain,
                                  .weight = report.weight,
                                  .loss = report.loss,
                                  .seconds = report.seconds};
  for (LocalBlock& block : blocks) {
    RONDO_TRY_STATUS(AddBlock(task, std::move(block), contribution));
  }
  return contribution;
}

Result<FinishedSum> FinishMasked(const Broadcast& broadcast,
                                 const TrainTask& task,
                                 const ClientVectors& own,
                                 TrainedUpdate update) {
  const ClientReport report = update.report;
  RONDO_TRY(LocalEnd end, EndTraining(broadcast, task, own, std::move(update)));
  FinishedSum round{.sum = {.weight = report.weight, .contributors = 1},
                    .report = report,
                    .next = std::move(end.next)};
  for (const LocalBlock& block : end.blocks) {
    RONDO_TRY(GridBlock folded, FoldBlock(task, block, report.weight, round.sum.saturated));
    round.sum.blocks.push_back(std::move(folded));
  }
  return round;
}

Result<FinishedRound> FinishRound(const Broadcast& broadcast,
                                  const TrainTask& task,
                                  const ClientVectors& own,
                                  TrainedUpdate update) {
  const ClientReport report = update.report;
  RONDO_TRY(LocalEnd end, EndTraining(broadcast, task, own, std::move(update)));
  FinishedRound round{.contribution = {}, .report = report, .next = std::move(end.next)};
  RONDO_TRY(round.contribution, ContributionOf(task, round.report, std::move(end.blocks)));
  return round;
}

JobResult RunJob(LocalWork& work, const JobInput& input, std::stop_token stop) {
  // The fourth border for exceptions of libraries: the worker thread has nobody above it to catch
  // them.
  try {
    if (auto refusal = RefusalOfTrust(input.trust)) {
      return Declined(*std::move(refusal));
    }
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
