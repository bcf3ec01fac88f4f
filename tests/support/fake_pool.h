#pragma once

#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/core/check.h"
#include "common/federated/steps_block.h"
#include "common/federated/unclipped_block.h"
#include "common/metrics/metrics_block.h"
#include "coordinator/clear_session.h"
#include "coordinator/client_pool.h"
#include "tests/support/manual_clock.h"

namespace rondo::testing {

/// What a fake client does with an offer.
enum class Fault {
  kNone,
  kDropBeforeOffer,  ///< gone from the list of available clients
  kDropAfterOffer,
  kSilent,
  kWrongLayout,
  kWrongBlock,
  kNotFinite,
  kNotFiniteLoss,
  kTooHeavy,
  kWeightless,
  kDuplicate,
  kStranger,  ///< contributes under a name that was not invited, too
  kOtherRound,
  kOtherKind,
  kGarbage,
  kTwoContributors,
  kBeyondGrid,
};

/// A pool of clients that "train" by a small formula: the delta moves each weight a tenth of the
/// way to a value that depends on client and round. Faults and the order of arrival are scripted.
class FakePool : public coordinator::ClientPool {
 public:
  struct Call {
    std::string what;  ///< "dispatch", "announce", "finish"
    RoundId round = 0;
    std::vector<ClientId> clients;
    bool is_void = false;
    std::vector<ClientId> included = {};  ///< of "settle"
  };

  FakePool(ManualClock& clock, std::vector<ClientId> clients)
      : clock_(clock),
        clients_(std::move(clients)) {}

  std::function<Fault(const ClientId&, const Offer&)> fault = [](const auto&, const auto&) {
    return Fault::kNone;
  };
  std::function<void(std::deque<coordinator::PoolEvent>&)> reorder = [](auto&) {
  };
  std::function<double(RoundId)> ndcg = [](RoundId round) {
    return 0.01 * round;
  };
  /// How long a client takes to answer an offer of training.
  std::function<Duration(const ClientId&, const Offer&)> delay = [](const auto&, const auto&) {
    return Duration::zero();
  };
  std::size_t users_each = 20;
  bool owns = false;   ///< owns_data()
  bool packs = false;  ///< one PackEvent instead of messages
  std::vector<Call> calls;
  std::vector<Broadcast> evaluated;  ///< models that were sent out for evaluation
  std::function<void(RoundId)> on_dispatch = [](RoundId) {
  };

  std::vector<ClientId> Available() const override {
    std::vector<ClientId> available;
    const Offer probe;
    for (const ClientId& client : clients_) {
      if (fault(client, probe) != Fault::kDropBeforeOffer) {
        available.push_back(client);
      }
    }
    return available;
  }

  std::size_t population() const override { return clients_.size(); }

  bool owns_data() const override { return owns; }

  Task<Status> WaitFor(std::size_t count, TimePoint deadline) override {
    if (Available().size() >= count) {
      co_return Ok();
    }
    clock_.AdvanceTo(deadline);
    co_return Fail(ErrorCode::kTimeout, "too few clients");
  }

  void Dispatch(const std::vector<ClientId>& clients,
                const Offer& offer,
                const Broadcast& broadcast) override {
    calls.push_back({"dispatch", offer.round, clients});
    on_dispatch(offer.round);
    if (offer.kind == OfferKind::kEvaluate) {
      evaluated.push_back(broadcast);
    }
    if (packs) {
      Pack(clients, offer, broadcast);
    } else {
      for (const ClientId& client : clients) {
        Answer(client, offer, broadcast);
      }
    }
    reorder(events_);
    Delay(offer);
  }

  void Send(const ClientId&, Bytes) override {}

  Task<Result<coordinator::PoolEvent>> Next(TimePoint deadline) override {
    if (events_.empty() && !later_.empty() && later_.begin()->first <= deadline) {
      clock_.AdvanceTo(later_.begin()->first);
      events_.push_back(std::move(later_.begin()->second));
      later_.erase(later_.begin());
    }
    if (events_.empty()) {
      clock_.AdvanceTo(deadline);
      co_return coordinator::PoolEvent(coordinator::DeadlineEvent());
    }
    coordinator::PoolEvent event = std::move(events_.front());
    events_.pop_front();
    co_return event;
  }

