#include "common/metrics/list_metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>
#include <string_view>

#include "common/core/file.h"

namespace rondo {
namespace {

constexpr std::uint64_t kLargestFile = 4ULL << 30;

std::vector<std::string_view> SplitTabs(std::string_view line) {
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  std::vector<std::string_view> fields;
  while (true) {
    const std::size_t tab = line.find('\t');
    fields.push_back(line.substr(0, tab));
    if (tab == std::string_view::npos) {
      return fields;
    }
    line.remove_prefix(tab + 1);
  }
}

Failure Corrupt(const std::filesystem::path& path, std::size_t line, const std::string& what) {
  return Fail(ErrorCode::kCorrupt, path.string() + ":" + std::to_string(line) + ": " + what);
}

using Row = std::vector<std::string_view>;

using Columns = std::span<const std::string_view>;

Result<std::vector<std::size_t>> FindColumns(const std::filesystem::path& path,
                                             const Row& header,
                                             Columns columns) {
  std::vector<std::size_t> places;
  for (const std::string_view column : columns) {
    const auto found = std::find(header.begin(), header.end(), column);
    if (found == header.end()) {
      return Corrupt(
          path, 1, "the header lacks the tab-separated column \"" + std::string(column) + "\"");
    }
    places.push_back(static_cast<std::size_t>(found - header.begin()));
  }
  return places;
}

Result<Row> Pick(const std::filesystem::path& path,
                 std::size_t number,
                 const Row& fields,
                 Columns columns,
                 std::span<const std::size_t> places) {
  Row row;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (places[i] >= fields.size() || fields[places[i]].empty()) {
      return Corrupt(path, number, "the column \"" + std::string(columns[i]) + "\" is empty");
    }
    row.push_back(fields[places[i]]);
  }
  return row;
}

// Hands the named columns of each row to `use`, which may refuse the row with a reason.
Status ReadTable(const std::filesystem::path& path,
                 Columns columns,
                 const std::function<std::optional<std::string>(const Row&)>& use) {
  RONDO_TRY(const std::string text, ReadTextFile(path, kLargestFile));
  if (text.empty()) {
    return Corrupt(path, 1, "the file is empty; it needs a header");
  }
  std::vector<std::size_t> places;
  std::size_t number = 0;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const Row fields = SplitTabs(std::string_view(text).substr(start, end - start));
    start = end + 1;
    ++number;
    if (number == 1) {
      RONDO_TRY(places, FindColumns(path, fields, columns));
    } else if (fields.size() > 1 || !fields.front().empty()) {
      RONDO_TRY(const Row row, Pick(path, number, fields, columns, places));
      if (const std::optional<std::string> refusal = use(row)) {
        return Corrupt(path, number, *refusal);
      }
    }
  }
  return Ok();
}

std::vector<std::string_view> FirstDistinct(std::vector<ListedItem>& list, std::size_t longest) {
  std::sort(list.begin(), list.end(), [](const ListedItem& a, const ListedItem& b) {
    if (std::isnan(a.score) != std::isnan(b.score)) {
      return std::isnan(b.score);
    }
    return a.score > b.score || (!(a.score < b.score) && a.item < b.item);
  });
  std::set<std::string_view> met;
  std::vector<std::string_view> items;
  for (const ListedItem& scored : list) {
    if (items.size() == longest) {
      break;
    }
    if (met.insert(scored.item).second) {
      items.emplace_back(scored.item);
    }
  }
  return items;
}

struct UserScores {
  double hr = 0.0;
  double ndcg = 0.0;
  double mrr = 0.0;
  double precision = 0.0;
  double recall = 0.0;
  double f1 = 0.0;
  double map = 0.0;
};

