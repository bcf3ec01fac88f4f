#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/core/result.h"

namespace rondo {

/// Metrics of finished recommendation lists, whoever made them.
///
///   recommendations.tsv := header with user_id, item_id, score { "\n" row }
///   truth.tsv           := header with user_id, item_id { "\n" row }
///
/// Columns are found by name, so further ones may stand beside them.

struct ListedItem {
  std::string item;
  double score = 0.0;
};

using Recommendations = std::map<std::string, std::vector<ListedItem>>;  // by user, in file order
using Truth = std::map<std::string, std::set<std::string>>;              // by user

/// Errors  kNotFound; kIo; kCorrupt with file and line for a missing column, a short row or a score
/// that is no number.
Result<Recommendations> ReadRecommendations(const std::filesystem::path& path);
Result<Truth> ReadTruth(const std::filesystem::path& path);

struct ListMetrics {
  std::uint64_t users = 0;  ///< in the truth
  std::vector<std::pair<std::string, double>>
      metrics;  ///< "hr@5", ..., by k, then hr ndcg mrr precision recall f1 map
};

/// Lists are put in order of falling score, then of the bytes of the item id; a NaN score comes
/// last; of repeated items the first counts. Means are over the users of the truth, and a user
/// without a list scores 0. Errors  kInvalidArgument for an empty truth, no k, or a k below 1.
Result<ListMetrics> ScoreLists(Recommendations recommendations,
                               const Truth& truth,
                               std::span<const int> k);

}  // namespace rondo