  void Announce(const std::vector<ClientId>& included, const RoundResult& result) override {
    calls.push_back({"announce", result.round, included, result.is_void});
  }

  void Settle(const std::vector<ClientId>& asked,
              const std::vector<ClientId>& included,
              const RoundResult& result) override {
    calls.push_back({"settle", result.round, asked, result.is_void, included});
  }

  Task<Status> Finish(const Broadcast& model, TimePoint, std::stop_token) override {
    calls.push_back({"finish", 0, {}});
    finished = model;
    co_return Ok();
  }

  std::uint64_t bytes_up() const override { return 10 * calls.size(); }

  std::uint64_t bytes_down() const override { return 20 * calls.size(); }

  /// Opens the messages of this pool, as the wire format would.
  coordinator::ContributionDecoder decoder() {
    return [this](const ClientId&,
                  ByteView payload,
                  const coordinator::ContributionSpec&) -> Result<coordinator::Decoded> {
      const auto found = messages_.find(std::string(AsText(payload)));
      if (found == messages_.end()) {
        return Fail(ErrorCode::kCorrupt, "no message");
      }
      return found->second;
    };
  }

  Broadcast finished;

 private:
  using Decoded = coordinator::Decoded;

  static Result<Decoded> Train(const ClientId& client,
                               const Offer& offer,
                               const Broadcast& broadcast) {
    Decoded decoded{.kind = offer.kind, .round = offer.round};
    Rng rng(StreamName{.seed = 5, .round = offer.round, .client = HashId(client)});
    std::vector<float> delta(broadcast.model.values.size());
    for (std::size_t i = 0; i < delta.size(); ++i) {
      delta[i] =
          static_cast<float>(0.1 * (rng.Normal() - static_cast<double>(broadcast.model.values[i])));
    }
    const double norm = ClipToNorm(delta, offer.train.clip_norm);
    decoded.update.weight = ClientWeight(offer.train.weighting, 1 + rng.Below(100));
    decoded.update.contributors = 1;
    decoded.update.blocks.push_back(MakeBlock(
        std::string(kDeltaBlock), broadcast.model.layout, offer.train.grid, Scaling::kByWeight));
    auto folded = FoldDense(decoded.update.blocks[0], delta, decoded.update.weight, &rng);
    RONDO_TRY(decoded.update.saturated, std::move(folded));
    if (offer.train.normalise) {
      RONDO_TRY_STATUS(AddStepsBlock(
          decoded.update, offer.train.grid, 1 + rng.Below(9), decoded.update.weight, &rng));
    }
    if (offer.train.counts_unclipped) {
      const float value = UnclippedValue(norm, offer.train.clip_norm);
      decoded.update.blocks.push_back(MakeBlock(
          std::string(kUnclippedBlock), UnclippedLayout(), offer.train.grid, Scaling::kPerClient));
      const auto bit = FoldDense(decoded.update.blocks.back(), std::span(&value, 1), 1, &rng);
      RONDO_CHECK(bit.has_value()) << "a bit is finite";
    }
    decoded.loss = rng.Uniform();
    return decoded;
  }

  Result<Decoded> Measure(const Offer& offer) const {
    Decoded decoded{.kind = offer.kind, .round = offer.round};
    RONDO_TRY(const auto layout, MetricsLayout(offer.evaluate));
    std::vector<UserMetrics> users(users_each);
    for (UserMetrics& user : users) {
      user.targets = 1;
      user.values.assign(layout->size() - 2, ndcg(offer.round));
    }
    RONDO_TRY(decoded.update, SumMetrics(users, offer.evaluate));
    decoded.loss = std::numeric_limits<double>::quiet_NaN();
    return decoded;
  }

  Result<Decoded> Work(const ClientId& client,
                       const Offer& offer,
                       const Broadcast& broadcast) const {
    return offer.kind == OfferKind::kTrain ? Train(client, offer, broadcast) : Measure(offer);
  }

