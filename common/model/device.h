#pragma once

#include <string>

#include <torch/types.h>

#include "common/core/result.h"

namespace rondo {

/// Resolves "auto" | "cpu" | "cuda"; auto takes the GPU where LibTorch sees one.
/// Errors  kInvalidArgument for an unknown word; kUnavailable for "cuda" without a GPU.
Result<at::Device> FindDevice(const std::string& word);

}  // namespace rondo
