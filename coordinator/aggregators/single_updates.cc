#include "coordinator/aggregators/single_updates.h"

#include <utility>

#include "common/federated/vector_math.h"
#include "coordinator/aggregators/row_contribution.h"
#include "coordinator/aggregators/rules.h"

namespace rondo::coordinator {
namespace {

class SingleUpdates : public Aggregator {
 public:
  explicit SingleUpdates(SingleUpdatesParts parts) : parts_(std::move(parts)) {}

  Status Accumulate(UpdateSum update) override {
    const GridBlock* const block = update.Find(kDeltaBlock);
    if (block == nullptr) {
      return Fail(ErrorCode::kFailedPrecondition, "the update holds no block \"delta\"");
    }
    if (update.contributors != 1 || update.weight == 0) {
      return Fail(ErrorCode::kUnsupported,
                  "the aggregator \"" + parts_.config.aggregator
                      + "\" needs single updates, not a sum of "
                      + std::to_string(update.contributors));
    }
    if (layout_ == nullptr) {
      layout_ = block->layout;
    } else if (block->layout->digest() != layout_->digest()) {
      return Fail(ErrorCode::kFailedPrecondition,
                  "block \"delta\": layout digest differs: " + layout_->digest().substr(0, 12)
                      + " and " + block->layout->digest().substr(0, 12));
    }
    const bool by_weight = block->scaling == Scaling::kByWeight;
    const bool ring = block->grid.kind == GridSpec::Kind::kRing;
    std::vector<float>& values = values_.emplace_back(block->values.size());
    MeanOfGrid(block->values,
               ring ? std::int64_t{1} << block->grid.bits : 0,
               block->grid.step,
               by_weight ? static_cast<double>(update.weight) : 1.0,
               values);
    weights_.push_back(static_cast<double>(update.weight));
    return Ok();
  }

  Result<ParameterVector> Report() && override {
    const std::string round = "round " + std::to_string(parts_.round) + " has";
    if (const Status enough = CheckRule(parts_.config, values_.size(), round); !enough) {
      return Fail(ErrorCode::kTooFewClients, enough.error().message);
    }
    Updates updates{
        .weights = std::move(weights_), .size = layout_->size(), .tables = TablesOf(*layout_)};
    for (std::vector<float>& values : values_) {
      updates.rows.push_back(values.data());
    }
    Workers workers(parts_.threads);
    ParameterVector result{.layout = layout_, .values = std::vector<float>(layout_->size())};
    const RuleContext context{
        .config = parts_.config, .workers = workers, .seed = parts_.seed, .round = parts_.round};
    RONDO_TRY_STATUS(ApplyRule(updates, context, result.values));
    return result;
  }

 private:
  SingleUpdatesParts parts_;
  std::shared_ptr<const ParameterLayout> layout_;
  std::vector<std::vector<float>> values_;  ///< one a client
  std::vector<double> weights_;
};

}  // namespace

std::unique_ptr<Aggregator> NewSingleUpdates(SingleUpdatesParts parts) {
  return std::make_unique<SingleUpdates>(std::move(parts));
}

}  // namespace rondo::coordinator
