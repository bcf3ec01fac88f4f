#include "common/metrics/baselines/item_knn.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "common/core/check.h"

namespace rondo {
namespace {

// The distinct training items of each user, and the users of each item.
struct Incidence {
  std::vector<std::vector<ItemRow>> items_of;
  std::vector<std::vector<std::uint32_t>> users_of;  // [items + 1]
};

Incidence Invert(const Dataset& dataset) {
  Incidence incidence;
  incidence.users_of.resize(static_cast<std::size_t>(dataset.catalogue->items()) + 1);
  for (std::size_t user = 0; user < dataset.users.size(); ++user) {
    const std::span<const ItemRow> train = dataset.users[user].train();
    std::vector<ItemRow>& items = incidence.items_of.emplace_back(train.begin(), train.end());
    std::sort(items.begin(), items.end());
    items.erase(std::unique(items.begin(), items.end()), items.end());
    if (!items.empty() && items.front() == 0) {
      items.erase(items.begin());
    }
    for (const ItemRow item : items) {
      incidence.users_of[static_cast<std::size_t>(item)].push_back(
          static_cast<std::uint32_t>(user));
    }
  }
  return incidence;
}

// The similarity of the k-th nearest item; everything is kept where fewer are similar at all.
float NearestBound(const std::vector<float>& similarities, int neighbours) {
  const auto k = static_cast<std::size_t>(std::max(1, neighbours));
  if (similarities.size() <= k) {
    return 0.0F;
  }
  std::vector<float> sorted = similarities;
  std::nth_element(sorted.begin(),
                   sorted.begin() + static_cast<std::ptrdiff_t>(k - 1),
                   sorted.end(),
                   std::greater<>());
  return sorted[k - 1];
}

struct Similar {
  ItemRow from = 0;  // the neighbour, an item of a history
  ItemRow to = 0;    // the scored item
  float similarity = 0.0F;
};

// Counts who shares users with `item`, in `together` (all zero before and after), and keeps its
// nearest.
void AppendNearest(const Incidence& incidence,
                   std::size_t item,
                   const ItemKnn::Options& options,
                   std::vector<std::uint32_t>& together,
                   std::vector<Similar>& nearest) {
  std::vector<ItemRow> touched;
  for (const std::uint32_t user : incidence.users_of[item]) {
    for (const ItemRow other : incidence.items_of[user]) {
      if (together[static_cast<std::size_t>(other)]++ == 0) {
        touched.push_back(other);
      }
    }
  }
  std::vector<float> similarities;
  for (ItemRow& other : touched) {
    const auto row = static_cast<std::size_t>(other);
    const double both = together[row];
    together[row] = 0;
    const double norm = std::sqrt(static_cast<double>(incidence.users_of[item].size())
                                  * static_cast<double>(incidence.users_of[row].size()));
    similarities.push_back(
        row == item ? 0.0F : static_cast<float>(both / norm * both / (both + options.shrink)));
  }
  const float bound = NearestBound(similarities, options.neighbours);
  for (std::size_t i = 0; i < touched.size(); ++i) {
    if (similarities[i] > 0.0F && similarities[i] >= bound) {
      nearest.push_back(
          {.from = touched[i], .to = static_cast<ItemRow>(item), .similarity = similarities[i]});
    }
  }
}

}  // namespace

ItemKnn ItemKnn::Fit(const Dataset& dataset, const Options& options) {
  const Incidence incidence = Invert(dataset);
  const std::size_t rows = incidence.users_of.size();
  std::vector<std::uint32_t> together(rows, 0);
  std::vector<Similar> nearest;
  for (std::size_t item = 1; item < rows; ++item) {
    AppendNearest(incidence, item, options, together, nearest);
  }
  ItemKnn knn;
  knn.begin_.assign(rows + 1, 0);
  for (const Similar& pair : nearest) {
    ++knn.begin_[static_cast<std::size_t>(pair.from) + 1];
  }
  for (std::size_t row = 1; row < knn.begin_.size(); ++row) {
    knn.begin_[row] += knn.begin_[row - 1];
  }
  std::vector<std::size_t> next(knn.begin_.begin(), knn.begin_.end() - 1);
  knn.votes_.resize(nearest.size());
  for (const Similar& pair : nearest) {
    knn.votes_[next[static_cast<std::size_t>(pair.from)]++] = {.row = pair.to,
                                                               .similarity = pair.similarity};
  }
  return knn;
}

Status ItemKnn::Score(std::span<const History> histories, std::span<float> scores) {
  const std::size_t rows = begin_.size() - 1;
  RONDO_CHECK(scores.size() == histories.size() * rows) << "scores are [histories, rows]";
  std::fill(scores.begin(), scores.end(), 0.0F);
  std::vector<std::size_t> counted(rows, 0);  // the last history, from 1, that counted the item
  for (std::size_t i = 0; i < histories.size(); ++i) {
    const std::span<float> out = scores.subspan(i * rows, rows);
    for (const ItemRow item : histories[i]) {
      const auto row = static_cast<std::size_t>(item);
      if (counted[row] == i + 1) {
        continue;
      }
      counted[row] = i + 1;
      for (std::size_t v = begin_[row]; v < begin_[row + 1]; ++v) {
        out[static_cast<std::size_t>(votes_[v].row)] += votes_[v].similarity;
      }
    }
  }
  return Ok();
}

}  // namespace rondo
