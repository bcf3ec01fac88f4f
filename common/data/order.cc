#include <algorithm>
#include <numeric>
#include <span>
#include <string>
#include <tuple>

#include "common/core/rng.h"
#include "common/data/split.h"
#include "common/data/text.h"

namespace rondo {
namespace {

Result<EventRole> ParseRole(const std::string& event, const std::string& word) {
  if (word == "input") {
    return EventRole::kInput;
  }
  if (word == "target") {
    return EventRole::kTarget;
  }
  if (word == "both") {
    return EventRole::kBoth;
  }
  if (word == "negative") {
    return EventRole::kNegative;
  }
  if (word == "ignore") {
    return EventRole::kIgnore;
  }
  return Fail(
      ErrorCode::kInvalidArgument,
      "data.events." + event + " is '" + word + "'; use input, target, both, negative or ignore");
}

Status CheckRules(const EventTable& table, const DataConfig& config) {
  const bool known_order =
      config.order == "time" || config.order == "sequence" || config.order == "none";
  if (!known_order) {
    return Fail(ErrorCode::kInvalidArgument,
                "data.order '" + config.order + "' is unknown; use time, sequence or none");
  }
  if (config.ties != "file" && config.ties != "hash") {
    return Fail(ErrorCode::kInvalidArgument,
                "data.ties '" + config.ties + "' is unknown; use file or hash");
  }
  if (config.order == "time" && !table.has_time) {
    return Fail(ErrorCode::kInvalidArgument,
                "data.order = \"time\" needs a time column; map one with data.columns.time, or set "
                "data.order to "
                "\"sequence\" (file order) or \"none\"");
  }
  return Ok();
}

/// Independent of the seed of other users and of file position; the item id enters as written.
std::uint64_t TieHash(std::uint64_t seed, const std::string& user, const std::string& item) {
  return HashId(std::to_string(seed) + "\t" + user + "\t" + item);
}

void SortByTime(const EventTable& table, const DataConfig& config, OrderedUser& user) {
  const auto time = [&](std::uint32_t e) {
    return table.events[e].time;
  };
  std::stable_sort(
      user.events.begin(), user.events.end(), [&](auto a, auto b) { return time(a) < time(b); });
  if (config.ties == "file") {
    return;
  }
  const auto hash = [&](std::uint32_t e) {
    const LogEvent& event = table.events[e];
    return TieHash(config.seed, table.users[event.user], table.items[event.item]);
  };
  for (auto begin = user.events.begin(); begin != user.events.end();) {
    const auto end =
        std::find_if(begin, user.events.end(), [&](auto e) { return time(e) != time(*begin); });
    std::stable_sort(begin, end, [&](auto a, auto b) { return hash(a) < hash(b); });
    begin = end;
  }
}

}  // namespace

Result<std::vector<EventRole>> RolesOfKinds(const EventTable& table, const DataConfig& config) {
  const EventRole unnamed = config.events.empty() ? EventRole::kBoth : EventRole::kIgnore;
  std::vector<EventRole> roles(table.kinds.size(), unnamed);
  const bool untyped = table.kinds.size() == 1;
  for (const auto& [event, word] : config.events) {
    RONDO_TRY(const EventRole role, ParseRole(event, word));
    const auto found = std::find(table.kinds.begin(), table.kinds.end(), event);
    if (found != table.kinds.end()) {
      roles[static_cast<std::size_t>(found - table.kinds.begin())] = role;
    }
  }
  if (untyped) {
    roles.front() = EventRole::kBoth;
  }
  return roles;
}

Result<std::vector<OrderedUser>> OrderEvents(const EventTable& table,
                                             const std::vector<EventRole>& roles,
                                             const DataConfig& config) {
  RONDO_TRY_STATUS(CheckRules(table, config));
  std::vector<OrderedUser> by_number(table.users.size());
  for (std::uint32_t e = 0; e < table.events.size(); ++e) {
    const LogEvent& event = table.events[e];
    const EventRole role = roles[event.kind];
    const bool poor = table.has_rating && config.min_rating != 0.0 && role != EventRole::kNegative
                      && event.rating < config.min_rating;
    if (role != EventRole::kIgnore && !poor) {
      by_number[event.user].events.push_back(e);
    }
  }
  std::vector<std::uint32_t> order(table.users.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) {
    return IdLess(table.users[a], table.users[b]);
  });
  std::vector<OrderedUser> users;
  users.reserve(order.size());
  for (const std::uint32_t number : order) {
    OrderedUser user = std::move(by_number[number]);
    user.user = number;
    if (config.order == "time") {
      SortByTime(table, config, user);
    } else if (config.order == "none") {
      Rng rng(
          {.seed = config.seed, .client = HashId(table.users[number]), .purpose = Purpose::kSplit});
      rng.Shuffle(std::span(user.events));
    }
    users.push_back(std::move(user));
  }
  return users;
}

}  // namespace rondo
