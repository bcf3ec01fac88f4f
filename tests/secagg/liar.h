#pragma once

#include <map>
#include <optional>
#include <vector>

#include "tests/secagg/world.h"

namespace rondo::secagg {

/// A coordinator that relays what clients say and checks nothing, so that a test can lie at any
/// step. Its honest moves are those of Server.
class Liar {
 public:
  explicit Liar(World& world) : world_(world), session_(SessionId(world.terms)) {
    for (std::size_t i = 0; i < world.ids.size(); ++i) {
      clients.push_back(std::make_unique<Client>(world.MakeClient(i)));
    }
  }

  /// Collects everybody's keys.
  KeyDirectory Advertise() {
    KeyDirectory directory{.session = session_, .threshold = CompleteThreshold(Count())};
    for (std::size_t i = 0; i < clients.size(); ++i) {
      auto step = clients[i]->Start();
      EXPECT_TRUE(step) << step.error().message;
      const auto& keys = std::get<AdvertiseKeys>(step->send.at(0));
      directory.entries.push_back({.id = world_.ids[i],
                                   .share_key = keys.share_key,
                                   .mask_key = keys.mask_key,
                                   .signature = keys.signature});
    }
    return directory;
  }

  /// Up to the shares of all.
  void Share() {
    const KeyDirectory directory = Advertise();
    directory_hash = DirectoryHash(session_, directory.entries);
    for (const auto& client : clients) {
      auto step = client->Receive(directory);
      ASSERT_TRUE(step) << step.error().message;
      shares.push_back(std::get<ShareKeys>(step->send.at(0)));
    }
  }

  ShareDelivery DeliveryFor(Place to) const {
    ShareDelivery delivery{.session = session_};
    for (Place from = 0; from < Count(); ++from) {
      delivery.sharers.push_back(from);
      for (const SealedShare& share : shares[from].shares) {
        if (share.peer == to) {
          delivery.shares.push_back({.peer = from, .sealed = share.sealed});
        }
      }
    }
    return delivery;
  }

  /// Up to the vectors of all.
  void Mask() {
    ASSERT_NO_FATAL_FAILURE(Share());
    for (Place to = 0; to < Count(); ++to) {
      auto step = clients[to]->Receive(DeliveryFor(to));
      ASSERT_TRUE(step) << step.error().message;
      for (const ClientMessage& message : step->send) {
        if (const auto* chunk = std::get_if<MaskedChunk>(&message)) {
          masked.push_back(chunk->bytes);
        }
      }
    }
  }

  SurvivorSet Survivors(std::vector<Place> places) const {
    return {.session = session_, .survivors = std::move(places)};
  }

  SurvivorSet All() const {
    std::vector<Place> places;
    for (Place place = 0; place < Count(); ++place) {
      places.push_back(place);
    }
    return Survivors(std::move(places));
  }

  /// Up to the signatures of all; client `i` is told sets[i], or the last one.
  ConsistencyProof Agree(const std::vector<SurvivorSet>& sets) {
    Mask();
    ConsistencyProof proof{.session = session_};
    for (Place place = 0; place < Count(); ++place) {
      const SurvivorSet& set = sets[std::min<std::size_t>(place, sets.size() - 1)];
      auto step = clients[place]->Receive(set);
      EXPECT_TRUE(step) << step.error().message;
      proof.signatures.push_back(
          {.member = place,
           .signature = std::get<ConsistencySignature>(step->send.at(0)).signature});
    }
    return proof;
  }

  Place Count() const { return static_cast<Place>(clients.size()); }

  std::vector<std::unique_ptr<Client>> clients;
  std::vector<ShareKeys> shares;
  std::vector<Bytes> masked;
  Digest directory_hash{};

 private:
  World& world_;
  Digest session_;
};

}  // namespace rondo::secagg
