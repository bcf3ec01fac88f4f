#include "common/federated/unclipped_block.h"

#include <algorithm>
#include <string>
#include <utility>

namespace rondo {

std::shared_ptr<const ParameterLayout> UnclippedLayout() {
  static const std::shared_ptr<const ParameterLayout> kLayout =
      ParameterLayout::Create({{.name = std::string(kUnclippedBlock), .shape = {1}}}).value();
  return kLayout;
}

float UnclippedValue(double norm, double clip_norm) {
  return norm <= clip_norm ? 0.5F : -0.5F;
}

Result<GridBlock> TakeUnclipped(UpdateSum& sum) {
  const auto found = std::find_if(sum.blocks.begin(), sum.blocks.end(), [](const GridBlock& block) {
    return block.name == kUnclippedBlock;
  });
  if (found == sum.blocks.end() || found->values.size() != 1) {
    return Fail(ErrorCode::kFailedPrecondition, "the update holds no block \"unclipped\"");
  }
  GridBlock block = std::move(*found);
  sum.blocks.erase(found);
  return block;
}

}  // namespace rondo
