#include "common/model/tensor_dropout.h"

#include <torch/torch.h>

#include "common/model/device.h"

namespace rondo {
namespace {

/// A 32-bit pattern as the number that an int32 tensor takes it for.
std::int64_t Signed(std::uint32_t bits) {
  return static_cast<std::int32_t>(bits);
}

/// x ^= x >> bits, as if x was unsigned.
void XorShift(at::Tensor& x, int bits) {
  const std::uint32_t kept = 0xFFFFFFFFU >> bits;
  x.bitwise_xor_(at::bitwise_right_shift(x, bits).bitwise_and_(Signed(kept)));
}

}  // namespace

at::Tensor TensorDropoutMask(std::span<const std::uint64_t> sequence_keys,
                             std::int64_t length,
                             std::int64_t width,
                             const DropoutSite& site,
                             const at::Device& device) {
  const auto sequences = static_cast<std::int64_t>(sequence_keys.size());
  at::Tensor rows = at::empty({sequences, length, 1}, at::kInt);
  auto* row = rows.data_ptr<std::int32_t>();
  for (const std::uint64_t sequence : sequence_keys) {
    const std::uint64_t key = DropoutSiteKey(sequence, site);
    for (std::int64_t t = 0; t < length; ++t) {
      *row++ = static_cast<std::int32_t>(DropoutRowKey(key, length - t));
    }
  }
  at::Tensor columns = at::empty({width}, at::kInt);
  for (std::int64_t d = 0; d < width; ++d) {
    columns.data_ptr<std::int32_t>()[d] = static_cast<std::int32_t>(DropoutColumn(d, width));
  }
  at::Tensor x = ToDevice(rows, device) + ToDevice(columns, device);
  XorShift(x, 16);
  x.mul_(Signed(kDropoutFactor1));
  XorShift(x, 13);
  x.mul_(Signed(kDropoutFactor2));
  XorShift(x, 16);
  // Unsigned numbers keep their order when the highest bit is turned over.
  constexpr std::uint32_t kHighest = 0x80000000U;
  const at::Tensor keep =
      x.bitwise_xor_(Signed(kHighest)).ge(Signed(DropoutThreshold(site) ^ kHighest));
  return keep.to(at::kFloat).mul_(static_cast<double>(DropoutScale(site)));
}

}  // namespace rondo
