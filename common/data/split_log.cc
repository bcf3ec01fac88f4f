#include <algorithm>
#include <string>

#include "common/data/mapping.h"
#include "common/data/split.h"
#include "common/data/text.h"

namespace rondo {
namespace {

constexpr double kSortedShareForWarning = 0.95;

/// Share of neighbouring events of a user with equal time, and of users whose file order follows
/// item ids.
void ReportOrder(const EventTable& table,
                 const DataConfig& config,
                 const std::vector<OrderedUser>& users,
                 DataReport& report) {
  std::uint64_t pairs = 0;
  std::uint64_t ties = 0;
  std::uint64_t sorted = 0;
  std::uint64_t counted = 0;
  for (const OrderedUser& user : users) {
    std::vector<std::uint32_t> in_file = user.events;
    std::sort(in_file.begin(), in_file.end());
    for (std::size_t p = 1; p < user.events.size(); ++p) {
      ++pairs;
      ties += table.events[user.events[p]].time == table.events[user.events[p - 1]].time ? 1U : 0U;
    }
    if (in_file.size() >= 3) {
      ++counted;
      sorted += std::is_sorted(in_file.begin(),
                               in_file.end(),
                               [&](auto a, auto b) {
                                 return IdLess(table.items[table.events[a].item],
                                               table.items[table.events[b].item]);
                               })
                    ? 1U
                    : 0U;
    }
  }
  if (config.order == "time" && pairs > 0) {
    report.tied_share = static_cast<double>(ties) / static_cast<double>(pairs);
  }
  report.users_sorted_by_item =
      counted == 0 ? 0.0 : static_cast<double>(sorted) / static_cast<double>(counted);
  const bool by_file =
      config.order == "sequence" || (config.order == "time" && config.ties == "file");
  if (by_file && report.users_sorted_by_item > kSortedShareForWarning) {
    report.warnings.emplace_back(
        "the file lists the events of over 95 % of users by item id, so file order says nothing "
        "about time: set "
        "data.ties = \"hash\", or data.order = \"none\" where the times only count rows");
  }
}

void ReportEventNames(const EventTable& table, const DataConfig& config, DataReport& report) {
  for (const auto& [event, role] : config.events) {
    if (std::find(table.kinds.begin(), table.kinds.end(), event) == table.kinds.end()) {
      report.warnings.push_back("data.events." + event
                                + " names an event that the data set does not hold");
    }
  }
  for (std::size_t k = 1; k < table.kinds.size() && !config.events.empty(); ++k) {
    if (!config.events.contains(table.kinds[k])) {
      report.warnings.push_back("events named '" + table.kinds[k]
                                + "' are ignored: data.events does not list them");
    }
  }
}

}  // namespace

Result<SplitLog> ReadSplitLog(const DataConfig& config) {
  SplitLog log;
  RONDO_TRY(log.table, ReadEvents(config));
  if (!config.mapping.empty()) {
    RONDO_TRY_STATUS(ApplyMapping(config.mapping, log.table));
  }
  RONDO_TRY(log.roles, RolesOfKinds(log.table, config));
  RONDO_TRY(log.users, OrderEvents(log.table, log.roles, config));
  DataReport& report = log.table.report;
  ReportEventNames(log.table, config, report);
  ReportOrder(log.table, config, log.users, report);
  RONDO_TRY(const TimeCuts cuts, SplitUsers(log.table, log.roles, config, log.users));
  report.validation_from = cuts.validation_from;
  report.test_from = cuts.test_from;
  return log;
}

}  // namespace rondo
