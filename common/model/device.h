#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/types.h>

#include "common/core/result.h"

namespace rondo {

/// Resolves "auto" | "cpu" | "cuda" | "cuda:<number>"; auto takes the GPU where LibTorch sees one.
/// Errors  kInvalidArgument for an unknown word; kUnavailable for "cuda" without a GPU.
Result<at::Device> FindDevice(const std::string& word);

/// A tensor of the CPU on `device`. A copy to a GPU goes through pinned memory and is not waited
/// for.
at::Tensor ToDevice(const at::Tensor& host, const at::Device& device);

/// A tensor on `device` with the values of `from`.
at::Tensor FromHost(const std::vector<std::int64_t>& from,
                    const std::vector<std::int64_t>& shape,
                    const at::Device& device);
at::Tensor FromHost(const std::vector<float>& from,
                    const std::vector<std::int64_t>& shape,
                    const at::Device& device);
at::Tensor FromHost(const std::vector<double>& from,
                    const std::vector<std::int64_t>& shape,
                    const at::Device& device);

}  // namespace rondo
