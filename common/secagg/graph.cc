#include "common/secagg/graph.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>

#include "common/core/check.h"
#include "common/core/rng.h"

namespace rondo::secagg {
namespace {

/// 33 of 100 clients may work for the server and 33 of 100 may drop out: the chance that
/// anybody's neighbours betray it is below 2^-40, that a secret is lost below 2^-20. tests/secagg
/// computes both. Source  Bell et al. 2020, theorem 3.10 and section 3.5.
constexpr std::array<RingParameters, 3> kRings{{
    {.most_clients = 500, .degree = 214, .threshold = 113},
    {.most_clients = 1000, .degree = 286, .threshold = 150},
    {.most_clients = 10'000, .degree = 422, .threshold = 221},
}};

/// Numbers that client and server draw alike: SHA-256 of a label, the hash and a counter.
class PublicDraws {
 public:
  explicit PublicDraws(const Digest& seed) : seed_(seed) {}

  std::uint64_t Next() {
    if (used_ == block_.size()) {
      block_ = Transcript("rondo/rsa1/graph").Data(seed_).U64(counter_++).Hash();
      used_ = 0;
    }
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) {
      value = value << 8 | block_[used_++];
    }
    return value;
  }

 private:
  Digest seed_;
  Digest block_{};
  std::uint64_t counter_ = 0;
  std::size_t used_ = sizeof(Digest);
};

}  // namespace

std::uint32_t CompleteThreshold(std::uint32_t clients) {
  return static_cast<std::uint32_t>(std::uint64_t{2} * clients / 3 + 1);
}

RingParameters RingParametersFor(std::uint32_t clients) {
  for (const RingParameters& ring : kRings) {
    if (clients <= ring.most_clients) {
      return ring;
    }
  }
  RONDO_CHECK(false) << "sessions are bounded by kMostSessionClients";
  return {};
}

Graph::Graph(std::uint32_t clients, const Digest& directory_hash)
    : clients_(clients),
      complete_(clients <= kMostComplete),
      threshold_(CompleteThreshold(clients)) {
  RONDO_CHECK(clients >= 1) << "a directory has its receiver";
  if (complete_) {
    return;
  }
  const RingParameters ring = RingParametersFor(clients);
  threshold_ = ring.threshold;
  reach_ = ring.degree / 2;
  client_at_.resize(clients);
  std::iota(client_at_.begin(), client_at_.end(), 0U);
  PublicDraws draws(directory_hash);
  for (std::uint32_t i = clients; i > 1; --i) {  // Fisher-Yates
    const std::uint64_t other = UniformBelow(i, [&] { return draws.Next(); });
    std::swap(client_at_[i - 1], client_at_[other]);
  }
  place_.resize(clients);
  for (std::uint32_t place = 0; place < clients; ++place) {
    place_[client_at_[place]] = place;
  }
}

std::vector<std::uint32_t> Graph::Neighbours(std::uint32_t client) const {
  std::vector<std::uint32_t> neighbours;
  if (complete_) {
    neighbours.resize(clients_);
    std::iota(neighbours.begin(), neighbours.end(), 0U);
    neighbours.erase(neighbours.begin() + client);
    return neighbours;
  }
  neighbours.reserve(std::size_t{2} * reach_);
  for (std::uint32_t step = 1; step <= reach_; ++step) {
    neighbours.push_back(client_at_[(place_[client] + step) % clients_]);
    neighbours.push_back(client_at_[(place_[client] + clients_ - step) % clients_]);
  }
  std::sort(neighbours.begin(), neighbours.end());
  return neighbours;
}

bool Graph::AreNeighbours(std::uint32_t a, std::uint32_t b) const {
  if (complete_ || a == b) {
    return a != b;
  }
  const std::uint32_t distance = (place_[a] + clients_ - place_[b]) % clients_;
  return std::min(distance, clients_ - distance) <= reach_;
}

}  // namespace rondo::secagg
