#include "coordinator/aggregators/row_contributors.h"

#include <algorithm>
#include <utility>

#include "coordinator/aggregators/centred.h"
#include "coordinator/aggregators/row_contribution.h"

namespace rondo::coordinator {
namespace {

/// Marks the rows of one table of an update that it contributes to.
std::vector<char> Marks(const GridBlock& block, const Table& table) {
  std::vector<double> squares(table.items);
  const std::int64_t* value = block.values.data() + table.offset;
  for (double& square : squares) {
    for (std::size_t k = 0; k < table.width; ++k, ++value) {
      const auto number = static_cast<double>(Centred(*value, block.grid));
      square += number * number;
    }
  }
  std::vector<char> marks(table.items);
  MarkContributions(squares, marks);
  return marks;
}

class RowContributors : public Aggregator {
 public:
  RowContributors(int least, std::unique_ptr<Aggregator> next)
      : least_(static_cast<std::uint32_t>(least)),
        next_(std::move(next)) {}

  Status Accumulate(UpdateSum update) override {
    const GridBlock* const block = update.Find(kDeltaBlock);
    if (update.contributors != 1 || block == nullptr) {
      return Fail(ErrorCode::kUnsupported,
                  "strategy.row_contributors needs single updates, not a sum of "
                      + std::to_string(update.contributors));
    }
    const std::vector<Table> tables = TablesOf(*block->layout);
    std::vector<std::vector<char>> marks;
    for (const Table& table : tables) {
      marks.push_back(Marks(*block, table));
    }
    RONDO_TRY_STATUS(next_->Accumulate(std::move(update)));
    counts_.resize(tables.size());
    for (std::size_t i = 0; i < tables.size(); ++i) {
      counts_[i].resize(tables[i].items);
      std::transform(marks[i].begin(),
                     marks[i].end(),
                     counts_[i].begin(),
                     counts_[i].begin(),
                     [](char mark, std::uint32_t count) { return count + (mark != 0 ? 1U : 0U); });
    }
    return Ok();
  }

  Result<ParameterVector> Report() && override {
    RONDO_TRY(ParameterVector delta, std::move(*next_).Report());
    const std::vector<Table> tables = TablesOf(*delta.layout);
    for (std::size_t i = 0; i < tables.size(); ++i) {
      for (std::size_t item = 0; item < tables[i].items; ++item) {
        if (counts_[i][item] < least_) {
          const std::size_t begin = tables[i].offset + item * tables[i].width;
          std::fill_n(
              delta.values.begin() + static_cast<std::ptrdiff_t>(begin), tables[i].width, 0.0F);
        }
      }
    }
    return delta;
  }

 private:
  std::uint32_t least_;
  std::unique_ptr<Aggregator> next_;
  std::vector<std::vector<std::uint32_t>> counts_;  ///< contributors, by table and row
};

}  // namespace

std::unique_ptr<Aggregator> NewRowContributors(int least, std::unique_ptr<Aggregator> next) {
  return std::make_unique<RowContributors>(least, std::move(next));
}

}  // namespace rondo::coordinator
