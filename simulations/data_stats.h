#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/data/dataset.h"
#include "common/io/report.h"

namespace rondo::sim {

/// Quartiles and ends of a list of counts.
struct Spread {
  double least = 0.0;
  double lower = 0.0;
  double median = 0.0;
  double upper = 0.0;
  double most = 0.0;
  double mean = 0.0;
};

/// A client with its users, its training rows and the different items in them.
struct ClientSize {
  std::string id;
  std::uint64_t users = 0;
  std::uint64_t rows = 0;
  std::uint64_t items = 0;
};

/// More clients than this have no picture each.
inline constexpr std::size_t kMostPictured = 30;

/// What a person wants to know about a data set before training on it. Test rows enter by their
/// number alone.
struct DataStats {
  std::string path;
  std::string fingerprint;
  std::string catalogue_sha256;
  std::string clients_rule;
  std::uint64_t users = 0;
  std::uint64_t items = 0;
  std::uint64_t negatives = 0;
  double density = 0.0;     ///< share of user-item pairs with a visible event
  double first_time = 0.0;  ///< of visible events
  double last_time = 0.0;
  bool has_times = false;                  ///< else times are positions
  std::vector<std::uint64_t> user_events;  ///< visible events a user, ascending
  std::vector<std::uint64_t> item_events;  ///< training rows an item, descending
  Spread user_spread;
  Spread item_spread;
  double item_gini = 0.0;           ///< 0: all items equally popular; 1: one item has all
  double head_share = 0.0;          ///< share of training rows on the most popular tenth of items
  std::vector<ClientSize> clients;  ///< most rows first
  /// [clients][clients]: the share of the first one's items that the other has, too; empty for one
  /// client, or more than kMostPictured
  std::vector<std::vector<double>> overlap;
  DataReport report;
};

DataStats ComputeStats(const LoadedData& data,
                       const std::vector<ClientShard>& shards,
                       const DataConfig& config);

std::string StatsText(const DataStats& stats);
std::string StatsJson(const DataStats& stats);

/// How items are shared out: their popularity, how many each client knows, and which of them two
/// clients have in common (up to kMostPictured clients).
std::vector<ReportChart> PartitionCharts(const DataStats& stats);

/// One self-contained page with pictures as inline SVG.
std::string StatsPage(const DataStats& stats);

/// 1234567 as "1,234,567".
std::string WithCommas(std::uint64_t value);

/// 0.1234 as "12.3 %".
std::string Percent(double share);

/// Unix seconds as "2001-02-03".
std::string DateText(double seconds);

}  // namespace rondo::sim