  void Pack(const std::vector<ClientId>& clients, const Offer& offer, const Broadcast& broadcast) {
    coordinator::PackEvent pack{.round = offer.round};
    for (const ClientId& client : clients) {
      Decoded work = Work(client, offer, broadcast).value();
      if (fault(client, offer) != Fault::kNone) {
        Lose(client, offer.round);
        continue;
      }
      pack.clients.push_back(client);
      pack.loss += work.loss;
      (void)pack.sum.Add(work.update).has_value();
    }
    pack.loss /= static_cast<double>(pack.clients.size());
    events_.emplace_back(std::move(pack));
  }

  void Lose(const ClientId& client, RoundId round) {
    events_.emplace_back(
        coordinator::DropEvent{client, round, Error{ErrorCode::kUnavailable, "connection lost"}});
  }

  void Deliver(const ClientId& client, RoundId round, Decoded decoded) {
    const std::string key = std::to_string(messages_.size());
    messages_.emplace(key, std::move(decoded));
    const ByteView bytes = AsBytes(key);
    events_.emplace_back(
        coordinator::MessageEvent{client, round, Bytes(bytes.begin(), bytes.end())});
  }

  void Answer(const ClientId& client, const Offer& offer, const Broadcast& broadcast);

  /// Puts off the messages of slow clients.
  void Delay(const Offer& offer) {
    std::deque<coordinator::PoolEvent> at_once;
    for (coordinator::PoolEvent& event : std::exchange(events_, {})) {
      const auto* message = std::get_if<coordinator::MessageEvent>(&event);
      const bool trains = offer.kind == OfferKind::kTrain && message != nullptr;
      const Duration wait = trains ? delay(message->client, offer) : Duration::zero();
      if (wait > Duration::zero()) {
        later_.emplace(clock_.Now() + wait, std::move(event));
      } else {
        at_once.push_back(std::move(event));
      }
    }
    events_ = std::move(at_once);
  }

  ManualClock& clock_;
  std::vector<ClientId> clients_;
  std::deque<coordinator::PoolEvent> events_;
  std::multimap<TimePoint, coordinator::PoolEvent> later_;
  std::map<std::string, Result<Decoded>> messages_;
};

inline void FakePool::Answer(const ClientId& client,
                             const Offer& offer,
                             const Broadcast& broadcast) {
  Decoded work = Work(client, offer, broadcast).value();
  GridBlock& block = work.update.blocks[0];
  switch (fault(client, offer)) {
    case Fault::kDropBeforeOffer:
    case Fault::kDropAfterOffer:
      return Lose(client, offer.round);
    case Fault::kSilent:
      return;
    case Fault::kWrongLayout:
      block.layout =
          ParameterLayout::Create(
              {{.name = "other", .shape = {static_cast<std::int64_t>(block.values.size())}}})
              .value();
      break;
    case Fault::kWrongBlock:
      block.name = "gradient";
      break;
    case Fault::kNotFinite:
      messages_.emplace("nan", Fail(ErrorCode::kDiverged, "the update holds NaN"));
      events_.emplace_back(coordinator::MessageEvent{client, offer.round, {'n', 'a', 'n'}});
      return;
    case Fault::kNotFiniteLoss:
      work.loss = std::numeric_limits<double>::infinity();
      break;
    case Fault::kTooHeavy:
      work.update.weight = 1 << 20;
      break;
    case Fault::kWeightless:
      work.update.weight = 0;
      break;
    case Fault::kDuplicate:
      Deliver(client, offer.round, work);
      break;
    case Fault::kStranger:
      Deliver("stranger", offer.round, work);
      break;
    case Fault::kOtherRound:
      ++work.round;
      break;
    case Fault::kOtherKind:
      work.kind = OfferKind::kEvaluate;
      break;
    case Fault::kGarbage:
      events_.emplace_back(coordinator::MessageEvent{client, offer.round, {0xFF, 0x00}});
      return;
    case Fault::kTwoContributors:
      work.update.contributors = 2;
      break;
    case Fault::kBeyondGrid:
      block.values[1] = std::int64_t{1} << 62;
      break;
    case Fault::kNone:
      break;
  }
  Deliver(client, offer.round, std::move(work));
}

}  // namespace rondo::testing
