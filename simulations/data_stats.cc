#include "simulations/data_stats.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>
#include <numeric>
#include <set>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace rondo::sim {
namespace {

constexpr std::size_t kListedClients = 12;

/// `sorted` ascending. Quantiles are the nearest rank.
Spread SpreadOf(const std::vector<std::uint64_t>& sorted) {
  if (sorted.empty()) {
    return {};
  }
  const auto at = [&](double share) {
    const auto index =
        static_cast<std::size_t>(std::lround(share * static_cast<double>(sorted.size() - 1)));
    return static_cast<double>(sorted[index]);
  };
  const double sum =
      std::accumulate(sorted.begin(), sorted.end(), 0.0, [](double total, std::uint64_t v) {
        return total + static_cast<double>(v);
      });
  return {.least = at(0.0),
          .lower = at(0.25),
          .median = at(0.5),
          .upper = at(0.75),
          .most = at(1.0),
          .mean = sum / static_cast<double>(sorted.size())};
}

/// `ascending` counts. Source  the usual form over sorted values, 2 sum(i x_i) / (n sum x) - (n +
/// 1) / n.
double Gini(const std::vector<std::uint64_t>& ascending) {
  double weighted = 0.0;
  double total = 0.0;
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    weighted += static_cast<double>(i + 1) * static_cast<double>(ascending[i]);
    total += static_cast<double>(ascending[i]);
  }
  const auto n = static_cast<double>(ascending.size());
  return total == 0.0 ? 0.0 : 2.0 * weighted / (n * total) - (n + 1.0) / n;
}

/// Sizes and overlaps of the clients.
void CountClients(const Dataset& dataset,
                  const std::vector<ClientShard>& shards,
                  DataStats& stats) {
  std::vector<std::pair<ClientSize, std::vector<bool>>> clients;
  for (const ClientShard& shard : shards) {
    auto& [size, has] = clients.emplace_back(
        ClientSize{.id = shard.id, .users = shard.users.size()},
        std::vector<bool>(static_cast<std::size_t>(dataset.catalogue->items()) + 1));
    for (const std::uint32_t user : shard.users) {
      size.rows += dataset.users[user].train_size;
      for (const ItemRow row : dataset.users[user].train()) {
        has[static_cast<std::size_t>(row)] = true;
      }
    }
    size.items = static_cast<std::uint64_t>(std::count(has.begin(), has.end(), true));
    if (shards.size() > kMostPictured) {
      has = {};
    }
  }
  std::stable_sort(clients.begin(), clients.end(), [](const auto& a, const auto& b) {
    return a.first.rows > b.first.rows;
  });
  for (const auto& [size, has] : clients) {
    stats.clients.push_back(size);
  }
  if (clients.size() < 2 || clients.size() > kMostPictured) {
    return;
  }
  for (const auto& [size, has] : clients) {
    std::vector<double>& shares = stats.overlap.emplace_back();
    for (const auto& [other, other_has] : clients) {
      std::uint64_t common = 0;
      for (std::size_t row = 0; row < has.size(); ++row) {
        common += has[row] && other_has[row] ? 1 : 0;
      }
      shares.push_back(size.items == 0
                           ? std::numeric_limits<double>::quiet_NaN()
                           : static_cast<double>(common) / static_cast<double>(size.items));
    }
  }
}

void CountItems(const Dataset& dataset, DataStats& stats) {
  stats.item_events.assign(static_cast<std::size_t>(dataset.catalogue->items()), 0);
  for (const UserSequence& user : dataset.users) {
    for (const ItemRow row : user.train()) {
      ++stats.item_events[static_cast<std::size_t>(row) - 1];
    }
  }
  std::sort(stats.item_events.begin(), stats.item_events.end());
  stats.item_spread = SpreadOf(stats.item_events);
  stats.item_gini = Gini(stats.item_events);
  std::reverse(stats.item_events.begin(), stats.item_events.end());
  const std::size_t head = (stats.item_events.size() + 9) / 10;
  const auto rows = static_cast<double>(stats.report.train_rows);
  for (std::size_t i = 0; i < head; ++i) {
    stats.head_share += static_cast<double>(stats.item_events[i]) / rows;
  }
}

