#pragma once

#include "common/wire/convert.h"

namespace rondo::wire::detail {

/// A grid as it came over the wire.
struct RawGrid {
  std::uint32_t kind;
  int bits;
  double step;
  double limit;
};

inline GridSpec CheckedGrid(Bounds& bounds, const RawGrid& raw) {
  bounds.Range("grid.kind", raw.kind, 0U, 1U);
  bounds.Range("grid.bits", raw.bits, 2, 64);
  bounds.Range("grid.step", raw.step, 1e-300, 1e300);
  bounds.Range("grid.limit", raw.limit, 1e-300, 1e300);
  GridSpec grid;
  grid.kind = static_cast<GridSpec::Kind>(raw.kind);
  grid.bits = raw.bits;
  grid.step = raw.step;
  grid.limit = raw.limit;
  return grid;
}

}  // namespace rondo::wire::detail
