#pragma once

#include <cstdint>
#include <span>

#include <torch/types.h>

#include "common/model/dropout.h"

namespace rondo {

/// The mask of FillDropoutMask, bit for bit, made on `device` from one number a row: on a GPU the
/// mask is neither filled by the host nor copied.
///
/// Shapes  returns [sequences, length, width].
at::Tensor TensorDropoutMask(std::span<const std::uint64_t> sequence_keys,
                             std::int64_t length,
                             std::int64_t width,
                             const DropoutSite& site,
                             const at::Device& device);

}  // namespace rondo
