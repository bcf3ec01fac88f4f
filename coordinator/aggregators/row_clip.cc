#include "coordinator/aggregators/row_clip.h"

#include <cmath>
#include <utility>

#include "coordinator/aggregators/centred.h"

namespace rondo::coordinator {
namespace {

void ClipRow(std::span<std::int64_t> row, const GridSpec& grid, double most) {
  double square = 0.0;
  for (const std::int64_t value : row) {
    const auto number = static_cast<double>(Centred(value, grid));
    square += number * number;
  }
  const double norm = std::sqrt(square) * grid.step;
  if (norm <= most) {
    return;
  }
  for (std::int64_t& value : row) {
    const double scaled = static_cast<double>(Centred(value, grid)) * (most / norm);
    value = std::llround(scaled) & static_cast<std::int64_t>(grid.mask());
  }
}

class RowClip : public Aggregator {
 public:
  RowClip(double most, std::unique_ptr<Aggregator> next) : most_(most), next_(std::move(next)) {}

  Status Accumulate(UpdateSum update) override {
    GridBlock* const block = update.Find(kDeltaBlock);
    if (update.contributors != 1 || block == nullptr) {
      return Fail(ErrorCode::kUnsupported,
                  "strategy.row_clip needs single updates, not a sum of "
                      + std::to_string(update.contributors));
    }
    const bool by_weight = block->scaling == Scaling::kByWeight;
    const double most = most_ * (by_weight ? static_cast<double>(update.weight) : 1.0);
    for (const ParameterEntry& entry : block->layout->entries()) {
      if (!entry.row_addressable) {
        continue;
      }
      const auto width = entry.size / static_cast<std::size_t>(entry.shape.front());
      const std::span table = std::span(block->values).subspan(entry.offset, entry.size);
      for (std::size_t at = 0; at < table.size(); at += width) {
        ClipRow(table.subspan(at, width), block->grid, most);
      }
    }
    return next_->Accumulate(std::move(update));
  }

  Result<ParameterVector> Report() && override { return std::move(*next_).Report(); }

 private:
  double most_;
  std::unique_ptr<Aggregator> next_;
};

}  // namespace

std::unique_ptr<Aggregator> NewRowClip(double most, std::unique_ptr<Aggregator> next) {
  return std::make_unique<RowClip>(most, std::move(next));
}

}  // namespace rondo::coordinator
