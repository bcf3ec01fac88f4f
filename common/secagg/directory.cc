#include "common/secagg/directory.h"

#include <algorithm>
#include <set>

#include "common/core/check.h"

namespace rondo::secagg {
namespace {

Verdict CheckIds(const std::vector<DirectoryEntry>& entries) {
  for (std::size_t i = 1; i < entries.size(); ++i) {
    if (entries[i - 1].id == entries[i].id) {
      return Refusal{Reason::kDuplicateId, "the directory has " + entries[i].id + " twice"};
    }
    if (entries[i - 1].id > entries[i].id) {
      return Refusal{Reason::kMalformed, "the directory is not in the order of its ids"};
    }
  }
  return std::nullopt;
}

Verdict CheckSigners(const std::vector<DirectoryEntry>& entries,
                     const Digest& session,
                     const Roster& roster) {
  for (const DirectoryEntry& entry : entries) {
    const RosterEntry* member = roster.Find(entry.id);
    if (member == nullptr) {
      return Refusal{Reason::kUnknownId,
                     "the directory has " + entry.id + ", who is not in the roster"};
    }
    const Bytes statement = AdvertiseStatement(session, entry.id, entry.share_key, entry.mask_key);
    if (!VerifySignature(member->key, statement, entry.signature)) {
      return Refusal{Reason::kBadSignature, "the keys of " + entry.id + " are not signed by it"};
    }
  }
  return std::nullopt;
}

Verdict CheckKeys(const std::vector<DirectoryEntry>& entries) {
  std::set<X25519Public> keys;
  for (const DirectoryEntry& entry : entries) {
    if (!keys.insert(entry.share_key).second || !keys.insert(entry.mask_key).second) {
      return Refusal{Reason::kDuplicateKey, "a key of " + entry.id + " stands twice"};
    }
  }
  return std::nullopt;
}

}  // namespace

Directory::Directory(const Digest& session,
                     std::vector<DirectoryEntry> entries,
                     const Roster& roster)
    : entries_(std::move(entries)),
      hash_(DirectoryHash(session, entries_)),
      graph_(size(), hash_) {
  signing_keys_.reserve(entries_.size());
  xs_.reserve(entries_.size());
  for (const DirectoryEntry& entry : entries_) {
    const RosterEntry* member = roster.Find(entry.id);
    RONDO_CHECK(member != nullptr) << "the caller checked the ids";
    signing_keys_.push_back(member->key);
    xs_.push_back(static_cast<std::uint64_t>(member - roster.entries.data()) + 1);
  }
}

Place Directory::Find(std::string_view id) const {
  const auto found = std::lower_bound(
      entries_.begin(),
      entries_.end(),
      id,
      [](const DirectoryEntry& entry, std::string_view wanted) { return entry.id < wanted; });
  return found != entries_.end() && found->id == id ? static_cast<Place>(found - entries_.begin())
                                                    : size();
}

std::vector<Place> Directory::Holders(Place owner) const {
  std::vector<Place> holders = graph_.Neighbours(owner);
  holders.insert(std::lower_bound(holders.begin(), holders.end(), owner), owner);
  return holders;
}

std::size_t Directory::CountNear(Place place, const std::vector<Place>& members) const {
  return static_cast<std::size_t>(std::count_if(members.begin(), members.end(), [&](Place member) {
    return member == place || graph_.AreNeighbours(place, member);
  }));
}

std::uint32_t Directory::LeastSummed(std::uint32_t min_clients) const {
  return std::max(CompleteThreshold(size()), min_clients);
}

Verdict CheckDirectory(const KeyDirectory& message,
                       const SessionTerms& terms,
                       const Roster& roster,
                       const DirectoryEntry& own) {
  const std::vector<DirectoryEntry>& entries = message.entries;
  if (entries.size() < terms.min_clients) {
    return Refusal{Reason::kTooFew,
                   "the directory has " + std::to_string(entries.size()) + " clients, at least "
                       + std::to_string(terms.min_clients) + " were promised"};
  }
  if (entries.size() > std::min(terms.vector.most_clients, kMostSessionClients)) {
    return Refusal{
        Reason::kOverflow,
        "the directory has " + std::to_string(entries.size()) + " clients, whose sum may overflow"};
  }
  RONDO_REFUSE(CheckIds(entries));
  const auto mine = std::find_if(entries.begin(), entries.end(), [&](const DirectoryEntry& entry) {
    return entry.id == own.id;
  });
  if (mine == entries.end()) {
    return Refusal{Reason::kLeftOut, "the directory lacks this client"};
  }
  if (*mine != own) {
    return Refusal{Reason::kOwnKeyChanged, "the directory has other keys of this client"};
  }
  RONDO_REFUSE(CheckSigners(entries, message.session, roster));
  RONDO_REFUSE(CheckKeys(entries));
  const auto size = static_cast<std::uint32_t>(entries.size());
  const std::uint32_t threshold =
      size <= Graph::kMostComplete ? CompleteThreshold(size) : RingParametersFor(size).threshold;
  if (message.threshold != threshold) {
    return Refusal{Reason::kWrongThreshold,
                   "the directory asks for " + std::to_string(message.threshold) + " shares, "
                       + std::to_string(size) + " clients need " + std::to_string(threshold)};
  }
  return std::nullopt;
}

}  // namespace rondo::secagg
