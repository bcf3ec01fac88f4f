#include "common/federated/control_variates.h"

#include <algorithm>
#include <string>

namespace rondo {
namespace {

Result<const ParameterVector*> ServerControl(const Broadcast& broadcast) {
  const ParameterVector* const control = FindVector(broadcast.extra, kControlVector);
  if (control == nullptr || control->values.size() != broadcast.model.values.size()) {
    return Fail(ErrorCode::kFailedPrecondition,
                "the model came without the server's control variate, which the task needs");
  }
  return control;
}

}  // namespace

Status AddControlCorrection(const Broadcast& broadcast,
                            const ClientVectors& own,
                            std::vector<float>& correction) {
  RONDO_TRY(const ParameterVector* const server, ServerControl(broadcast));
  const ParameterVector* const client = FindVector(own, kControlVector);
  if (client != nullptr && client->values.size() != correction.size()) {
    return Fail(ErrorCode::kCorrupt, "the client's control variate is of another model");
  }
  for (std::size_t i = 0; i < correction.size(); ++i) {
    correction[i] += server->values[i] - (client == nullptr ? 0.0F : client->values[i]);
  }
  return Ok();
}

Result<std::vector<float>> ControlChange(const Broadcast& broadcast,
                                         std::span<const float> delta,
                                         std::uint64_t steps,
                                         double learning_rate) {
  RONDO_TRY(const ParameterVector* const server, ServerControl(broadcast));
  const double taken = static_cast<double>(std::max<std::uint64_t>(steps, 1)) * learning_rate;
  std::vector<float> change(delta.size());
  for (std::size_t i = 0; i < delta.size(); ++i) {
    change[i] = static_cast<float>(-static_cast<double>(server->values[i])
                                   - static_cast<double>(delta[i]) / taken);
  }
  return change;
}

}  // namespace rondo
