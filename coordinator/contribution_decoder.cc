#include "coordinator/contribution_decoder.h"

#include <utility>

#include "common/federated/packing.h"
#include "common/wire/messages.h"

namespace rondo::coordinator {
namespace {

Status CheckHeader(const wire::ContributionBlock& block, const BlockSpec& spec) {
  if (block.name != spec.name) {
    return Fail(ErrorCode::kCorrupt,
                "contribution: expected block \"" + spec.name + "\", got \"" + block.name + "\"");
  }
  if (block.layout_digest != spec.layout->digest()) {
    return Fail(ErrorCode::kCorrupt,
                "block \"" + spec.name + "\": layout digest differs: offered "
                    + spec.layout->digest().substr(0, 12) + ", got "
                    + block.layout_digest.substr(0, 12));
  }
  if (block.grid != spec.grid || block.scaling != spec.scaling) {
    return Fail(ErrorCode::kCorrupt,
                "block \"" + spec.name + "\": the grid is not the offered one");
  }
  if (spec.packing.has_value() == block.packed.empty()) {
    return Fail(ErrorCode::kCorrupt,
                "block \"" + spec.name + "\": the numbers come "
                    + (spec.packing ? "plain, offered was packed" : "packed, offered was plain"));
  }
  if (!spec.packing && block.reals.size() + block.integers.size() != spec.layout->size()) {
    return Fail(ErrorCode::kCorrupt,
                "block \"" + spec.name + "\": expected " + std::to_string(spec.layout->size())
                    + " numbers, got "
                    + std::to_string(block.reals.size() + block.integers.size()));
  }
  return Ok();
}

std::uint64_t Elements(const ContributionSpec& spec) {
  std::uint64_t elements = 0;
  for (const BlockSpec& block : spec.blocks) {
    elements += block.layout->size();
  }
  return elements;
}

/// The numbers of a block that did not come as integers. Packed ones are bounded by the layout.
Result<std::vector<float>> RealsOf(wire::ContributionBlock& block, const BlockSpec& spec) {
  if (!spec.packing) {
    return std::move(block.reals);
  }
  auto reals = UnpackUpdate(*spec.packing, *spec.layout, block.packed);
  if (!reals) {
    return Fail(reals.error().code, "block \"" + spec.name + "\": " + reals.error().message);
  }
  return reals;
}

/// The block on the grid. Integers come scaled and rounded; floats are weighed and rounded here.
Result<GridBlock> FoldBlock(wire::ContributionBlock& block,
                            const BlockSpec& spec,
                            wire::Contribution& from) {
  GridBlock folded{
      .name = spec.name, .layout = spec.layout, .grid = spec.grid, .scaling = spec.scaling};
  if (!block.integers.empty()) {
    folded.values = std::move(block.integers);
    return folded;
  }
  if (spec.grid.kind != GridSpec::Kind::kExact) {
    return Fail(ErrorCode::kCorrupt,
                "block \"" + spec.name + "\": only the exact grid takes float32");
  }
  folded.values.assign(spec.layout->size(), 0);
  const std::uint64_t weight = spec.scaling == Scaling::kByWeight ? from.weight : 1;
  RONDO_TRY(const std::vector<float> reals, RealsOf(block, spec));
  RONDO_TRY(const std::uint64_t saturated, FoldDense(folded, reals, weight, nullptr));
  from.saturated += saturated;
  return folded;
}

}  // namespace

Result<Decoded> DecodeWireContribution(const ClientId& /*client*/,
                                       ByteView payload,
                                       const ContributionSpec& spec) {
  const std::uint64_t elements = Elements(spec);
  RONDO_TRY(wire::Contribution contribution, wire::DecodeContribution(payload, elements));
  Decoded decoded{
      .kind = contribution.kind, .round = contribution.round, .loss = contribution.loss};
  if (decoded.kind != spec.kind || decoded.round != spec.round) {
    return decoded;  // An answer to an earlier offer; the session only looks at its number.
  }
  if (contribution.weight < 1 || contribution.weight > spec.max_weight) {
    return Fail(ErrorCode::kCorrupt,
                "contribution: the weight is " + std::to_string(contribution.weight)
                    + ", allowed are 1 to " + std::to_string(spec.max_weight));
  }
  if (contribution.saturated > elements) {
    return Fail(ErrorCode::kCorrupt,
                "contribution: " + std::to_string(contribution.saturated)
                    + " saturated coordinates of " + std::to_string(elements));
  }
  if (contribution.blocks.size() != spec.blocks.size()) {
    return Fail(ErrorCode::kCorrupt,
                "contribution: expected " + std::to_string(spec.blocks.size()) + " blocks, got "
                    + std::to_string(contribution.blocks.size()));
  }
  for (std::size_t i = 0; i < spec.blocks.size(); ++i) {
    RONDO_TRY_STATUS(CheckHeader(contribution.blocks[i], spec.blocks[i]));
    RONDO_TRY(GridBlock block, FoldBlock(contribution.blocks[i], spec.blocks[i], contribution));
    decoded.update.blocks.push_back(std::move(block));
  }
  decoded.update.weight = contribution.weight;
  decoded.update.contributors = 1;
  decoded.update.saturated = contribution.saturated;
  return decoded;
}

}  // namespace rondo::coordinator
