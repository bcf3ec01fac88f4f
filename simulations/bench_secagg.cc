#include "simulations/bench_secagg.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <time.h>
#include <vector>

#include "common/core/rng.h"
#include "common/core/workers.h"
#include "common/crypto/random.h"
#include "common/secagg/client.h"
#include "common/secagg/server.h"
#include "common/wire/messages.h"
#include "common/wire/secagg_messages.h"

namespace rondo::sim {
namespace {

using secagg::AddressedMessage;
using secagg::ClientMessage;
using secagg::ServerMessage;
using secagg::ServerStep;

constexpr std::uint32_t kMagnitude = 1U << 20;

/// Of all threads of this process.
double CpuSeconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Adds the CPU time of its life to a counter.
class Stopwatch {
 public:
  explicit Stopwatch(double& total) : total_(total), start_(CpuSeconds()) {}

  ~Stopwatch() { total_ += CpuSeconds() - start_; }

  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& total_;
  double start_;
};

/// As one frame.
std::size_t FrameSize(Bytes payload) {
  return wire::Encode(wire::Aggregation{.round = 1, .payload = std::move(payload)}).size();
}

struct Participant {
  std::unique_ptr<SigningKey> identity;
  Bytes vector;
  std::unique_ptr<secagg::Client> client;
  double seconds = 0.0;
  std::size_t bytes_up = 0;
  bool vanishes = false;
};

class Session {
 public:
  explicit Session(const SecaggBench& bench) : bench_(bench), one_(1), workers_(bench.threads) {
    terms_ = {.federation = "bench",
              .run = "bench",
              .round = 1,
              .serial = 1,
              .model_sha256 = std::string(64, '0'),
              .vector = {.segments = {{.name = "delta",
                                       .size = static_cast<std::uint64_t>(bench.parameters),
                                       .bits = 32,
                                       .most = kMagnitude}},
                         .most_clients = static_cast<std::uint32_t>(bench.clients)}};
    SecureRandom(terms_.nonce);
  }

  Status Prepare() {
    RONDO_TRY_STATUS(secagg::CheckSpec(terms_.vector));
    plain_.assign(static_cast<std::size_t>(bench_.parameters), 0);
    roster_.federation = std::string(64, '0');
    roster_.version = 1;
    for (int i = 0; i < bench_.clients; ++i) {
      Participant& participant = participants_.emplace_back();
      participant.identity = std::make_unique<SigningKey>(SigningKey::Generate());
      // Spread over the directory, so that masks of both signs are lost.
      participant.vanishes =
          (i + 1) * bench_.dropped / bench_.clients > i * bench_.dropped / bench_.clients;
      participant.vector = DrawVector(static_cast<std::uint64_t>(i), participant.vanishes);
      ids_.push_back(fmt::format("client-{:05}", i));
      roster_.entries.push_back({.id = ids_.back(), .key = participant.identity->public_key()});
    }
    terms_.roster_sha256 = roster_.sha256();
    return Ok();
  }

  Result<SecaggBenchResult> Play() {
    {
      const Stopwatch watch(server_seconds_);
      server_ = std::make_unique<secagg::Server>(secagg::Server::Parts{
          .terms = terms_,
          .roster = roster_,
          .invited = ids_,
          .schedule = secagg::Schedule::Of(TimePoint{}, std::chrono::hours(1)),
          .workers = workers_});
      server_->Start();
    }
    for (std::size_t i = 0; i < participants_.size(); ++i) {
      RONDO_TRY_STATUS(Begin(i));
    }
    while (!queue_.empty()) {
      const auto [client, message] = std::move(queue_.front());
      queue_.pop_front();
      RONDO_TRY_STATUS(Deliver(client, message));
    }
    return Finish();
  }

 private:
  Bytes DrawVector(std::uint64_t client, bool vanishes) {
    Rng rng({.client = client, .purpose = Purpose::kGenerator});
    std::vector<std::int64_t> numbers(plain_.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = static_cast<std::int64_t>(rng.NextU32() % (2 * kMagnitude)) - kMagnitude;
      plain_[i] += vanishes ? 0 : numbers[i];
    }
    Bytes packed;
    secagg::Pack(numbers, 32, packed);
    return packed;
  }

