#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/core/rng.h"
#include "common/secagg/client.h"
#include "common/secagg/server.h"
#include "common/wire/secagg_messages.h"

/// Sessions in memory, with clients that vanish and a coordinator that lies.
namespace rondo::secagg {

inline ClientId NameOf(std::size_t client) {
  std::string digits = std::to_string(client);
  return "site-" + std::string(5 - digits.size(), '0') + digits;
}

inline VectorSpec OneSegment(std::uint64_t size, int bits, std::uint32_t clients) {
  const std::uint64_t half = std::uint64_t{1} << (bits - 1);
  return {.segments = {{.name = "delta", .size = size, .bits = bits, .most = (half - 1) / clients}},
          .most_clients = clients};
}

/// Long-lived keys are slow to make; they are shared by all worlds of a test program.
inline const SigningKey& IdentityOf(std::size_t client) {
  static std::vector<std::unique_ptr<SigningKey>> keys;
  while (keys.size() <= client) {
    keys.push_back(std::make_unique<SigningKey>(SigningKey::Generate()));
  }
  return *keys[client];
}

class World {
 public:
  World(std::size_t count, VectorSpec spec, std::uint64_t seed = 1)
      : workers(1),
        rng_({.seed = seed, .purpose = Purpose::kGenerator}) {
    terms = {.federation = "test",
             .run = "run-1",
             .round = 7,
             .serial = 1000,
             .model_sha256 = std::string(64, 'b'),
             .vector = std::move(spec)};
    terms.nonce.fill(3);
    roster.federation = std::string(64, 'f');
    roster.version = 1;
    for (std::size_t i = 0; i < count; ++i) {
      ids.push_back(NameOf(i));
      roster.entries.push_back({.id = NameOf(i), .key = IdentityOf(i).public_key()});
      vectors.push_back(DrawVector());
    }
    terms.roster_sha256 = roster.sha256();
  }

  /// Random numbers within the bounds of the spec.
  Bytes DrawVector() {
    Bytes packed;
    for (const Segment& segment : terms.vector.segments) {
      std::vector<std::int64_t> numbers(segment.size);
      for (std::int64_t& number : numbers) {
        number = static_cast<std::int64_t>(rng_.Below(2 * segment.most + 1) - segment.most);
      }
      Pack(numbers, segment.bits, packed);
    }
    return packed;
  }

  /// The sum of some clients' vectors, number by number, without the code under test.
  std::vector<std::int64_t> PlainSum(const std::vector<ClientId>& of) const {
    std::vector<std::int64_t> total;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (!std::binary_search(of.begin(), of.end(), ids[i])) {
        continue;
      }
      std::size_t at = 0;
      std::size_t number = 0;
      for (const Segment& segment : terms.vector.segments) {
        for (std::uint64_t j = 0; j < segment.size; ++j, ++number) {
          std::uint64_t value = 0;
          for (std::size_t byte = 0; byte < segment.width(); ++byte) {
            value |= std::uint64_t{vectors[i][at++]} << (8 * byte);
          }
          const int shift = 64 - segment.bits;
          total.resize(std::max(total.size(), number + 1));
          total[number] += static_cast<std::int64_t>(value << shift) >> shift;
        }
      }
    }
    return total;
  }

  /// The numbers of a packed sum, with their signs.
  std::vector<std::int64_t> Numbers(ByteView packed) const {
    std::vector<std::int64_t> numbers;
    std::size_t at = 0;
    for (const Segment& segment : terms.vector.segments) {
      std::vector<std::int64_t> part(segment.size);
      Unpack(packed.subspan(at, segment.bytes()), segment.bits, part);
      at += segment.bytes();
      const int shift = 64 - segment.bits;
      for (const std::int64_t number : part) {
        numbers.push_back(static_cast<std::int64_t>(static_cast<std::uint64_t>(number) << shift)
                          >> shift);
      }
    }
    return numbers;
  }

  Client MakeClient(std::size_t i) {
    return Client({.terms = TermsOf ? TermsOf(i, terms) : terms,
                   .self = ids[i],
                   .identity = IdentityOf(i),
                   .roster = roster,
                   .policy = policy,
                   .vector = vectors[i],
                   .workers = workers});
  }