UserScores ScoreUser(std::span<const std::string_view> items,
                     const std::set<std::string>& truth,
                     int k) {
  UserScores scores;
  double hits = 0.0;
  double gain = 0.0;
  double precisions = 0.0;
  const std::size_t length = std::min(items.size(), static_cast<std::size_t>(k));
  for (std::size_t i = 0; i < length; ++i) {
    if (!truth.contains(std::string(items[i]))) {
      continue;
    }
    const auto place = static_cast<double>(i + 1);
    hits += 1.0;
    gain += 1.0 / std::log2(place + 1.0);
    precisions += hits / place;
    scores.mrr = scores.mrr > 0.0 ? scores.mrr : 1.0 / place;
  }
  const std::size_t reachable = std::min(truth.size(), static_cast<std::size_t>(k));
  double ideal = 0.0;
  for (std::size_t i = 0; i < reachable; ++i) {
    ideal += 1.0 / std::log2(static_cast<double>(i) + 2.0);
  }
  scores.hr = hits > 0.0 ? 1.0 : 0.0;
  scores.ndcg = gain / ideal;
  scores.precision = hits / k;
  scores.recall = hits / static_cast<double>(truth.size());
  scores.f1 = hits > 0.0
                  ? 2.0 * scores.precision * scores.recall / (scores.precision + scores.recall)
                  : 0.0;
  scores.map = precisions / static_cast<double>(reachable);
  return scores;
}

}  // namespace

Result<Recommendations> ReadRecommendations(const std::filesystem::path& path) {
  constexpr std::string_view kColumns[] = {"user_id", "item_id", "score"};
  Recommendations recommendations;
  RONDO_TRY_STATUS(ReadTable(path, kColumns, [&](const Row& row) -> std::optional<std::string> {
    double score = 0.0;
    const char* end = row[2].data() + row[2].size();
    const auto [stop, error] = std::from_chars(row[2].data(), end, score);
    if (error != std::errc() || stop != end) {
      return "the score \"" + std::string(row[2]) + "\" is no number";
    }
    recommendations[std::string(row[0])].push_back({.item = std::string(row[1]), .score = score});
    return std::nullopt;
  }));
  return recommendations;
}

Result<Truth> ReadTruth(const std::filesystem::path& path) {
  constexpr std::string_view kColumns[] = {"user_id", "item_id"};
  Truth truth;
  RONDO_TRY_STATUS(ReadTable(path, kColumns, [&](const Row& row) -> std::optional<std::string> {
    truth[std::string(row[0])].emplace(row[1]);
    return std::nullopt;
  }));
  return truth;
}

Result<ListMetrics> ScoreLists(Recommendations recommendations,
                               const Truth& truth,
                               std::span<const int> k) {
  if (truth.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "metrics: the truth holds no users");
  }
  if (k.empty() || *std::min_element(k.begin(), k.end()) < 1) {
    return Fail(ErrorCode::kInvalidArgument,
                "metrics: --k needs list lengths from 1 on, such as 5,10");
  }
  const auto longest = static_cast<std::size_t>(*std::max_element(k.begin(), k.end()));
  std::vector<UserScores> totals(k.size());
  for (const auto& [user, items] : truth) {
    const auto list = recommendations.find(user);
    if (list == recommendations.end()) {
      continue;
    }
    const std::vector<std::string_view> first = FirstDistinct(list->second, longest);
    for (std::size_t i = 0; i < k.size(); ++i) {
      const UserScores scores = ScoreUser(first, items, k[i]);
      totals[i].hr += scores.hr;
      totals[i].ndcg += scores.ndcg;
      totals[i].mrr += scores.mrr;
      totals[i].precision += scores.precision;
      totals[i].recall += scores.recall;
      totals[i].f1 += scores.f1;
      totals[i].map += scores.map;
    }
  }
  ListMetrics result{.users = truth.size()};
  for (std::size_t i = 0; i < k.size(); ++i) {
    const UserScores& total = totals[i];
    const std::pair<const char*, double> sums[] = {{"hr", total.hr},
                                                   {"ndcg", total.ndcg},
                                                   {"mrr", total.mrr},
                                                   {"precision", total.precision},
                                                   {"recall", total.recall},
                                                   {"f1", total.f1},
                                                   {"map", total.map}};
    for (const auto& [name, sum] : sums) {
      result.metrics.emplace_back(name + ("@" + std::to_string(k[i])),
                                  sum / static_cast<double>(truth.size()));
    }
  }
  return result;
}

}  // namespace rondo
