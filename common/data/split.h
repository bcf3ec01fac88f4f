#pragma once

#include <cstdint>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/result.h"
#include "common/data/dataset.h"
#include "common/data/events.h"

/// Order and split of one user's events. Private to common/data.
namespace rondo {

/// Events of one user as indices into EventTable::events: in order, then cut in three.
/// `events[0 .. validation)` is training, `[validation .. test)` validation, the rest test.
struct OrderedUser {
  std::uint32_t user = 0;
  std::vector<std::uint32_t> events;
  std::size_t validation = 0;
  std::size_t test = 0;
};

/// Role of each event name, parallel to EventTable::kinds. Without a mapping every event is kBoth;
/// with one, names that it lacks are ignored. Errors  kInvalidArgument for an unknown role.
Result<std::vector<EventRole>> RolesOfKinds(const EventTable& table, const DataConfig& config);

inline bool IsRow(EventRole role) {
  return (static_cast<unsigned>(role) & 3U) != 0;
}

/// Groups the events of each user in id order of users and sorts each group:
///   time      (time, file position), or (time, keyed hash of user and item, file position) for
///   ties = hash sequence  file position none      seeded random order, independent of how ids are
///   written
/// Errors  kInvalidArgument: order by time without a time column, or an unknown rule.
Result<std::vector<OrderedUser>> OrderEvents(const EventTable& table,
                                             const std::vector<EventRole>& roles,
                                             const DataConfig& config);

struct TimeCuts {
  double validation_from = 0.0;
  double test_from = 0.0;
};

/// Cuts every user by `config.split`, which may also be "none": all events are training. Returns
/// the cuts in time, zero for the other splits. Held-out parts hold targets and the inputs among
/// them; negative feedback there is dropped. Errors  kInvalidArgument for an unknown split.
Result<TimeCuts> SplitUsers(const EventTable& table,
                            const std::vector<EventRole>& roles,
                            const DataConfig& config,
                            std::vector<OrderedUser>& users);

/// A log with the order and split of every user, before any filter; `table.report` knows the cuts
/// and warnings, and items are named as in the catalogue.
struct SplitLog {
  EventTable table;
  std::vector<EventRole> roles;  ///< parallel to EventTable::kinds
  std::vector<OrderedUser> users;
};

/// Reads, maps, orders and splits what `config` names. Errors  those of ReadEvents and of the steps
/// above; kInvalidArgument for a broken mapping.
Result<SplitLog> ReadSplitLog(const DataConfig& config);

}  // namespace rondo
