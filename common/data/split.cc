#include "common/data/split.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace rondo {
namespace {

class Splitter {
 public:
  Splitter(const EventTable& table, const std::vector<EventRole>& roles)
      : table_(table),
        roles_(roles) {}

  EventRole RoleOf(std::uint32_t event) const { return roles_[table_.events[event].kind]; }

  double TimeOf(std::uint32_t event) const { return table_.events[event].time; }

  /// Holds out the last `validation + test` targets. Validation begins at the first of them and
  /// ends with the last one of its own; what comes after, inputs too, is test. A user without a
  /// training row before them keeps all events for training.
  void HoldOutLast(OrderedUser& user, std::size_t validation, std::size_t test) const {
    std::vector<std::size_t> targets;
    for (std::size_t p = 0; p < user.events.size(); ++p) {
      if (IsTarget(RoleOf(user.events[p]))) {
        targets.push_back(p);
      }
    }
    const std::size_t held_out = validation + test;
    user.validation = user.test = user.events.size();
    if (held_out == 0 || targets.size() < held_out) {
      return;
    }
    const std::size_t first = targets[targets.size() - held_out];
    const bool trains = std::any_of(user.events.begin(),
                                    user.events.begin() + static_cast<std::ptrdiff_t>(first),
                                    [&](std::uint32_t e) { return IsRow(RoleOf(e)); });
    if (!trains) {
      return;
    }
    user.validation = first;
    if (test > 0) {
      user.test = validation == 0 ? first : targets[targets.size() - test - 1] + 1;
    }
    DropFeedback(user);
  }

  void CutInTime(OrderedUser& user, const TimeCuts& cuts) const {
    const auto before = [&](double cut) {
      const auto end = std::partition_point(
          user.events.begin(), user.events.end(), [&](std::uint32_t e) { return TimeOf(e) < cut; });
      return static_cast<std::size_t>(end - user.events.begin());
    };
    user.validation = before(cuts.validation_from);
    user.test = before(cuts.test_from);
    DropFeedback(user);
  }

  std::size_t Targets(const OrderedUser& user) const {
    return static_cast<std::size_t>(
        std::count_if(user.events.begin(), user.events.end(), [&](std::uint32_t e) {
          return IsTarget(RoleOf(e));
        }));
  }

 private:
  /// Drops negative feedback from the held-out parts: it is for training alone.
  void DropFeedback(OrderedUser& user) const {
    const auto begin = user.events.begin();
    const auto is_feedback = [&](std::uint32_t e) {
      return !IsRow(RoleOf(e));
    };
    const auto validation = begin + static_cast<std::ptrdiff_t>(user.validation);
    const auto test = begin + static_cast<std::ptrdiff_t>(user.test);
    const auto dropped = std::count_if(validation, test, is_feedback);
    user.events.erase(std::remove_if(validation, user.events.end(), is_feedback),
                      user.events.end());
    user.test -= static_cast<std::size_t>(dropped);
  }

  const EventTable& table_;
  const std::vector<EventRole>& roles_;
};

TimeCuts ChooseCuts(const Splitter& splitter,
                    const DataConfig& config,
                    const std::vector<OrderedUser>& users) {
  std::vector<double> times;
  for (const OrderedUser& user : users) {
    for (const std::uint32_t event : user.events) {
      if (IsRow(splitter.RoleOf(event))) {
        times.push_back(splitter.TimeOf(event));
      }
    }
  }
  std::sort(times.begin(), times.end());
  // Nothing lies behind the whole share: the cut is the first whole second after all events.
  const auto quantile = [&](double share) {
    const auto index = static_cast<std::size_t>(share * static_cast<double>(times.size()));
    return times.empty()          ? 0.0
           : index < times.size() ? times[index]
                                  : std::floor(times.back()) + 1.0;
  };
  if (config.test_from != 0.0) {
    return {.validation_from = config.validation_from, .test_from = config.test_from};
  }
  const double test_from = quantile(1.0 - config.test_ratio);
  const double derived = quantile(1.0 - config.test_ratio - config.validation_ratio);
  return {.validation_from = std::min(derived, test_from), .test_from = test_from};
}

/// At least one row where the ratio is positive.
std::size_t Share(double ratio, std::size_t count) {
  if (ratio <= 0.0) {
    return 0;
  }
  return std::max<std::size_t>(1, static_cast<std::size_t>(ratio * static_cast<double>(count)));
}

}  // namespace

Result<TimeCuts> SplitUsers(const EventTable& table,
                            const std::vector<EventRole>& roles,
                            const DataConfig& config,
                            std::vector<OrderedUser>& users) {
  const Splitter splitter(table, roles);
  TimeCuts cuts;
  if (config.split == "global_time") {
    cuts = ChooseCuts(splitter, config, users);
  } else if (config.split != "leave_one_out" && config.split != "user_ratio"
             && config.split != "none") {
    return Fail(ErrorCode::kInvalidArgument,
                "data.split '" + config.split
                    + "' is unknown; use leave_one_out, global_time, user_ratio or none");
  }
  for (OrderedUser& user : users) {
    if (config.split == "leave_one_out") {
      splitter.HoldOutLast(user, 1, 1);
    } else if (config.split == "global_time") {
      splitter.CutInTime(user, cuts);
    } else if (config.split == "none") {
      splitter.HoldOutLast(user, 0, 0);
    } else {
      const std::size_t targets = splitter.Targets(user);
      splitter.HoldOutLast(
          user, Share(config.validation_ratio, targets), Share(config.test_ratio, targets));
    }
  }
  return cuts;
}

}  // namespace rondo
