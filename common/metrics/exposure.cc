#include "common/metrics/exposure.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "common/core/check.h"

namespace rondo {
namespace {

float Comparable(float score) {
  return std::isnan(score) ? -std::numeric_limits<float>::infinity() : score;
}

}  // namespace

Exposure::Exposure(std::int64_t items, int k)
    : k_(k),
      shown_(static_cast<std::size_t>(items) + 1, 0.0) {
  RONDO_CHECK(k >= 1) << "k = " << k;
}

void Exposure::Add(std::span<const float> scores, std::span<const ItemRow> excluded) {
  RONDO_CHECK(scores.size() == shown_.size()) << "scores cover the catalogue";
  order_.clear();
  auto next = excluded.begin();
  for (ItemRow row = 1; row < static_cast<ItemRow>(scores.size()); ++row) {
    if (next != excluded.end() && *next == row) {
      ++next;
    } else {
      order_.push_back(row);
    }
  }
  const std::size_t places = std::min(order_.size(), static_cast<std::size_t>(k_));
  if (places == 0) {
    return;
  }
  const auto score_of = [&](ItemRow row) {
    return Comparable(scores[static_cast<std::size_t>(row)]);
  };
  std::nth_element(order_.begin(),
                   order_.begin() + static_cast<std::ptrdiff_t>(places - 1),
                   order_.end(),
                   [&](ItemRow a, ItemRow b) { return score_of(a) > score_of(b); });
  const float last = score_of(order_[places - 1]);
  const auto above = std::count_if(
      order_.begin(), order_.end(), [&](ItemRow row) { return score_of(row) > last; });
  const auto level = std::count_if(
      order_.begin(), order_.end(), [&](ItemRow row) { return score_of(row) == last; });
  const double share =
      (static_cast<double>(places) - static_cast<double>(above)) / static_cast<double>(level);
  for (const ItemRow row : order_) {
    const float score = score_of(row);
    shown_[static_cast<std::size_t>(row)] += score > last ? 1.0 : score == last ? share : 0.0;
  }
}

void Exposure::Merge(const Exposure& other) {
  RONDO_CHECK(other.shown_.size() == shown_.size() && other.k_ == k_) << "unlike exposures";
  for (std::size_t row = 0; row < shown_.size(); ++row) {
    shown_[row] += other.shown_[row];
  }
}

double Exposure::Coverage() const {
  const auto shown =
      std::count_if(shown_.begin() + 1, shown_.end(), [](double times) { return times > 0.0; });
  return static_cast<double>(shown) / static_cast<double>(shown_.size() - 1);
}

double Exposure::Gini() const {
  std::vector<double> sorted(shown_.begin() + 1, shown_.end());
  std::sort(sorted.begin(), sorted.end());
  const double total = std::accumulate(sorted.begin(), sorted.end(), 0.0);
  if (total <= 0.0) {
    return 0.0;
  }
  const auto items = static_cast<double>(sorted.size());
  double weighted = 0.0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    weighted += (2.0 * static_cast<double>(i + 1) - items - 1.0) * sorted[i];
  }
  return weighted / (items * total);
}

double Exposure::Novelty(std::span<const std::uint32_t> item_users, std::uint64_t users) const {
  RONDO_CHECK(item_users.size() == shown_.size()) << "counts cover the catalogue";
  double bits = 0.0;
  double total = 0.0;
  for (std::size_t row = 1; row < shown_.size(); ++row) {
    const double share = (item_users[row] + 1.0) / (static_cast<double>(users) + 1.0);
    bits -= shown_[row] * std::log2(share);
    total += shown_[row];
  }
  return total > 0.0 ? bits / total : 0.0;
}

std::vector<std::uint32_t> UsersPerItem(const Dataset& dataset) {
  std::vector<std::uint32_t> users(static_cast<std::size_t>(dataset.catalogue->items()) + 1, 0);
  std::vector<std::size_t> last_user(users.size(), dataset.users.size());
  for (std::size_t user = 0; user < dataset.users.size(); ++user) {
    for (const ItemRow row : dataset.users[user].train()) {
      const auto item = static_cast<std::size_t>(row);
      if (row > 0 && last_user[item] != user) {
        last_user[item] = user;
        ++users[item];
      }
    }
  }
  return users;
}

}  // namespace rondo
