#include "common/model/attention_plane.h"

#include <algorithm>

#include <torch/torch.h>

namespace rondo {
namespace {

constexpr double kMasked = -1e9;

/// -1e9 at padding. Shapes  input [G, B, L] -> [G B, L].
at::Tensor PaddingMask(const at::Tensor& input) {
  return (input == 0).to(at::kFloat).view({-1, input.size(2)}) * kMasked;
}

/// Rows of zeros in front of dimension 1. Shapes  x [N, L, F] -> [N, L + rows, F].
at::Tensor PadFront(const at::Tensor& x, std::int64_t rows) {
  return rows == 0 ? x : torch::constant_pad_nd(x, {0, 0, rows, 0}, 0.0);
}

/// [S, Q, K] -> [S H, Q, K].
at::Tensor ForHeads(const at::Tensor& mask, std::int64_t heads) {
  const std::int64_t queries = mask.size(1);
  const std::int64_t keys = mask.size(2);
  return mask.unsqueeze(1)
      .expand({mask.size(0), heads, queries, keys})
      .reshape({-1, queries, keys});
}

}  // namespace

at::Tensor AttentionPlane::Queries(const at::Tensor& x) const {
  if (piece == 0) {
    return x;
  }
  return PadFront(x, pieces * piece - length)
      .reshape({-1, heads, pieces, piece, x.size(2)})
      .transpose(1, 2)
      .reshape({-1, piece, x.size(2)});
}

at::Tensor AttentionPlane::Keys(const at::Tensor& x) const {
  if (piece == 0) {
    return x;
  }
  const std::int64_t rows = pieces * piece;
  const at::Tensor padded = PadFront(x, rows - length + piece);
  const auto part = [&](std::int64_t first) {
    return padded.narrow(1, first, rows).reshape({-1, heads, pieces, piece, x.size(2)});
  };
  return torch::cat({part(0), part(piece)}, 3).transpose(1, 2).reshape({-1, 2 * piece, x.size(2)});
}

at::Tensor AttentionPlane::Join(const at::Tensor& x) const {
  if (piece == 0) {
    return x;
  }
  const std::int64_t rows = pieces * piece;
  return x.view({-1, pieces, heads, piece, x.size(2)})
      .transpose(1, 2)
      .reshape({-1, rows, x.size(2)})
      .narrow(1, rows - length, length);
}

at::Tensor AttentionPlane::CutMask(const at::Tensor& mask_of_sequences) const {
  if (piece == 0) {
    return mask_of_sequences;
  }
  return mask_of_sequences.view({-1, heads, pieces, piece, 2 * piece})
      .transpose(1, 2)
      .reshape({-1, piece, 2 * piece});
}

AttentionPlane WholePlane(const ModelConfig& config, const at::Tensor& input) {
  const std::int64_t length = input.size(2);
  const at::Tensor place = torch::arange(length, input.options());
  const at::Tensor distance = place.unsqueeze(1) - place.unsqueeze(0);
  at::Tensor mask = PaddingMask(input).unsqueeze(1).expand({-1, length, length});
  if (config.causal) {
    mask = mask + (distance < 0).to(at::kFloat) * kMasked;
  }
  return {.heads = config.heads,
          .length = length,
          .mask = ForHeads(mask, config.heads),
          .distance = distance.clamp_min(0)};
}

AttentionPlane WindowPlane(const ModelConfig& config, const at::Tensor& input) {
  const std::int64_t length = input.size(2);
  // Of the configuration alone, so that a sequence is cut the same way whatever it is padded to.
  const std::int64_t window = std::min(config.window, config.history);
  const std::int64_t pieces = (length + window - 1) / window;
  const std::int64_t rows = pieces * window;
  const at::Tensor padding =
      torch::constant_pad_nd(PaddingMask(input), {rows - length + window, 0}, kMasked);
  const auto part = [&](std::int64_t first) {
    return padding.narrow(1, first, rows).reshape({-1, pieces, window});
  };
  const at::Tensor keys = torch::cat({part(0), part(window)}, 2).view({-1, 1, 2 * window});
  const at::Tensor query = torch::arange(window, 2 * window, input.options());
  const at::Tensor key = torch::arange(2 * window, input.options());
  const at::Tensor distance = query.unsqueeze(1) - key.unsqueeze(0);
  const at::Tensor outside =
      torch::logical_or(distance < 0, distance >= window).to(at::kFloat) * kMasked;
  return {.heads = config.heads,
          .length = length,
          .piece = window,
          .pieces = pieces,
          .mask = ForHeads(keys + outside, config.heads),
          .distance = distance.clamp(0, window - 1)};
}

AttentionPlane PlaneOf(const ModelConfig& config, const at::Tensor& input) {
  const bool window =
      std::find(config.forms.begin(), config.forms.end(), "window") != config.forms.end();
  return window ? WindowPlane(config, input) : WholePlane(config, input);
}

}  // namespace rondo
