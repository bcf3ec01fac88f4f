#include "common/data/dataset.h"

namespace rondo {

bool UserSequence::Trains() const {
  bool seen = false;
  for (std::size_t row = 0; row < train_size; ++row) {
    if (seen && IsTarget(role(row))) {
      return true;
    }
    seen = seen || IsInput(role(row));
  }
  return false;
}

std::vector<ItemRow> UserSequence::Inputs() const {
  std::vector<ItemRow> inputs;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (IsInput(role(row))) {
      inputs.push_back(rows[row]);
    }
  }
  return inputs;
}

}  // namespace rondo