void CountUsers(const Dataset& dataset, DataStats& stats) {
  std::uint64_t pairs = 0;
  bool first = true;
  for (const UserSequence& user : dataset.users) {
    stats.user_events.push_back(user.rows.size());
    stats.negatives += user.negatives.size();
    pairs += std::set(user.rows.begin(), user.rows.end()).size();
    for (const double time : user.times) {
      stats.first_time = first ? time : std::min(stats.first_time, time);
      stats.last_time = first ? time : std::max(stats.last_time, time);
      first = false;
    }
  }
  std::sort(stats.user_events.begin(), stats.user_events.end());
  stats.user_spread = SpreadOf(stats.user_events);
  stats.density = static_cast<double>(pairs)
                  / (static_cast<double>(stats.users) * static_cast<double>(stats.items));
}

std::string Line(const std::string& name, const std::string& value) {
  return name + std::string(name.size() < 22 ? 22 - name.size() : 1, ' ') + value + "\n";
}

std::string SpreadText(const Spread& spread) {
  std::array<char, 160> text{};
  std::snprintf(text.data(),
                text.size(),
                "min %.0f, quartiles %.0f / %.0f / %.0f, max %.0f, mean %.1f",
                spread.least,
                spread.lower,
                spread.median,
                spread.upper,
                spread.most,
                spread.mean);
  return text.data();
}

std::string Fixed(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string ClientsText(const DataStats& stats) {
  std::string text =
      Line("clients", WithCommas(stats.clients.size()) + " by " + stats.clients_rule);
  for (std::size_t c = 0; c < std::min(stats.clients.size(), kListedClients); ++c) {
    const ClientSize& client = stats.clients[c];
    text += Line("  " + client.id,
                 WithCommas(client.users) + " users, " + WithCommas(client.rows)
                     + " training rows, " + WithCommas(client.items) + " items");
  }
  if (stats.clients.size() > kListedClients) {
    text += "  ... and " + WithCommas(stats.clients.size() - kListedClients) + " smaller\n";
  }
  return text;
}

boost::json::object SpreadJson(const Spread& spread) {
  return {{"min", spread.least},
          {"p25", spread.lower},
          {"median", spread.median},
          {"p75", spread.upper},
          {"max", spread.most},
          {"mean", spread.mean}};
}

boost::json::object ReportJson(const DataReport& report) {
  boost::json::array examples(report.bad_row_examples.begin(), report.bad_row_examples.end());
  boost::json::array warnings(report.warnings.begin(), report.warnings.end());
  return {{"rows", report.rows},
          {"bad_rows", report.bad_rows},
          {"bad_row_examples", std::move(examples)},
          {"unknown_items", report.unknown_items},
          {"users_dropped", report.users_dropped},
          {"items_dropped", report.items_dropped},
          {"train_rows", report.train_rows},
          {"validation_rows", report.validation_rows},
          {"test_rows", report.test_rows},
          {"tied_share", report.tied_share},
          {"users_sorted_by_item", report.users_sorted_by_item},
          {"validation_targets_outside", report.validation_targets_outside},
          {"test_targets_outside", report.test_targets_outside},
          {"validation_from", report.validation_from},
          {"test_from", report.test_from},
          {"warnings", std::move(warnings)}};
}

}  // namespace

std::string WithCommas(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string Percent(double share) {
  return Fixed(100.0 * share, 1) + " %";
}

std::string DateText(double seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  std::array<char, 32> text{};
  if (gmtime_r(&time, &parts) == nullptr
      || std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts) == 0) {
    return "?";
  }
  return text.data();
}

DataStats ComputeStats(const LoadedData& data,
                       const std::vector<ClientShard>& shards,
                       const DataConfig& config) {
  DataStats stats{.path = config.path.string(),
                  .fingerprint = data.dataset.fingerprint,
                  .catalogue_sha256 = data.dataset.catalogue->sha256(),
                  .clients_rule = config.clients,
                  .users = data.dataset.users.size(),
                  .items = static_cast<std::uint64_t>(data.dataset.catalogue->items()),
                  .report = data.report};
  CountUsers(data.dataset, stats);
  // Times that only count rows stay far below any date on record.
  stats.has_times = config.order == "time" && stats.last_time > 1e8;
  CountItems(data.dataset, stats);
  CountClients(data.dataset, shards, stats);
  return stats;
}

