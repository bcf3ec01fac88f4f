#pragma once

#include <string>
#include <utility>
#include <vector>

#include "coordinator/strategy.h"

/// What server optimisers share.
namespace rondo::coordinator::detail {

using NamedState = std::vector<std::pair<std::string, ParameterVector>>;

/// Puts the padding rows back to zero.
void ZeroFirstRows(ParameterVector& vector);

/// Errors  kFailedPrecondition if the delta is not in the model's layout.
Status CheckSameLayout(const ParameterVector& model, const ParameterVector& delta);

/// All-zero state in the model's layout.
ParameterVector ZerosLike(const ParameterVector& model);

/// Checks that `state` holds exactly the vectors `names`, in this order, in one layout; empty is a
/// fresh start.
Status CheckState(const NamedState& state, const std::vector<std::string>& names);

}  // namespace rondo::coordinator::detail
