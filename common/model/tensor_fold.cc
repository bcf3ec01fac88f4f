#include "common/model/tensor_fold.h"

#include <cmath>
#include <limits>

#include <torch/torch.h>

#include "common/model/tensor_run.h"

namespace rondo {
namespace {

at::Tensor Norms(const std::vector<at::Tensor>& delta) {
  at::Tensor squares = at::zeros({delta[0].size(0)}, delta[0].options().dtype(at::kDouble));
  for (const at::Tensor& part : delta) {
    squares += part.reshape({part.size(0), -1}).to(at::kDouble).square().sum(1);
  }
  return squares.sqrt();
}

}  // namespace

TensorFold::TensorFold(std::shared_ptr<const ParameterLayout> layout,
                       const GridSpec& grid,
                       const at::Device& device)
    : layout_(std::move(layout)),
      grid_(grid),
      sums_(at::zeros({static_cast<std::int64_t>(layout_->size())},
                      at::TensorOptions(at::kLong).device(device))),
      saturated_(at::zeros({1}, sums_.options())) {}

at::Tensor TensorFold::Add(const Updates& updates) {
  const at::Tensor norms = Norms(updates.delta);
  const at::Tensor sound = updates.sound.logical_and(norms.isfinite());
  at::Tensor factor = at::ones_like(norms);
  if (updates.clip_norm > 0.0) {
    // As ClipFactor.
    factor = at::where(norms > updates.clip_norm,
                       updates.clip_norm / norms * (1.0 - 0x1p-22),
                       at::ones_like(norms));
  }
  const double most = std::floor(grid_.limit * updates.clients / grid_.step);
  for (std::size_t i = 0; i < updates.delta.size(); ++i) {
    const ParameterEntry& entry = layout_->entries()[i];
    const at::Tensor& delta = updates.delta[i];
    // Clipped in single precision, as an update is before it is weighed.
    const at::Tensor clipped =
        (delta.to(at::kDouble) * Spread(factor, delta.dim())).to(at::kFloat).to(at::kDouble);
    const at::Tensor scaled = clipped * Spread(updates.weight / grid_.step, delta.dim());
    const at::Tensor whole = scaled.round()
                                 .clamp(-most, most)
                                 .masked_fill(Spread(sound.logical_not(), delta.dim()), 0.0);
    const at::Tensor over = scaled.abs().gt(most).logical_and(Spread(sound, delta.dim()));
    saturated_ += over.sum();
    const at::Tensor numbers = whole.to(at::kLong);
    at::Tensor sums = sums_.narrow(
        0, static_cast<std::int64_t>(entry.offset), static_cast<std::int64_t>(entry.size));
    if (entry.name == "item.weight" && updates.rows.defined()) {
      const std::int64_t width = delta.size(2);
      at::Tensor table = sums.view({-1, width});
      table.index_add_(0, updates.rows, numbers.view({-1, width}));
    } else {
      sums += numbers.view({delta.size(0), -1}).sum(0);
    }
  }
  return norms.masked_fill(sound.logical_not(), std::numeric_limits<double>::infinity());
}

std::vector<std::int64_t> TensorFold::Sums() const {
  const at::Tensor host = sums_.to(at::kCPU);
  const auto* const first = host.data_ptr<std::int64_t>();
  return {first, first + host.numel()};
}

std::uint64_t TensorFold::saturated() const {
  return static_cast<std::uint64_t>(saturated_.to(at::kCPU).item<std::int64_t>());
}

}  // namespace rondo
