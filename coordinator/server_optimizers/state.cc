#include "coordinator/server_optimizers/state.h"

#include <algorithm>

#include "common/federated/vector_math.h"

namespace rondo::coordinator::detail {

void ZeroFirstRows(ParameterVector& vector) {
  for (const ParameterEntry& entry : vector.layout->entries()) {
    if (entry.zero_first_row) {
      const auto row = entry.size / static_cast<std::size_t>(entry.shape.front());
      std::fill_n(vector.values.begin() + static_cast<std::ptrdiff_t>(entry.offset), row, 0.0F);
    }
  }
}

Status CheckSameLayout(const ParameterVector& model, const ParameterVector& delta) {
  if (model.layout->digest() != delta.layout->digest()
      || model.values.size() != delta.values.size()) {
    return Fail(ErrorCode::kFailedPrecondition, "the mean delta is not in the layout of the model");
  }
  return Ok();
}

ParameterVector ZerosLike(const ParameterVector& model) {
  return {.layout = model.layout, .values = std::vector<float>(model.values.size(), 0.0F)};
}

Status CheckState(const NamedState& state, const std::vector<std::string>& names) {
  const bool same_names =
      std::equal(state.begin(),
                 state.end(),
                 names.begin(),
                 names.end(),
                 [](const auto& entry, const auto& name) { return entry.first == name; });
  if (!state.empty() && !same_names) {
    return Fail(ErrorCode::kInvalidArgument,
                "the optimiser state of the checkpoint is of another server optimiser; use the "
                "scenario that the "
                "run was started with");
  }
  for (const auto& [name, vector] : state) {
    if (vector.layout == nullptr || vector.layout->digest() != state.front().second.layout->digest()
        || vector.values.size() != vector.layout->size() || !AllFinite(vector.values)) {
      return Fail(ErrorCode::kInvalidArgument, "the optimiser state \"" + name + "\" is broken");
    }
  }
  return Ok();
}

}  // namespace rondo::coordinator::detail
