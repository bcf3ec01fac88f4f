#include "coordinator/contributions.h"

#include <cmath>

#include "common/wire/messages.h"

namespace rondo::coordinator {
namespace {

Status Compare(const wire::ContributionBlock& block, const BlockSpec& spec) {
  const std::size_t values = block.reals.size() + block.integers.size();
  if (block.name != spec.name) {
    return Fail(ErrorCode::kCorrupt,
                "block '" + block.name + "' came, expected '" + spec.name + "'");
  }
  if (block.layout_digest != spec.layout->digest() || values != spec.layout->size()) {
    return Fail(ErrorCode::kCorrupt,
                "block '" + block.name + "' has another layout: offered " + spec.layout->digest()
                    + ", got " + block.layout_digest);
  }
  if (block.grid != spec.grid || block.scaling != spec.scaling) {
    return Fail(ErrorCode::kCorrupt,
                "block '" + block.name + "' has another grid or scaling than offered");
  }
  return Ok();
}

/// Integers of the exact grid come signed and within its limit.
Status CheckLimit(const wire::ContributionBlock& block) {
  if (block.grid.kind != GridSpec::Kind::kExact)
    return Ok();
  const double most = block.grid.limit / block.grid.step;
  for (const std::int64_t value : block.integers) {
    if (std::abs(static_cast<double>(value)) > most) {
      return Fail(ErrorCode::kCorrupt,
                  "block '" + block.name + "' has a value beyond the limit of its grid");
    }
  }
  return Ok();
}

}  // namespace

Result<Decoded> DecodeClearContribution(const ClientId&,
                                        ByteView payload,
                                        const ContributionSpec& spec) {
  RONDO_TRY(wire::Contribution contribution, wire::DecodeContribution(payload));
  Decoded decoded{
      .kind = contribution.kind, .round = contribution.round, .loss = contribution.loss};
  if (contribution.kind != spec.kind || contribution.round != spec.round)
    return decoded;
  if (contribution.weight > spec.max_weight) {
    return Fail(ErrorCode::kCorrupt,
                "weight " + std::to_string(contribution.weight) + " is above the largest, "
                    + std::to_string(spec.max_weight));
  }
  if (contribution.blocks.size() != spec.blocks.size()) {
    return Fail(ErrorCode::kCorrupt,
                std::to_string(contribution.blocks.size()) + " blocks came, expected "
                    + std::to_string(spec.blocks.size()));
  }
  decoded.update.weight = contribution.weight;
  decoded.update.contributors = 1;
  decoded.update.saturated = contribution.saturated;
  for (std::size_t i = 0; i < spec.blocks.size(); ++i) {
    wire::ContributionBlock& block = contribution.blocks[i];
    const BlockSpec& expected = spec.blocks[i];
    RONDO_TRY_STATUS(Compare(block, expected));
    RONDO_TRY_STATUS(CheckLimit(block));
    GridBlock folded = MakeBlock(expected.name, expected.layout, expected.grid, expected.scaling);
    if (block.integers.empty()) {
      const std::uint64_t weight = expected.scaling == Scaling::kByWeight ? contribution.weight : 1;
      RONDO_TRY(const std::uint64_t saturated, FoldDense(folded, block.reals, weight, nullptr));
      decoded.update.saturated += saturated;
    } else {
      folded.values = std::move(block.integers);
    }
    decoded.update.blocks.push_back(std::move(folded));
  }
  return decoded;
}

}  // namespace rondo::coordinator
