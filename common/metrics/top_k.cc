#include "common/metrics/top_k.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fmt/format.h>

#include "common/core/file.h"

namespace rondo {
namespace {

// Scores of this many histories are held at once: 256 lists of 10,000 items are 10 MB.
constexpr std::size_t kBatch = 256;

// Shortest digits that read back as the same float, so that a reader sees the same order.
std::string ScoreText(float score) {
  return fmt::format("{}", score);
}

void AppendLines(std::string& text,
                 const std::string& user,
                 std::span<const ScoredItem> items,
                 const Catalogue& catalogue) {
  for (const ScoredItem& item : items) {
    text += fmt::format("{}\t{}\t{}\n", user, catalogue.id(item.row), ScoreText(item.score));
  }
}

}  // namespace

std::vector<ScoredItem> SelectTop(std::span<const float> scores,
                                  std::span<const ItemRow> met,
                                  const Catalogue& catalogue,
                                  const TopKOptions& options) {
  std::vector<bool> blocked(scores.size(), false);
  if (!blocked.empty()) {
    blocked[0] = true;
  }
  if (options.filter_seen) {
    for (const ItemRow row : met) {
      const auto index = static_cast<std::size_t>(row);
      if (row > 0 && index < blocked.size()) {
        blocked[index] = true;
      }
    }
  }
  std::vector<ScoredItem> candidates;
  candidates.reserve(scores.size());
  for (std::size_t row = 1; row < scores.size(); ++row) {
    if (!blocked[row] && !std::isnan(scores[row])) {
      candidates.push_back({static_cast<ItemRow>(row), scores[row]});
    }
  }
  const auto better = [&catalogue](const ScoredItem& left, const ScoredItem& right) {
    if (left.score != right.score) {
      return left.score > right.score;
    }
    return catalogue.id(left.row) < catalogue.id(right.row);
  };
  const std::size_t count = std::min(options.k, candidates.size());
  const auto middle = candidates.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(candidates.begin(), middle, candidates.end(), better);
  candidates.resize(count);
  return candidates;
}

UserHistory HistoryOf(const UserSequence& user, const TestRows* test) {
  UserHistory history{.user = user.user, .rows = user.Inputs(), .met = user.negatives};
  history.met.insert(history.met.end(), user.rows.begin(), user.rows.end());
  for (std::size_t row = 0; test != nullptr && row < test->rows.size(); ++row) {
    if (test->rows[row] == 0) {
      continue;
    }
    history.met.push_back(test->rows[row]);
    if (IsInput(test->role(row))) {
      history.rows.push_back(test->rows[row]);
    }
  }
  return history;
}

std::vector<UserHistory> Histories(const Dataset& dataset, const std::vector<TestRows>* test) {
  std::vector<UserHistory> histories;
  histories.reserve(dataset.users.size());
  for (std::size_t user = 0; user < dataset.users.size(); ++user) {
    histories.push_back(HistoryOf(dataset.users[user], test != nullptr ? &(*test)[user] : nullptr));
  }
  return histories;
}

Result<std::vector<std::vector<ScoredItem>>> RecommendTop(Scorer& scorer,
                                                          std::span<const UserHistory> users,
                                                          const Catalogue& catalogue,
                                                          const TopKOptions& options) {
  const std::size_t width = static_cast<std::size_t>(catalogue.items()) + 1;
  std::vector<std::vector<ScoredItem>> lists;
  lists.reserve(users.size());
  std::vector<float> scores;
  for (std::size_t first = 0; first < users.size(); first += kBatch) {
    const auto batch = users.subspan(first, std::min(kBatch, users.size() - first));
    std::vector<History> histories;
    for (const UserHistory& user : batch) {
      histories.emplace_back(user.rows);
    }
    scores.assign(batch.size() * width, 0.0F);
    RONDO_TRY_STATUS(scorer.Score(histories, scores));
    for (std::size_t index = 0; index < batch.size(); ++index) {
      const auto row = std::span<const float>(scores).subspan(index * width, width);
      lists.push_back(SelectTop(row, batch[index].met, catalogue, options));
    }
  }
  return lists;
}

Result<std::uint64_t> WriteRecommendations(const std::filesystem::path& path,
                                           Scorer& scorer,
                                           std::span<const UserHistory> users,
                                           const Catalogue& catalogue,
                                           const TopKOptions& options) {
  RONDO_TRY(const auto lists, RecommendTop(scorer, users, catalogue, options));
  std::string text = "user_id\titem_id\tscore\n";
  std::uint64_t lines = 0;
  for (std::size_t user = 0; user < users.size(); ++user) {
    AppendLines(text, users[user].user, lists[user], catalogue);
    lines += lists[user].size();
  }
  RONDO_TRY_STATUS(WriteTextFile(path, text));
  return lines;
}

std::string RecommendationTable(std::span<const ScoredItem> items, const Catalogue& catalogue) {
  std::size_t id_width = 4;
  for (const ScoredItem& item : items) {
    id_width = std::max(id_width, catalogue.id(item.row).size());
  }
  std::string text =
      fmt::format("{:>4}  {:<{}}  {:>8}  {}\n", "rank", "item", id_width, "score", "title");
  for (std::size_t index = 0; index < items.size(); ++index) {
    const ScoredItem& item = items[index];
    text += fmt::format("{:>4}  {:<{}}  {:>8.3f}  {}\n",
                        index + 1,
                        catalogue.id(item.row),
                        id_width,
                        item.score,
                        catalogue.Title(item.row));
  }
  return text;
}

}  // namespace rondo
