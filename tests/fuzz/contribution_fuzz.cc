#include <cmath>

#include "common/core/check.h"
#include "common/federated/packing.h"
#include "common/wire/messages.h"
#include "coordinator/contribution_decoder.h"
#include "tests/fuzz/target.h"

// A contribution as the coordinator takes it: decoded, compared with what was offered, folded onto
// the grid, added.

namespace rondo::fuzz {
namespace {

using coordinator::ContributionSpec;

constexpr RoundId kRound = 4;

const std::shared_ptr<const ParameterLayout>& Layout() {
  static const auto kLayout =
      ParameterLayout::Create({{.name = "x", .shape = {3}}, {.name = "y", .shape = {2, 4}}})
          .value();
  return kLayout;
}

const CompressionConfig kPacking{.stages = {"top_k", "quantise"}, .top_k = 0.5, .bits = 5};

ContributionSpec Spec(const GridSpec& grid, bool packed) {
  ContributionSpec spec{.round = kRound, .max_weight = 10};
  spec.blocks.push_back({std::string(kDeltaBlock), Layout(), grid, Scaling::kByWeight});
  if (packed) {
    spec.blocks[0].packing = kPacking;
  }
  return spec;
}

GridSpec Ring() {
  return {.kind = GridSpec::Kind::kRing, .bits = 20, .step = 0.125, .limit = 64.0};
}

bool Folds(ByteView input, ContributionSpec spec) {
  const auto session =
      coordinator::ClearSessions(coordinator::DecodeWireContribution)(std::move(spec), {"acme"});
  const auto step = session->Receive("acme", input, {});
  RONDO_CHECK(step.has_value()) << "one client ends the round: " << step.error().message;
  const auto sums = std::move(*session).Take();
  RONDO_CHECK(sums.has_value()) << "a round that went on has no end";
  return !sums->empty();
}

bool RunContribution(ByteView input) {
  const auto decoded = wire::DecodeContribution(input, 2 * Layout()->size());
  if (decoded) {
    const Bytes written = wire::EncodeContribution(*decoded);
    const auto again = wire::DecodeContribution(written, 2 * Layout()->size());
    RONDO_CHECK(again.has_value()) << "own bytes are refused: " << again.error().message;
    RONDO_CHECK(wire::EncodeContribution(*again) == written) << "it changes on its way";
  }
  const bool exact = Folds(input, Spec(GridSpec{}, false));
  const bool ring = Folds(input, Spec(Ring(), false));
  RONDO_CHECK(!exact || !ring) << "two grids are taken for one";
  return exact || ring;
}

bool RunPacked(ByteView input) {
  return Folds(input, Spec(GridSpec{}, true));
}

wire::Contribution Good() {
  wire::Contribution contribution{.round = kRound, .weight = 3, .loss = 0.5};
  contribution.blocks.push_back(
      {.name = std::string(kDeltaBlock), .layout_digest = Layout()->digest()});
  return contribution;
}

std::vector<float> Values() {
  std::vector<float> values(Layout()->size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = 0.25F * static_cast<float>(i) - 1.0F;
  }
  return values;
}

std::vector<Bytes> Seeds() {
  wire::Contribution reals = Good();
  reals.blocks[0].reals = Values();
  wire::Contribution exact = Good();
  exact.blocks[0].integers.assign(Layout()->size(), -5);
  wire::Contribution ring = Good();
  ring.blocks[0].grid = Ring();
  ring.blocks[0].integers.assign(Layout()->size(), 7);
  return {wire::EncodeContribution(reals),
          wire::EncodeContribution(exact),
          wire::EncodeContribution(ring)};
}

std::vector<Bytes> PackedSeeds() {
  Rng rng({.seed = 1, .purpose = Purpose::kCompression});
  wire::Contribution packed = Good();
  packed.blocks[0].packed = PackUpdate(kPacking, *Layout(), Values(), rng);
  return {wire::EncodeContribution(packed)};
}

}  // namespace

Target ContributionTarget() {
  return {"contribution", RunContribution, Seeds};
}

Target PackedContributionTarget() {
  return {"packed_contribution", RunPacked, PackedSeeds};
}

}  // namespace rondo::fuzz
