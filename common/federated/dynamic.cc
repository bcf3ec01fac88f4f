#include "common/federated/dynamic.h"

#include "common/federated/vector_math.h"

namespace rondo {

Status AddDynamicCorrection(const ClientVectors& own, std::vector<float>& correction) {
  const ParameterVector* const linear = FindVector(own, kDynamicVector);
  if (linear == nullptr) {
    return Ok();
  }
  if (linear->values.size() != correction.size()) {
    return Fail(ErrorCode::kCorrupt, "the client's vector of FedDyn is of another model");
  }
  AddScaled(correction, linear->values, -1.0);
  return Ok();
}

std::vector<float> NextDynamic(const ClientVectors& own,
                               std::span<const float> delta,
                               double alpha) {
  const ParameterVector* const linear = FindVector(own, kDynamicVector);
  std::vector<float> next =
      linear == nullptr ? std::vector<float>(delta.size(), 0.0F) : linear->values;
  AddScaled(next, delta, -alpha);
  return next;
}

}  // namespace rondo
