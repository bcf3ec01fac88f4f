#include <algorithm>
#include <cstring>
#include <utility>

#include "common/crypto/sha256.h"
#include "common/data/events.h"
#include "common/data/split.h"
#include "common/data/text.h"

namespace rondo {
namespace {

/// Held-out targets, and those of them outside the catalogue.
struct TargetCount {
  std::uint64_t all = 0;
  std::uint64_t outside = 0;

  void Count(EventRole role, ItemRow row) {
    all += IsTarget(role) ? 1U : 0U;
    outside += IsTarget(role) && row == 0 ? 1U : 0U;
  }

  double ShareOutside() const {
    return all == 0 ? 0.0 : static_cast<double>(outside) / static_cast<double>(all);
  }
};

/// Turns ordered events into a Dataset; one object a load.
class Assembler {
 public:
  Assembler(const EventTable& table, const std::vector<EventRole>& roles, const DataConfig& config)
      : table_(table),
        roles_(roles),
        config_(config),
        report_(table.report) {}

  Result<LoadedData> Run(std::vector<OrderedUser> users) {
    const std::size_t before = users.size();
    std::erase_if(users, [&](const OrderedUser& user) { return TooFewEvents(user); });
    const std::size_t enough = users.size();
    if (users.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "no user is left: none of " + std::to_string(before) + " users with "
                      + std::to_string(table_.events.size()) + " events has at least "
                      + std::to_string(config_.min_user_events)
                      + " training rows (data.min_user_events; held-out rows do not count)");
    }
    RONDO_TRY_STATUS(ChooseCatalogue(users));
    for (const OrderedUser& user : users) {
      AddUser(user);
    }
    report_.users_dropped = before - dataset_.users.size();
    if (dataset_.users.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "no user is left: of " + std::to_string(before) + " users "
                      + std::to_string(enough) + " have at least "
                      + std::to_string(config_.min_user_events)
                      + " training rows (data.min_user_events), none of them in the catalogue of "
                      + std::to_string(catalogue_->items()) + " items ("
                      + std::to_string(report_.unknown_items) + " rows name unknown items)");
    }
    return Finish();
  }

 private:
  EventRole RoleOf(std::uint32_t event) const { return roles_[table_.events[event].kind]; }

  /// Held-out rows do not count: who is in the data must not depend on what is to be predicted.
  bool TooFewEvents(const OrderedUser& user) const {
    const auto rows =
        std::count_if(user.events.begin(),
                      user.events.begin() + static_cast<std::ptrdiff_t>(user.validation),
                      [&](std::uint32_t e) { return IsRow(RoleOf(e)); });
    return rows < std::max(config_.min_user_events, 1);
  }

  Status ChooseCatalogue(const std::vector<OrderedUser>& users) {
    if (!config_.catalogue.empty()) {
      RONDO_TRY(Catalogue catalogue, Catalogue::Read(config_.catalogue));
      catalogue_ = std::make_shared<const Catalogue>(std::move(catalogue));
    } else {
      RONDO_TRY_STATUS(MakeCatalogue(users));
    }
    rows_.reserve(table_.items.size());
    for (const std::string& item : table_.items) {
      rows_.push_back(catalogue_->Row(item));
    }
    return Ok();
  }

