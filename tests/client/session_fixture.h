#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include "client/session.h"
#include "common/crypto/sha256.h"
#include "common/federated/parameters.h"
#include "common/io/safetensors.h"
#include "common/transport/loopback_channel.h"
#include "common/wire/chunks.h"
#include "common/wire/messages.h"
#include "tests/client/fakes.h"
#include "tests/support/papers.h"
#include "tests/support/run_task.h"
#include "tests/support/temporary_folder.h"

namespace rondo::client::testing {

using rondo::testing::Soon;

/// The next message that is no heartbeat. A closed channel gives a Goodbye with the reason
/// "closed".
inline Task<wire::Message> Next(Channel& channel) {
  for (;;) {
    const Result<Bytes> frame = co_await channel.Receive(Soon());
    if (!frame) {
      co_return wire::Goodbye{.reason = "closed"};
    }
    Result<wire::Message> message = wire::Decode(*frame);
    EXPECT_TRUE(message.has_value());
    if (!std::holds_alternative<wire::Heartbeat>(*message)) {
      co_return std::move(*message);
    }
  }
}

inline Task<void> Say(Channel& channel, wire::Message message) {
  Bytes frame = wire::Encode(message);
  // The client may be gone already.
  const Status ignored = co_await channel.Send(std::move(frame), Soon());
}

/// One client on a channel in memory; the test plays the coordinator.
class SessionFixture : public ::testing::Test {
 protected:
  using Script = std::function<Task<void>(Channel&)>;

  static ModelConfig SmallModel() {
    return {.width = 4, .blocks = 1, .heads = 1, .history = 5, .dropout = 0.0};
  }

  static void Unchanged(wire::Welcome& /*welcome*/) {}

  wire::Welcome Welcome() const {
    return {.run_id = run_id_,
            .name = "test",
            .model = model_,
            .catalogue_sha256 = catalogue_->sha256(),
            .items = catalogue_->items(),
            .layout_digest = layout_->digest(),
            .heartbeat_s = 60.0,
            .rounds = 3};
  }

  /// Another model than SmallModel.
  void UseModel(ModelConfig model) {
    model_ = std::move(model);
    layout_ = ModelLayout(model_, catalogue_->items()).value();
  }

  Bytes ModelFile(std::uint64_t seed) const {
    return EncodeParameters(InitialParameters(layout_, seed)).value();
  }

  Offer TrainOffer(RoundId round, const Bytes& model) const {
    Offer offer{.kind = OfferKind::kTrain, .round = round, .model_sha256 = Sha256Hex(model)};
    offer.train.round = round;
    return offer;
  }

  Offer EvaluateOffer(RoundId round, const Bytes& model) const {
    Offer offer{.kind = OfferKind::kEvaluate, .round = round, .model_sha256 = Sha256Hex(model)};
    offer.evaluate = {.round = round, .protocols = {"full"}, .k = {5}};
    return offer;
  }

  Task<void> Greet(Channel& channel) { co_await GreetWith(channel, Unchanged); }

  /// As Greet, with a changed Welcome.
  template <typename Change>
  Task<void> GreetWith(Channel& channel, Change change) {
    hello_ = co_await Next(channel);
    wire::Welcome welcome = Welcome();
    change(welcome);
    wire::Message message = std::move(welcome);
    co_await Say(channel, std::move(message));
  }

  /// Greets and sends the model that the next offers name.
  Task<void> Open(Channel& channel, Bytes model) {
    co_await Greet(channel);
    co_await SendModel(channel, std::move(model));
  }

  Task<void> SendModel(Channel& channel, Bytes file) {
    for (Bytes& frame : wire::ModelFrames(file, Sha256Hex(file))) {
      const Status ignored = co_await channel.Send(std::move(frame), Soon());
    }
  }

  Task<void> Ask(Channel& channel, Offer offer) {
    wire::Message message = std::move(offer);
    co_await Say(channel, std::move(message));
  }

