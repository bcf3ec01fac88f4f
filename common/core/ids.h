#pragma once

#include <cstdint>
#include <string>

namespace rondo {

/// One participant: the SAN id of its certificate, or the group key of a virtual client.
using ClientId = std::string;

/// Rounds count from 1; 0 names the initial model.
using RoundId = std::uint32_t;

/// A row of the catalogue. Row 0 is padding; real items are 1 .. items.
using ItemRow = std::int32_t;

}  // namespace rondo
