#include "common/metrics/baselines/baseline.h"

#include "common/core/suggest.h"
#include "common/metrics/baselines/bpr_mf.h"
#include "common/metrics/baselines/item_knn.h"
#include "common/metrics/baselines/markov1.h"
#include "common/metrics/baselines/popularity.h"

namespace rondo {
namespace {

struct Entry {
  std::string_view name;
  Result<std::unique_ptr<Scorer>> (*make)(const Dataset& dataset, std::uint64_t seed);
};

Result<std::unique_ptr<Scorer>> MakePopularity(const Dataset& dataset, std::uint64_t /*seed*/) {
  return std::unique_ptr<Scorer>(std::make_unique<Popularity>(CountItems(dataset)));
}

Result<std::unique_ptr<Scorer>> MakeMarkov1(const Dataset& dataset, std::uint64_t /*seed*/) {
  if (!dataset.ordered) {
    return Fail(ErrorCode::kUnsupported,
                "evaluation.baselines: markov1 needs events in order, but data.order is \"none\"; "
                "leave it out");
  }
  return std::unique_ptr<Scorer>(
      std::make_unique<Markov1>(CountTransitions(dataset), CountItems(dataset)));
}

Result<std::unique_ptr<Scorer>> MakeItemKnn(const Dataset& dataset, std::uint64_t /*seed*/) {
  return std::unique_ptr<Scorer>(std::make_unique<ItemKnn>(ItemKnn::Fit(dataset, {})));
}

Result<std::unique_ptr<Scorer>> MakeBprMf(const Dataset& dataset, std::uint64_t seed) {
  return std::unique_ptr<Scorer>(std::make_unique<BprMf>(BprMf::Fit(dataset, seed, {})));
}

// The one table of baselines.
constexpr Entry kBaselines[] = {
    {"popularity", &MakePopularity},
    {"markov1", &MakeMarkov1},
    {"item_knn", &MakeItemKnn},
    {"bpr_mf", &MakeBprMf},
};

}  // namespace

Result<std::unique_ptr<Scorer>> MakeBaseline(std::string_view name,
                                             const Dataset& dataset,
                                             std::uint64_t seed) {
  for (const Entry& entry : kBaselines) {
    if (entry.name == name) {
      return entry.make(dataset, seed);
    }
  }
  const std::vector<std::string> known = BaselineNames();
  return Fail(ErrorCode::kInvalidArgument,
              "evaluation.baselines: unknown baseline \"" + std::string(name) + "\"; choose from "
                  + JoinChoices(known) + DidYouMean(name, known));
}

std::vector<std::string> BaselineNames() {
  std::vector<std::string> names;
  for (const Entry& entry : kBaselines) {
    names.emplace_back(entry.name);
  }
  return names;
}

}  // namespace rondo