  /// Offers work and takes the whole contribution to it.
  Task<wire::Contribution> Work(Channel& channel, Offer offer) {
    co_await Ask(channel, std::move(offer));
    wire::Contribution contribution = co_await ReceiveContribution(channel);
    co_return contribution;
  }

  Task<void> Announce(Channel& channel, RoundResult result) {
    wire::Message message = std::move(result);
    co_await Say(channel, std::move(message));
  }

  /// Names the final model and takes the client's answer.
  Task<wire::Message> Finish(Channel& channel, Bytes model) {
    wire::Message finish = wire::Finish{.model_sha256 = Sha256Hex(model)};
    co_await Say(channel, std::move(finish));
    wire::Message answer = co_await Next(channel);
    co_return answer;
  }

  /// Collects a whole contribution; anything else fails the test.
  Task<wire::Contribution> ReceiveContribution(Channel& channel) {
    wire::ChunkAssembler assembler(1 << 20);
    for (;;) {
      const wire::Message message = co_await Next(channel);
      const auto* chunk = std::get_if<wire::ContributionChunk>(&message);
      EXPECT_NE(chunk, nullptr) << wire::MessageName(message);
      if (chunk == nullptr) {
        co_return wire::Contribution{};
      }
      if (assembler.Add(chunk->total, chunk->offset, AsBytes(chunk->bytes)).value()) {
        co_return wire::DecodeContribution(assembler.Take(), 1 << 20).value();
      }
    }
  }

  /// Runs a session against the script until both are done.
  SessionEnd Serve(const Script& script) {
    const LoopbackPair pair = MakeLoopback(io_.get_executor(), "hospital");
    Session session({.channel = *pair.client_end,
                     .work = work_,
                     .state = state_,
                     .papers = papers_,
                     .catalogue = *catalogue_,
                     .limits = limits_,
                     .clock = clock_,
                     .executor = io_.get_executor(),
                     .workers = workers_.get_executor()});
    session_ = &session;
    auto end = rondo::testing::Start(io_, session.Run());
    auto played = rondo::testing::Start(io_, Play(script, *pair.server_end));
    rondo::testing::Wait(io_, played);
    SessionEnd result = rondo::testing::Wait(io_, end);
    session_ = nullptr;
    return result;
  }

  /// A session of one offer; the client's answer to it. The connection breaks after that.
  wire::Message AnswerTo(const Offer& offer, const Bytes& model) {
    wire::Message answer;
    Serve([&](Channel& channel) -> Task<void> {
      co_await Open(channel, model);
      co_await Ask(channel, offer);
      answer = co_await Next(channel);
      channel.Close();
    });
    return answer;
  }

  /// The same, where the answer is a contribution.
  std::pair<SessionEnd, wire::Contribution> ContributionTo(const Offer& offer, const Bytes& model) {
    wire::Contribution contribution;
    SessionEnd end = Serve([&](Channel& channel) -> Task<void> {
      co_await Open(channel, model);
      contribution = co_await Work(channel, offer);
      channel.Close();
    });
    return {std::move(end), std::move(contribution)};
  }

  static Task<bool> Play(const Script& script, Channel& channel) {
    co_await script(channel);
    co_return true;
  }

  boost::asio::io_context io_{1};
  boost::asio::thread_pool workers_{1};
  SystemClock clock_;
  rondo::testing::TemporaryFolder folder_;
  std::string run_id_ = "run";
  ModelConfig model_ = SmallModel();
  std::shared_ptr<const Catalogue> catalogue_ = SmallCatalogue();
  std::shared_ptr<const ParameterLayout> layout_ =
      ModelLayout(SmallModel(), catalogue_->items()).value();
  FakeSource source_{SmallLog(catalogue_)};
  TrainerScript trainer_;
  ScorerScript scorers_;
  LocalWork work_ = MakeWork(source_, trainer_, &scorers_);
  ClientState state_ = ClientState::Open(folder_ / "state").value();
  Papers papers_ = rondo::testing::NewPapers("hospital", folder_ / "state");
  Limits limits_;
  Session* session_ = nullptr;
  wire::Message hello_;
};

}  // namespace rondo::client::testing