  Status MakeCatalogue(const std::vector<OrderedUser>& users) {
    std::vector<std::uint64_t> counts(table_.items.size());
    for (const OrderedUser& user : users) {
      for (std::size_t p = 0; p < user.validation; ++p) {
        counts[table_.events[user.events[p]].item] += IsRow(RoleOf(user.events[p])) ? 1U : 0U;
      }
    }
    const auto least = static_cast<std::uint64_t>(std::max(config_.min_item_events, 1));
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] >= least) {
        ids.push_back(table_.items[i]);
      } else if (counts[i] > 0) {
        ++report_.items_dropped;
      }
    }
    if (ids.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "no item is left: none of " + std::to_string(table_.items.size()) + " items has "
                      + std::to_string(least) + " training rows (data.min_item_events) among "
                      + std::to_string(users.size()) + " users with at least "
                      + std::to_string(config_.min_user_events)
                      + " training rows (data.min_user_events)");
    }
    std::sort(ids.begin(), ids.end(), IdLess);
    std::erase(ids, std::string{});
    const SideTable& side = table_.item_table;
    std::vector<std::vector<std::string>> values;
    for (const std::string& id : ids) {
      auto& row = values.emplace_back();
      for (std::size_t c = 0; c < side.columns.size(); ++c) {
        row.push_back(TsvCell(side.Value(id, c)));
      }
    }
    std::vector<std::string> columns = side.columns;
    for (std::size_t c = 0; c < side.types.size(); ++c) {
      columns[c] += side.types[c].empty() ? "" : ":" + side.types[c];
    }
    RONDO_TRY(Catalogue catalogue,
              Catalogue::Create(std::move(ids), std::move(columns), std::move(values)));
    catalogue_ = std::make_shared<const Catalogue>(std::move(catalogue));
    return Ok();
  }

  ItemRow RowOf(std::uint32_t event) {
    const ItemRow row = rows_[table_.events[event].item];
    report_.unknown_items += row == 0 ? 1U : 0U;
    return row;
  }

  double TimeOf(std::uint32_t event, std::size_t position) const {
    const bool known = config_.order == "time" && table_.has_time;
    return known ? table_.events[event].time : static_cast<double>(position);
  }

  void AddUser(const OrderedUser& ordered) {
    UserSequence user{.user = table_.users[ordered.user]};
    for (std::size_t p = 0; p < ordered.validation; ++p) {
      AddTraining(ordered.events[p], p, user);
    }
    user.train_size = user.rows.size();
    if (user.train_size == 0) {
      return;
    }
    for (std::size_t p = ordered.validation; p < ordered.test; ++p) {
      const EventRole role = RoleOf(ordered.events[p]);
      const ItemRow row = RowOf(ordered.events[p]);
      validation_targets_.Count(role, row);
      if (row != 0) {
        AddRow(row, TimeOf(ordered.events[p], p), role, user);
      }
    }
    TestRows test;
    for (std::size_t p = ordered.test; p < ordered.events.size(); ++p) {
      const EventRole role = RoleOf(ordered.events[p]);
      const ItemRow row = RowOf(ordered.events[p]);
      test_targets_.Count(role, row);
      if (row != 0 || IsTarget(role)) {
        AddRow(row, TimeOf(ordered.events[p], p), role, test);
      }
    }
    report_.train_rows += user.train_size;
    report_.validation_rows += user.rows.size() - user.train_size;
    report_.test_rows += test.rows.size();
    Seal(ordered, std::move(user), std::move(test));
  }

  void AddTraining(std::uint32_t event, std::size_t position, UserSequence& user) {
    const ItemRow row = RowOf(event);
    if (row == 0) {
      return;
    }
    if (RoleOf(event) == EventRole::kNegative) {
      user.negatives.push_back(row);
    } else {
      AddRow(row, TimeOf(event, position), RoleOf(event), user);
    }
  }

  template <typename Rows>  // UserSequence or TestRows
  static void AddRow(ItemRow row, double time, EventRole role, Rows& rows) {
    rows.rows.push_back(row);
    rows.times.push_back(time);
    rows.roles.push_back(role);
  }

  static void ForgetPlainRoles(std::vector<EventRole>& roles) {
    if (std::all_of(
            roles.begin(), roles.end(), [](EventRole r) { return r == EventRole::kBoth; })) {
      roles.clear();
    }
  }

  void Seal(const OrderedUser& ordered, UserSequence user, TestRows test) {
    ForgetPlainRoles(user.roles);
    ForgetPlainRoles(test.roles);
    const SideTable& side = table_.user_table;
    for (std::size_t c = 0; c < side.columns.size(); ++c) {
      user.attributes.emplace(side.columns[c], side.Value(table_.users[ordered.user], c));
    }
    dataset_.users.push_back(std::move(user));
    test_.push_back(std::move(test));
  }

  static void Append(Bytes& bytes, const void* data, std::size_t size) {
    const std::size_t at = bytes.size();
    bytes.resize(at + size);
    if (size > 0) {
      std::memcpy(bytes.data() + at, data, size);
    }
  }

  static void AppendNumber(Bytes& bytes, std::uint64_t value) {
    Append(bytes, &value, sizeof(value));
  }

  static void AppendRows(Bytes& bytes, const std::vector<ItemRow>& rows) {
    AppendNumber(bytes, rows.size());
    Append(bytes, rows.data(), rows.size() * sizeof(ItemRow));
  }

  std::string Fingerprint() const {
    Bytes bytes;
    Append(bytes, catalogue_->sha256().data(), catalogue_->sha256().size());
    for (std::size_t u = 0; u < dataset_.users.size(); ++u) {
      const UserSequence& user = dataset_.users[u];
      AppendNumber(bytes, user.user.size());
      Append(bytes, user.user.data(), user.user.size());
      AppendNumber(bytes, user.train_size);
      AppendRows(bytes, user.rows);
      AppendRows(bytes, user.negatives);
      AppendNumber(bytes, user.roles.size());
      Append(bytes, user.roles.data(), user.roles.size());
      AppendRows(bytes, test_[u].rows);
      Append(bytes, test_[u].roles.data(), test_[u].roles.size());
    }
    return Sha256Hex(bytes);
  }

  Result<LoadedData> Finish() {
    report_.test_targets_outside = test_targets_.ShareOutside();
    report_.validation_targets_outside = validation_targets_.ShareOutside();
    dataset_.catalogue = catalogue_;
    dataset_.ordered = config_.order != "none";
    dataset_.fingerprint = Fingerprint();
    return LoadedData{.dataset = std::move(dataset_),
                      .test = HeldOutTest(std::move(test_)),
                      .report = std::move(report_)};
  }

  const EventTable& table_;
  const std::vector<EventRole>& roles_;
  const DataConfig& config_;
  DataReport report_;
  std::shared_ptr<const Catalogue> catalogue_;
  std::vector<ItemRow> rows_;  ///< catalogue row of each item of the table
  Dataset dataset_;
  std::vector<TestRows> test_;
  TargetCount validation_targets_;
  TargetCount test_targets_;
};

}  // namespace

Result<LoadedData> LoadData(const DataConfig& config) {
  RONDO_TRY(SplitLog log, ReadSplitLog(config));
  return Assembler(log.table, log.roles, config).Run(std::move(log.users));
}

Result<LoadedData> LoadWholeLog(DataConfig config) {
  config.split = "none";
  config.min_user_events = 1;
  config.min_item_events = 1;
  return LoadData(config);
}

}  // namespace rondo
