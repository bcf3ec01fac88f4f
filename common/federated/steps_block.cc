#include "common/federated/steps_block.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

namespace rondo {

std::shared_ptr<const ParameterLayout> StepsLayout() {
  static const std::shared_ptr<const ParameterLayout> layout =
      ParameterLayout::Create({{.name = std::string(kStepsBlock), .shape = {1}}}).value();
  return layout;
}

float StepsValue(std::uint64_t steps) {
  return static_cast<float>(std::min(static_cast<double>(steps), kStepsUnit) / kStepsUnit);
}

Status AddStepsBlock(UpdateSum& sum,
                     const GridSpec& grid,
                     std::uint64_t steps,
                     std::uint64_t weight,
                     Rng* rng) {
  GridBlock block = MakeBlock(std::string(kStepsBlock), StepsLayout(), grid, Scaling::kByWeight);
  const float value = StepsValue(steps);
  RONDO_TRY(const std::uint64_t saturated, FoldDense(block, std::span(&value, 1), weight, rng));
  sum.saturated += saturated;
  sum.blocks.push_back(std::move(block));
  return Ok();
}

Result<double> TakeSteps(UpdateSum& sum) {
  const GridBlock* const block = sum.Find(kStepsBlock);
  if (block == nullptr || block->values.size() != 1) {
    return Fail(ErrorCode::kFailedPrecondition, "the update holds no block \"steps\"");
  }
  const double steps = GridToReal(*block).front() * kStepsUnit;
  std::erase_if(sum.blocks, [](const GridBlock& other) { return other.name == kStepsBlock; });
  return steps;
}

}  // namespace rondo