std::string StatsText(const DataStats& stats) {
  const DataReport& report = stats.report;
  std::string text = Line("data set", stats.path);
  text +=
      Line("rows", WithCommas(report.rows) + " read, " + WithCommas(report.bad_rows) + " broken");
  for (const std::string& example : report.bad_row_examples) {
    text += "  " + example + "\n";
  }
  text += Line("users",
               WithCommas(stats.users) + " (" + WithCommas(report.users_dropped) + " left out)");
  text += Line("items",
               WithCommas(stats.items) + " in the catalogue (" + WithCommas(report.items_dropped)
                   + " left out)");
  text += Line("density", Fixed(100.0 * stats.density, 3) + " % of user-item pairs");
  text += Line("events a user", SpreadText(stats.user_spread));
  text += Line("training rows an item", SpreadText(stats.item_spread));
  text += Line("popularity",
               "Gini " + Fixed(stats.item_gini, 3) + ", top tenth of items has "
                   + Percent(stats.head_share));
  text += Line("split",
               WithCommas(report.train_rows) + " training, " + WithCommas(report.validation_rows)
                   + " validation, " + WithCommas(report.test_rows) + " test rows (sealed)");
  if (report.test_from != 0.0) {
    text += Line("cuts",
                 "validation from " + Fixed(report.validation_from, 0) + " ("
                     + DateText(report.validation_from) + "), test from "
                     + Fixed(report.test_from, 0) + " (" + DateText(report.test_from) + ")");
  }
  text += Line("targets outside",
               Percent(report.test_targets_outside) + " of test (misses), "
                   + Percent(report.validation_targets_outside) + " of validation (left out)");
  text += stats.negatives > 0
              ? Line("negative feedback", WithCommas(stats.negatives) + " training events")
              : "";
  text += stats.has_times
              ? Line("time", DateText(stats.first_time) + " to " + DateText(stats.last_time))
              : "";
  text += Line("ties", Percent(report.tied_share) + " of neighbouring events have equal time");
  text += Line("file order",
               Percent(report.users_sorted_by_item) + " of users are listed in item order");
  text += ClientsText(stats);
  text += Line("catalogue", "sha256 " + stats.catalogue_sha256);
  text += Line("fingerprint", stats.fingerprint);
  for (const std::string& warning : report.warnings) {
    text += "warning: " + warning + "\n";
  }
  return text;
}

std::string StatsJson(const DataStats& stats) {
  boost::json::array clients;
  for (const ClientSize& client : stats.clients) {
    clients.push_back(boost::json::object{{"id", client.id},
                                          {"users", client.users},
                                          {"train_rows", client.rows},
                                          {"items", client.items}});
  }
  boost::json::array overlap;
  for (const std::vector<double>& shares : stats.overlap) {
    boost::json::array& row = overlap.emplace_back(boost::json::array()).get_array();
    for (const double share : shares) {
      row.push_back(std::isfinite(share) ? boost::json::value(share) : boost::json::value(nullptr));
    }
  }
  const boost::json::object object = {
      {"schema_version", 1},
      {"path", stats.path},
      {"users", stats.users},
      {"items", stats.items},
      {"density", stats.density},
      {"negatives", stats.negatives},
      {"events_per_user", SpreadJson(stats.user_spread)},
      {"train_rows_per_item", SpreadJson(stats.item_spread)},
      {"item_gini", stats.item_gini},
      {"head_share", stats.head_share},
      {"clients",
       {{"rule", stats.clients_rule},
        {"count", stats.clients.size()},
        {"sizes", std::move(clients)},
        {"overlap", std::move(overlap)}}},
      {"catalogue_sha256", stats.catalogue_sha256},
      {"fingerprint", stats.fingerprint},
      {"report", ReportJson(stats.report)},
  };
  return boost::json::serialize(object);
}

}  // namespace rondo::sim