  /// Clients of `silent[s]` do not answer in step s, nor later. With `tell`, the server hears that
  /// they are gone; otherwise it waits for its deadline.
  std::map<int, std::set<std::size_t>> silent;
  bool tell = true;

  /// May change messages on their way, or swallow them (false).
  std::function<bool(std::size_t client, ServerMessage& message)> down;
  std::function<bool(std::size_t client, ClientMessage& message)> up;
  std::function<SessionTerms(std::size_t client, SessionTerms terms)> TermsOf;

  /// Plays the session to its end.
  void Run() {
    server = std::make_unique<Server>(Server::Parts{.terms = terms,
                                                    .roster = roster,
                                                    .invited = ids,
                                                    .schedule = Schedule::Of(now, whole),
                                                    .workers = workers});
    Take(server->Start());
    clients.clear();
    errors.assign(ids.size(), std::nullopt);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      clients.push_back(std::make_unique<Client>(MakeClient(i)));
      if (!Speaks(i, 0)) {
        continue;
      }
      auto step = clients[i]->Start();
      Answer(i, std::move(step));
    }
    while (!server->complete()) {
      if (queue_.empty()) {
        ASSERT_TRUE(wake_.has_value()) << "the server waits for nothing";
        now = std::max(now, *wake_);
        Take(server->Tick(now));
        continue;
      }
      AddressedMessage next = std::move(queue_.front());
      queue_.pop_front();
      Deliver(std::move(next));
    }
    contributors = server->contributors();
  }

  Result<Bytes> Sum() const { return std::move(*server).Take(); }

  SessionTerms terms;
  Roster roster;
  std::vector<ClientId> ids;
  std::vector<Bytes> vectors;
  ClientPolicy policy;
  Workers workers;
  TimePoint now{};
  Duration whole = std::chrono::seconds(100);
  std::unique_ptr<Server> server;
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::optional<Error>> errors;  ///< of each client's last step
  std::vector<ClientId> contributors;
  std::vector<UnmaskShares> unmasked;  ///< what left the clients in step 4

 private:
  static int StepOf(const ServerMessage& message) { return static_cast<int>(message.index()) + 1; }

  bool Speaks(std::size_t client, int step) {
    for (int earlier = 0; earlier <= step; ++earlier) {
      if (silent[earlier].contains(client)) {
        if (tell) {
          Take(server->Drop(ids[client], {ErrorCode::kUnavailable, "gone"}, now));
        }
        return false;
      }
    }
    return true;
  }

  void Deliver(AddressedMessage addressed) {
    const std::size_t client = static_cast<std::size_t>(
        std::lower_bound(ids.begin(), ids.end(), addressed.client) - ids.begin());
    if (down && !down(client, addressed.message)) {
      return;
    }
    if (!Speaks(client, StepOf(addressed.message))) {
      return;
    }
    const auto arrived = wire::DecodeSecaggFromServer(wire::EncodeSecagg(addressed.message));
    ASSERT_TRUE(arrived) << arrived.error().message;
    auto step = clients[client]->Receive(*arrived);
    Answer(client, std::move(step));
  }

  void Answer(std::size_t client, Result<ClientStep> step) {
    if (!step) {
      errors[client] = step.error();
      Take(server->Drop(ids[client], step.error(), now));
      return;
    }
    for (ClientMessage& message : step->send) {
      if (const auto* opened = std::get_if<UnmaskShares>(&message)) {
        unmasked.push_back(*opened);
      }
      if (!up || up(client, message)) {
        const auto arrived = wire::DecodeSecaggFromClient(wire::EncodeSecagg(message));
        if (arrived) {
          Take(server->Receive(ids[client], *arrived, now));
        } else {
          Take(server->Drop(ids[client], arrived.error(), now));
        }
      }
    }
  }

  void Take(ServerStep step) {
    for (AddressedMessage& message : step.send) {
      queue_.push_back(std::move(message));
    }
    wake_ = step.wake;
  }

  Rng rng_;
  std::deque<AddressedMessage> queue_;
  std::optional<TimePoint> wake_;
};

}  // namespace rondo::secagg
