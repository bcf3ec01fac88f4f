#include "common/data/partition_files.h"

#include <algorithm>
#include <unordered_map>

#include "common/core/file.h"
#include "common/crypto/sha256.h"
#include "common/data/dataset.h"
#include "common/data/events.h"

namespace rondo {
namespace {

constexpr std::uint32_t kNoName = 0xFFFFFFFF;
constexpr std::size_t kLongestName = 64;
constexpr std::size_t kDigestDigits = 8;

bool IsPlain(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/// Copies events of a table into a smaller one that names only what they use.
class Excerpt {
 public:
  /// `items` is scratch for all excerpts of one table: kNoName for each of its items.
  Excerpt(const EventTable& source, std::vector<std::uint32_t>& items)
      : source_(source),
        items_(items) {
    table_.kinds = source.kinds;
    table_.has_rating = source.has_rating;
    table_.has_time = source.has_time;
    table_.user_table.columns = source.user_table.columns;
    table_.user_table.types = source.user_table.types;
  }

  void Add(std::uint32_t index) {
    LogEvent event = source_.events[index];
    const std::string& user = source_.users[event.user];
    const auto [entry, fresh] =
        users_.try_emplace(event.user, static_cast<std::uint32_t>(table_.users.size()));
    if (fresh) {
      table_.users.push_back(user);
      const auto attributes = source_.user_table.rows.find(user);
      if (attributes != source_.user_table.rows.end()) {
        table_.user_table.rows.insert(*attributes);
      }
    }
    std::uint32_t& item = items_[event.item];
    if (item == kNoName) {
      item = static_cast<std::uint32_t>(table_.items.size());
      used_.push_back(event.item);
      table_.items.push_back(source_.items[event.item]);
    }
    event.user = entry->second;
    event.item = item;
    table_.events.push_back(event);
  }

  EventTable Take() && {
    for (const std::uint32_t item : used_) {
      items_[item] = kNoName;
    }
    return std::move(table_);
  }

 private:
  const EventTable& source_;
  std::vector<std::uint32_t>& items_;
  std::vector<std::uint32_t> used_;
  std::unordered_map<std::uint32_t, std::uint32_t> users_;
  EventTable table_;
};

/// Indices of the events of each shard, in file order.
std::vector<std::vector<std::uint32_t>> EventsOfShards(const EventTable& table,
                                                       const Dataset& dataset,
                                                       const std::vector<ClientShard>& shards) {
  std::unordered_map<std::string, std::size_t> shard_of;
  for (std::size_t s = 0; s < shards.size(); ++s) {
    for (const std::uint32_t user : shards[s].users) {
      shard_of.emplace(dataset.users[user].user, s);
    }
  }
  std::vector<std::size_t> by_user;
  for (const std::string& user : table.users) {
    const auto found = shard_of.find(user);
    by_user.push_back(found == shard_of.end() ? shards.size() : found->second);
  }
  std::vector<std::vector<std::uint32_t>> events(shards.size() + 1);
  for (std::uint32_t e = 0; e < table.events.size(); ++e) {
    events[by_user[table.events[e].user]].push_back(e);
  }
  events.pop_back();
  return events;
}

}  // namespace

std::string ClientFolderName(const ClientId& id) {
  std::string name = id;
  // A leading dot would hide the folder, or name the parent.
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !IsPlain(c); }, '_');
  if (name.starts_with('.')) {
    name.front() = '_';
  }
  if (name == id && !id.empty() && id.size() <= kLongestName) {
    return name;
  }
  const std::string digest = "-" + Sha256Hex(AsBytes(id)).substr(0, kDigestDigits);
  return name.substr(0, kLongestName - digest.size()) + digest;
}

Result<WrittenPartition> WritePartition(const DataConfig& config,
                                        const std::filesystem::path& out) {
  RONDO_TRY(const LoadedData loaded, LoadData(config));
  RONDO_TRY(const std::vector<ClientShard> shards, PartitionClients(loaded.dataset, config));
  RONDO_TRY(const EventTable table, ReadEvents(config));
  const auto events = EventsOfShards(table, loaded.dataset, shards);
  std::vector<std::uint32_t> items(table.items.size(), kNoName);
  RONDO_TRY_STATUS(MakeFolder(out));
  WrittenPartition written{.catalogue = out / "catalogue.tsv",
                           .validation_from = loaded.report.validation_from,
                           .test_from = loaded.report.test_from};
  RONDO_TRY_STATUS(WriteTextFile(written.catalogue, loaded.dataset.catalogue->text()));
  for (std::size_t s = 0; s < shards.size(); ++s) {
    Excerpt excerpt(table, items);
    for (const std::uint32_t event : events[s]) {
      excerpt.Add(event);
    }
    const EventTable own = std::move(excerpt).Take();
    RONDO_TRY_STATUS(WriteAtomicFiles(own, out / ClientFolderName(shards[s].id), "data"));
    written.clients.push_back(shards[s].id);
  }
  return written;
}

}  // namespace rondo
