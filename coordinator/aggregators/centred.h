#pragma once

#include <cstdint>

#include "common/federated/update_sum.h"

namespace rondo::coordinator {

/// A number of the grid around zero.
inline std::int64_t Centred(std::int64_t value, const GridSpec& grid) {
  const bool above =
      grid.kind == GridSpec::Kind::kRing && value > (std::int64_t{1} << (grid.bits - 1));
  return above ? value - (std::int64_t{1} << grid.bits) : value;
}

}  // namespace rondo::coordinator
