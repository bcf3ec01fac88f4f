#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/crypto/roster.h"
#include "common/secagg/graph.h"
#include "common/secagg/messages.h"
#include "common/secagg/refusal.h"
#include "common/secagg/session.h"

namespace rondo::secagg {

/// The clients of a session after step 0, with what follows from them.
class Directory {
 public:
  /// `entries` in byte order of ids that differ, all in the roster.
  Directory(const Digest& session, std::vector<DirectoryEntry> entries, const Roster& roster);

  std::uint32_t size() const { return static_cast<std::uint32_t>(entries_.size()); }

  const DirectoryEntry& operator[](Place place) const { return entries_[place]; }

  const std::vector<DirectoryEntry>& entries() const { return entries_; }

  const Digest& hash() const { return hash_; }

  const Graph& graph() const { return graph_; }

  std::uint32_t threshold() const { return graph_.threshold(); }

  /// The signing key of a client.
  const Ed25519Public& signing_key(Place place) const { return signing_keys_[place]; }

  /// Where a client's shares are on their polynomials: its place in the roster, from 1.
  std::uint64_t x(Place place) const { return xs_[place]; }

  /// size() for a stranger.
  Place Find(std::string_view id) const;

  /// A client and its neighbours, in order: who holds shares of its secrets.
  std::vector<Place> Holders(Place owner) const;

  /// How many of `members`, which are in order, are `place` or its neighbours.
  std::size_t CountNear(Place place, const std::vector<Place>& members) const;

  /// Fewer clients than this are never summed: the threshold of all clients, or of the terms.
  std::uint32_t LeastSummed(std::uint32_t min_clients) const;

 private:
  std::vector<DirectoryEntry> entries_;
  std::vector<Ed25519Public> signing_keys_;
  std::vector<std::uint64_t> xs_;
  Digest hash_;
  Graph graph_;
};

/// Everything that a client can check about a directory before it trusts it with its secrets.
/// `own` is what it advertised.
Verdict CheckDirectory(const KeyDirectory& message,
                       const SessionTerms& terms,
                       const Roster& roster,
                       const DirectoryEntry& own);

}  // namespace rondo::secagg
