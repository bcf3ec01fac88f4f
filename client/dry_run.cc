#include "client/dry_run.h"

#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "client/job.h"
#include "common/wire/chunks.h"

namespace rondo::client {
namespace {

double Norm(std::span<const float> values) {
  double sum = 0.0;
  for (const float value : values) {
    sum += static_cast<double>(value) * static_cast<double>(value);
  }
  return std::sqrt(sum);
}

const char* GroupName(ParameterGroup group) {
  switch (group) {
    case ParameterGroup::kPersonal:
      return "personal";
    case ParameterGroup::kFrozen:
      return "frozen";
    default:
      return "shared";
  }
}

/// What becomes of a tensor's part of the delta.
const char* Fate(ParameterGroup group) {
  switch (group) {
    case ParameterGroup::kPersonal:
      return "stays here";
    case ParameterGroup::kFrozen:
      return "is fixed";
    default:
      return "is sent";
  }
}

DryRunReport::Block BlockOf(const BlockShape& shape, const wire::ContributionBlock& block) {
  const auto bits = static_cast<std::uint64_t>(block.grid.bits);
  return {.name = shape.name,
          .numbers = shape.layout->size(),
          .bytes = block.packed.size() + block.reals.size() * sizeof(float)
                   + block.integers.size() * ((bits + 7) / 8),
          .packed = shape.packed};
}

std::uint64_t FrameBytes(const wire::Contribution& contribution) {
  std::uint64_t bytes = 0;
  const Bytes encoded = wire::EncodeContribution(contribution);
  for (const Bytes& frame :
       wire::ContributionFrames(encoded, contribution.round, contribution.kind)) {
    bytes += frame.size();
  }
  return bytes;
}

}  // namespace

Result<DryRunReport> DryRun(LocalWork& work,
                            const Broadcast& broadcast,
                            const TrainTask& task,
                            const ClientVectors& own) {
  RONDO_TRY(const LocalStart start, StartRound(task, broadcast, own));
  RONDO_TRY(TrainedUpdate update, work.Train(broadcast, task, start, std::stop_token()));
  DryRunReport report{.training = update.report};
  const std::span<const float> delta(update.delta);
  for (const ParameterEntry& entry : broadcast.model.layout->entries()) {
    report.tensors.push_back({.name = entry.name,
                              .shape = entry.shape,
                              .group = entry.group,
                              .norm = Norm(delta.subspan(entry.offset, entry.size))});
  }
  RONDO_TRY(const FinishedRound round, FinishRound(broadcast, task, own, std::move(update)));
  const std::vector<BlockShape> shapes = BlocksOfTask(task, broadcast.model.layout);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    report.blocks.push_back(BlockOf(shapes[i], round.contribution.blocks[i]));
  }
  report.bytes = FrameBytes(round.contribution);
  report.saturated = round.contribution.saturated;
  return report;
}

std::string DryRunText(const DryRunReport& report, const std::string& trust_mode) {
  const ClientReport& training = report.training;
  std::string text =
      fmt::format("{:<28} {:>14} {:>12}   {}\n", "tensor", "shape", "delta norm", "its delta");
  for (const DryRunReport::Tensor& tensor : report.tensors) {
    text += fmt::format("{:<28} {:>14} {:>12.4g}   {}\n",
                        tensor.name,
                        fmt::format("{}", fmt::join(tensor.shape, " x ")),
                        tensor.norm,
                        Fate(tensor.group));
  }
  text += fmt::format("\n{:<28} {:>14} {:>12}\n", "block", "numbers", "bytes");
  for (const DryRunReport::Block& block : report.blocks) {
    text += fmt::format("{:<28} {:>14} {:>12}{}\n",
                        block.name,
                        block.numbers,
                        block.bytes,
                        block.packed ? "   compressed" : "");
  }
  text += fmt::format("\ntrained     {} positions, {} steps, {:.2f} s, loss {:.4f}\n",
                      training.positions,
                      training.steps,
                      training.seconds,
                      training.loss);
  text += fmt::format(
      "would send  {} bytes in all: the blocks above (norm of the delta {:.4g}), weight {}, the "
      "loss, the seconds, and that {} numbers were cut off by the grid\n",
      report.bytes,
      training.update_norm,
      training.weight,
      report.saturated);
  text += fmt::format("trust mode  {}: the coordinator would see this update\n", trust_mode);
  text += "sent        nothing\n";
  return text;
}

std::string DryRunJson(const DryRunReport& report, const std::string& trust_mode) {
  namespace json = boost::json;
  json::array tensors;
  for (const DryRunReport::Tensor& tensor : report.tensors) {
    tensors.push_back(json::object{{"name", tensor.name},
                                   {"shape", json::array(tensor.shape.begin(), tensor.shape.end())},
                                   {"group", GroupName(tensor.group)},
                                   {"norm", tensor.norm}});
  }
  json::array blocks;
  for (const DryRunReport::Block& block : report.blocks) {
    blocks.push_back(json::object{{"name", block.name},
                                  {"numbers", block.numbers},
                                  {"bytes", block.bytes},
                                  {"packed", block.packed}});
  }
  const json::object object{{"schema_version", 1},
                            {"tensors", std::move(tensors)},
                            {"blocks", std::move(blocks)},
                            {"bytes", report.bytes},
                            {"norm", report.training.update_norm},
                            {"loss", report.training.loss},
                            {"weight", report.training.weight},
                            {"saturated", report.saturated},
                            {"positions", report.training.positions},
                            {"steps", report.training.steps},
                            {"seconds", report.training.seconds},
                            {"trust_mode", trust_mode},
                            {"sent", false}};
  return json::serialize(object) + "\n";
}

}  // namespace rondo::client
