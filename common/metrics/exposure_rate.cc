#include "common/metrics/exposure_rate.h"

#include <algorithm>
#include <cmath>

#include "common/metrics/rank.h"

namespace rondo {
namespace {

constexpr std::size_t kBatch = 64;

}  // namespace

Result<std::vector<double>> ExposureRates(Scorer& scorer,
                                          std::span<const UserHistory> users,
                                          std::int64_t items,
                                          ItemRow item,
                                          std::span<const int> k) {
  std::vector<const UserHistory*> open;  // to the item
  for (const UserHistory& user : users) {
    if (std::find(user.met.begin(), user.met.end(), item) == user.met.end()) {
      open.push_back(&user);
    }
  }
  const int longest = k.empty() ? 1 : *std::max_element(k.begin(), k.end());
  const auto rows = static_cast<std::size_t>(items) + 1;
  std::vector<double> shares(k.size(), 0.0);
  std::vector<float> scores;
  for (std::size_t begin = 0; begin < open.size(); begin += kBatch) {
    const std::size_t count = std::min(kBatch, open.size() - begin);
    std::vector<History> histories;
    for (std::size_t i = 0; i < count; ++i) {
      histories.emplace_back(open[begin + i]->rows);
    }
    scores.resize(count * rows);
    RONDO_TRY_STATUS(scorer.Score(histories, scores));
    for (std::size_t i = 0; i < count; ++i) {
      const Rank rank = RankTarget(std::span<const float>(scores).subspan(i * rows, rows),
                                   item,
                                   ExcludedRows(open[begin + i]->met));
      const std::vector<double> positions = FullPositions(rank, longest);
      for (std::size_t at = 0; at < k.size(); ++at) {
        shares[at] += MetricsAt(positions, k[at]).hr;
      }
    }
  }
  for (double& share : shares) {
    share = open.empty() ? std::nan("") : share / static_cast<double>(open.size());
  }
  return shares;
}

}  // namespace rondo
