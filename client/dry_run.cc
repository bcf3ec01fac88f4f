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

Result<DryRunReport> DryRun(LocalWork& work, const Broadcast& broadcast, const TrainTask& task) {
  RONDO_TRY(TrainedUpdate update, work.Train(broadcast, task, std::stop_token()));
  DryRunReport report{.training = update.report};
  const std::span<const float> delta(update.delta);
  for (const ParameterEntry& entry : broadcast.model.layout->entries()) {
    report.tensors.push_back({.name = entry.name,
                              .shape = entry.shape,
                              .norm = Norm(delta.subspan(entry.offset, entry.size))});
  }
  RONDO_TRY(const wire::Contribution contribution,
            ContributionOf(broadcast, task, std::move(update)));
  report.bytes = FrameBytes(contribution);
  report.saturated = contribution.saturated;
  return report;
}

std::string DryRunText(const DryRunReport& report, const std::string& trust_mode) {
  const ClientReport& training = report.training;
  std::string text = fmt::format("{:<28} {:>14} {:>12}\n", "tensor", "shape", "delta norm");
  for (const DryRunReport::Tensor& tensor : report.tensors) {
    text += fmt::format("{:<28} {:>14} {:>12.4g}\n",
                        tensor.name,
                        fmt::format("{}", fmt::join(tensor.shape, " x ")),
                        tensor.norm);
  }
  text += fmt::format("\ntrained     {} positions, {} steps, {:.2f} s, loss {:.4f}\n",
                      training.positions,
                      training.steps,
                      training.seconds,
                      training.loss);
  text += fmt::format(
      "would send  {} bytes: the delta above (norm {:.4g}), weight {}, the loss, the seconds, and "
      "that {} numbers were cut off by the grid\n",
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
                                   {"norm", tensor.norm}});
  }
  const json::object object{{"schema_version", 1},
                            {"tensors", std::move(tensors)},
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
