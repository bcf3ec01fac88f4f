#include "common/secagg/masked_sum.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "common/core/check.h"
#include "common/federated/noise.h"

namespace rondo::secagg {
namespace {

// -- totals := weight saturated loss, the last in steps of 2^-24

constexpr std::size_t kTotals = 3;
constexpr std::uint64_t kMostOfTotals = std::uint64_t{1} << 44;
constexpr double kLossStep = 0x1p-24;
constexpr double kMostLoss = 0x1p20;

Segment TotalsSegment() {
  return {.name = "totals", .size = kTotals, .bits = 64, .most = kMostOfTotals};
}

// -- blocks

/// Widths that masks are made for.
int WidthFor(int bits) {
  for (const int width : {16, 24, 32}) {
    if (bits <= width) {
      return width;
    }
  }
  return 64;
}

Result<Segment> SegmentOf(const GridBlock& block, double noise_stddev, std::uint32_t clients) {
  const GridSpec& grid = block.grid;
  const std::string what = "masked vector: block \"" + block.name + "\"";
  const double levels = std::floor(grid.limit / grid.step);
  if (grid.bits < 2 || grid.bits > 64 || !(levels >= 1.0 && levels <= 0x1p62)) {
    return Fail(ErrorCode::kInvalidArgument, what + " is on a grid that no numbers fit on");
  }
  Segment segment{.name = block.name,
                  .size = block.layout->size(),
                  .bits = WidthFor(grid.bits),
                  .most = static_cast<std::uint64_t>(levels)};
  if (noise_stddev > 0.0 && block.name == kDeltaBlock) {
    RONDO_TRY(const std::uint64_t sigma, NoiseSteps(noise_stddev, grid));
    segment.most += kShareTail * sigma;
  }
  const std::uint64_t half = std::uint64_t{1} << (grid.bits - 1);
  if (clients == 0 || segment.most > (half - 1) / clients) {
    return Fail(ErrorCode::kInvalidArgument,
                what + ": " + std::to_string(clients) + " clients of up to "
                    + std::to_string(segment.most) + " steps each overflow "
                    + std::to_string(grid.bits)
                    + " bits; raise privacy.ring_bits or lower strategy.cohort");
  }
  return segment;
}

/// Numbers on a ring as they are meant, with their signs.
std::vector<std::int64_t> Centred(const GridBlock& block) {
  std::vector<std::int64_t> numbers = block.values;
  if (block.grid.kind == GridSpec::Kind::kRing && block.grid.bits < 64) {
    const int shift = 64 - block.grid.bits;
    for (std::int64_t& number : numbers) {
      number = static_cast<std::int64_t>(static_cast<std::uint64_t>(number) << shift) >> shift;
    }
  }
  return numbers;
}

/// Numbers of a segment with their signs.
std::vector<std::int64_t> Signed(const Segment& segment, ByteView packed) {
  std::vector<std::int64_t> numbers(segment.size);
  Unpack(packed, segment.bits, numbers);
  const int shift = 64 - segment.bits;
  for (std::int64_t& number : numbers) {
    number = static_cast<std::int64_t>(static_cast<std::uint64_t>(number) << shift) >> shift;
  }
  return numbers;
}

}  // namespace

Result<VectorSpec> SpecOfSum(const SumShape& shape, std::uint32_t most_clients) {
  VectorSpec spec{.segments = {}, .most_clients = most_clients};
  spec.segments.reserve(shape.blocks.size() + 1);
  for (const GridBlock& block : shape.blocks) {
    RONDO_TRY(Segment segment, SegmentOf(block, shape.noise_stddev, most_clients));
    spec.segments.push_back(std::move(segment));
  }
  spec.segments.push_back(TotalsSegment());
  RONDO_TRY_STATUS(CheckSpec(spec));
  return spec;
}

Result<Bytes> PackForSum(const VectorSpec& spec, const UpdateSum& update, double loss) {
  const std::size_t blocks = spec.segments.size() - 1;
  const bool fits =
      std::equal(update.blocks.begin(),
                 update.blocks.end(),
                 spec.segments.begin(),
                 spec.segments.begin() + static_cast<std::ptrdiff_t>(blocks),
                 [](const GridBlock& block, const Segment& segment) {
                   return block.name == segment.name && block.values.size() == segment.size;
                 });
  if (!fits || update.weight > kMostOfTotals || update.saturated > kMostOfTotals) {
    return Fail(ErrorCode::kInvalidArgument, "masked vector: the update is not that of the spec");
  }
  Bytes packed;
  packed.reserve(spec.bytes());
  for (std::size_t i = 0; i < blocks; ++i) {
    Pack(Centred(update.blocks[i]), spec.segments[i].bits, packed);
  }
  const double clamped = std::isfinite(loss) ? std::clamp(loss, -kMostLoss, kMostLoss) : 0.0;
  const std::array<std::int64_t, kTotals> totals = {
      static_cast<std::int64_t>(update.weight),
      static_cast<std::int64_t>(update.saturated),
      static_cast<std::int64_t>(std::llround(clamped / kLossStep))};
  Pack(totals, 64, packed);
  return packed;
}

Result<OpenedSum> UnpackSum(const SumShape& shape,
                            const VectorSpec& spec,
                            ByteView packed,
                            std::uint32_t contributors) {
  RONDO_CHECK(packed.size() == spec.bytes() && spec.segments.size() == shape.blocks.size() + 1)
      << "the sum is of this spec";
  OpenedSum opened{.sum = {.blocks = shape.blocks, .contributors = contributors}};
  std::size_t at = 0;
  for (std::size_t i = 0; i < shape.blocks.size(); ++i) {
    const Segment& segment = spec.segments[i];
    GridBlock& block = opened.sum.blocks[i];
    block.values = Signed(segment, packed.subspan(at, segment.bytes()));
    at += segment.bytes();
    if (block.grid.kind == GridSpec::Kind::kRing) {
      for (std::int64_t& value : block.values) {
        value = static_cast<std::int64_t>(static_cast<std::uint64_t>(value) & block.grid.mask());
      }
    }
  }
  const std::vector<std::int64_t> totals = Signed(spec.segments.back(), packed.subspan(at));
  if (totals[0] < 0 || totals[1] < 0) {
    return Fail(ErrorCode::kCorrupt, "masked vector: weights or counts add up to less than 0");
  }
  opened.sum.weight = static_cast<std::uint64_t>(totals[0]);
  opened.sum.saturated = static_cast<std::uint64_t>(totals[1]);
  opened.loss = static_cast<double>(totals[2]) * kLossStep;
  return opened;
}

}  // namespace rondo::secagg