  Status Begin(std::size_t i) {
    Participant& participant = participants_[i];
    std::vector<Bytes> sent;
    {
      const Stopwatch watch(participant.seconds);
      participant.client = std::make_unique<secagg::Client>(
          secagg::Client::Parts{.terms = terms_,
                                .self = ids_[i],
                                .identity = *participant.identity,
                                .roster = roster_,
                                .policy = {},
                                .vector = std::move(participant.vector),
                                .workers = one_});
      RONDO_TRY(const secagg::ClientStep step, participant.client->Start());
      sent = Encoded(step);
    }
    return Upload(i, std::move(sent));
  }

  Status Deliver(std::size_t i, const Bytes& bytes) {
    Participant& participant = participants_[i];
    std::vector<Bytes> sent;
    {
      const Stopwatch watch(participant.seconds);
      RONDO_TRY(const ServerMessage message, wire::DecodeSecaggFromServer(bytes));
      if (participant.vanishes && std::holds_alternative<secagg::ShareDelivery>(message)) {
        const Stopwatch server(server_seconds_);
        Queue(server_->Drop(ids_[i], {ErrorCode::kUnavailable, "vanished"}, TimePoint{}));
        return Ok();
      }
      RONDO_TRY(const secagg::ClientStep step, participant.client->Receive(message));
      sent = Encoded(step);
    }
    return Upload(i, std::move(sent));
  }

  static std::vector<Bytes> Encoded(const secagg::ClientStep& step) {
    std::vector<Bytes> encoded;
    encoded.reserve(step.send.size());
    for (const ClientMessage& message : step.send) {
      encoded.push_back(wire::EncodeSecagg(message));
    }
    return encoded;
  }

  Status Upload(std::size_t i, std::vector<Bytes> sent) {
    for (Bytes& bytes : sent) {
      {
        const Stopwatch watch(server_seconds_);
        RONDO_TRY(const ClientMessage message, wire::DecodeSecaggFromClient(bytes));
        Queue(server_->Receive(ids_[i], message, TimePoint{}));
      }
      participants_[i].bytes_up += FrameSize(std::move(bytes));
    }
    return Ok();
  }

  void Queue(ServerStep step) {
    for (const AddressedMessage& message : step.send) {
      const auto place = std::lower_bound(ids_.begin(), ids_.end(), message.client);
      queue_.emplace_back(static_cast<std::size_t>(place - ids_.begin()),
                          wire::EncodeSecagg(message.message));
    }
  }

  Result<SecaggBenchResult> Finish() {
    SecaggBenchResult result{.server_seconds = server_seconds_};
    const auto survivors = static_cast<double>(server_->contributors().size());
    RONDO_TRY(const Bytes packed, std::move(*server_).Take());
    std::vector<std::int64_t> sum(plain_.size());
    secagg::Unpack(packed, 32, sum);
    result.exact = survivors == bench_.clients - bench_.dropped
                   && std::equal(sum.begin(), sum.end(), plain_.begin(), [](auto got, auto wanted) {
                        return static_cast<std::int32_t>(got) == wanted;
                      });
    for (const Participant& participant : participants_) {
      if (!participant.vanishes) {
        result.client_seconds += participant.seconds / survivors;
        result.bytes_up_ratio += static_cast<double>(participant.bytes_up) / survivors
                                 / (4.0 * static_cast<double>(bench_.parameters));
      }
    }
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    result.peak_rss_mib = static_cast<double>(usage.ru_maxrss) / 1024.0;
    return result;
  }

  SecaggBench bench_;
  Workers one_;
  Workers workers_;
  secagg::SessionTerms terms_;
  Roster roster_;
  std::vector<ClientId> ids_;
  std::vector<Participant> participants_;
  std::vector<std::int64_t> plain_;
  std::unique_ptr<secagg::Server> server_;
  double server_seconds_ = 0.0;
  std::deque<std::pair<std::size_t, Bytes>> queue_;
};

}  // namespace

Result<SecaggBenchResult> RunSecaggBench(const SecaggBench& bench) {
  if (bench.clients < static_cast<int>(secagg::kLeastClients) || bench.clients > 2000
      || bench.dropped < 0 || bench.dropped >= bench.clients) {
    return Fail(ErrorCode::kInvalidArgument,
                "secagg: --clients is 3 to 2000, --dropped at least 0 and fewer than --clients");
  }
  Session session(bench);
  RONDO_TRY_STATUS(session.Prepare());
  return session.Play();
}

}  // namespace rondo::sim
