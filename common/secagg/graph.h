#pragma once

#include <cstdint>
#include <vector>

#include "common/secagg/transcript.h"

namespace rondo::secagg {

/// Who shares masks and secrets with whom among the n clients of a session, by their places in the
/// directory. Everybody with everybody up to kMostComplete clients; above that each with `degree`
/// neighbours of a ring whose order is drawn from the hash of the directory, so that the server
/// cannot choose them for anybody.
///
/// With the complete graph a client is safe from a server that lies and from fewer than a third of
/// the clients; with neighbours only from a server that follows the protocol. Source  Bonawitz et
/// al. 2017; Bell et al. 2020, section 3, Harary graph.
class Graph {
 public:
  static constexpr std::uint32_t kMostComplete = 256;

  /// At least one client, at most kMostSessionClients.
  Graph(std::uint32_t clients, const Digest& directory_hash);

  bool complete() const { return complete_; }

  /// Shares that give a secret back: of all clients floor(2n/3) + 1, of neighbours by the table.
  std::uint32_t threshold() const { return threshold_; }

  /// The neighbours of a client, in order, without itself.
  std::vector<std::uint32_t> Neighbours(std::uint32_t client) const;

  bool AreNeighbours(std::uint32_t a, std::uint32_t b) const;

 private:
  std::uint32_t clients_;
  bool complete_;
  std::uint32_t threshold_;
  std::uint32_t reach_ = 0;               ///< half the degree
  std::vector<std::uint32_t> place_;      ///< on the ring, of each client
  std::vector<std::uint32_t> client_at_;  ///< of each place on the ring
};

/// Shares that give a secret back among `clients` of a complete graph: floor(2n/3) + 1.
std::uint32_t CompleteThreshold(std::uint32_t clients);

/// The most clients that a session may have.
inline constexpr std::uint32_t kMostSessionClients = 4096;

/// Degree and threshold above kMostComplete clients.
struct RingParameters {
  std::uint32_t most_clients = 0;
  std::uint32_t degree = 0;
  std::uint32_t threshold = 0;
};

/// The row for so many clients; those of a row hold for fewer clients too.
RingParameters RingParametersFor(std::uint32_t clients);

}  // namespace rondo::secagg
