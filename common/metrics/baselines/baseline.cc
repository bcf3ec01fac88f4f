#include "common/metrics/baselines/baseline.h"

#include <algorithm>
#include <numeric>

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

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

Result<std::unique_ptr<Scorer>> MakeBaseline(std::string_view name,
                                             const Dataset& dataset,
                                             std::uint64_t seed) {
  const Entry* nearest = &kBaselines[0];
  for (const Entry& entry : kBaselines) {
    if (entry.name == name) {
      return entry.make(dataset, seed);
    }
    nearest = EditDistance(entry.name, name) < EditDistance(nearest->name, name) ? &entry : nearest;
  }
  return Fail(ErrorCode::kInvalidArgument,
              "evaluation.baselines: unknown baseline \"" + std::string(name)
                  + "\"; did you mean \"" + std::string(nearest->name) + "\"?");
}

std::vector<std::string> BaselineNames() {
  std::vector<std::string> names;
  for (const Entry& entry : kBaselines) {
    names.emplace_back(entry.name);
  }
  return names;
}

}  // namespace rondo
