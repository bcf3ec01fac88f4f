#include "client/session.h"

#include <fmt/format.h>
#include <functional>
#include <spdlog/spdlog.h>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/core/version.h"

namespace rondo::client {
namespace {

constexpr auto kGreetingTimeout = std::chrono::seconds(30);
constexpr auto kSendTimeout = std::chrono::minutes(10);
constexpr auto kGoodbyeTimeout = std::chrono::seconds(5);
constexpr int kSilentHeartbeats = 3;

/// Runs `job` on the executor it is spawned on. `job` outlives the task.
Task<void> Execute(const std::function<void()>& job) {
  job();
  co_return;
}

std::string Differs(const char* what,
                    const std::string& theirs,
                    const std::string& ours,
                    const char* fix) {
  return fmt::format(
      "the coordinator's {} is {:.12}, this client's is {:.12}; {}", what, theirs, ours, fix);
}

}  // namespace

Session::Session(const Parts& parts)
    : parts_(parts),
      shelf_(parts.state, parts.catalogue),
      outgoing_(parts.executor),
      incoming_(parts.executor),
      heartbeat_(kGreetingTimeout) {}

Task<SessionEnd> Session::Run() {
  using boost::asio::experimental::awaitable_operators::operator&&;
  const Status greeting = co_await Greet();
  if (!greeting && !end_ && greeting.error().code == ErrorCode::kUnauthenticated) {
    // In TLS 1.3 a client hears only after its handshake that its certificate was refused.
    End(SessionEnd::Kind::kRefused, greeting.error());
  } else if (!greeting && !end_) {
    Lose(greeting.error().code, "no greeting from the coordinator: " + greeting.error().message);
  }
  if (!end_) {
    co_await (Read() && Write() && Work());
  }
  parts_.channel.Close();
  SessionEnd end = std::move(*end_);
  Status kept = shelf_.Store();
  if (kept) {
    kept = parts_.state.Flush();
  }
  if (!kept) {
    end = {.kind = SessionEnd::Kind::kRefused, .error = std::move(kept).error()};
  }
  end.greeted = greeted_;
  co_return end;
}

void Session::Stop() {
  Enqueue(wire::Goodbye{.reason = "stopped by its owner"});
  End(SessionEnd::Kind::kStopped, {ErrorCode::kCancelled, "stopped"});
  if (!greeted_) {
    parts_.channel.Close();  // Nobody to say goodbye to yet.
  }
}

// -- greeting

Task<Status> Session::Greet() {
  const TimePoint deadline = parts_.clock.Now() + kGreetingTimeout;
  Bytes hello = wire::Encode(wire::Hello{.software_version = Version(),
                                         .catalogue_sha256 = parts_.catalogue.sha256(),
                                         .model_sha256 = shelf_.StoredSha256()});
  RONDO_CO_TRY_STATUS(co_await parts_.channel.Send(std::move(hello), deadline));
  RONDO_CO_TRY(const Bytes frame, co_await parts_.channel.Receive(deadline));
  RONDO_CO_TRY(const wire::Message message, wire::Decode(frame));
  if (const auto* reject = std::get_if<wire::Reject>(&message)) {
    const bool retry = reject->code == ErrorCode::kUnavailable;
    End(retry ? SessionEnd::Kind::kLost : SessionEnd::Kind::kRefused,
        {reject->code, "the coordinator refused: " + reject->message});
    co_return Ok();
  }
  const auto* welcome = std::get_if<wire::Welcome>(&message);
  if (welcome == nullptr) {
    co_return Fail(ErrorCode::kCorrupt,
                   fmt::format("expected welcome, got {}", wire::MessageName(message)));
  }
  if (const Status admitted = Admit(*welcome); !admitted) {
    End(SessionEnd::Kind::kRefused, admitted.error());
  }
  co_return Ok();
}

Status Session::Admit(const wire::Welcome& welcome) {
  const Catalogue& catalogue = parts_.catalogue;
  if (welcome.catalogue_sha256 != catalogue.sha256() || welcome.items != catalogue.items()) {
    return Fail(ErrorCode::kFailedPrecondition,
                Differs("catalogue",
                        welcome.catalogue_sha256,
                        catalogue.sha256(),
                        "get the operator's catalogue.tsv and name it in data.catalogue"));
  }
  RONDO_TRY_STATUS(CheckTrust(welcome.trust_mode));
  RONDO_TRY(auto features, MakeItemFeatures(catalogue, welcome.model.features));
  RONDO_TRY(auto layout, ModelLayout(welcome.model, welcome.items, features->values()));
  if (layout->digest() != welcome.layout_digest) {
    return Fail(ErrorCode::kFailedPrecondition,
                Differs("layout digest",
                        welcome.layout_digest,
                        layout->digest(),
                        "install the same release as the coordinator"));
  }
  parts_.work.Configure(welcome.model, welcome.items, std::move(features));
  RONDO_TRY_STATUS(parts_.state.Join(welcome.run_id, layout));
  RONDO_TRY_STATUS(shelf_.Open(welcome.model, std::move(layout)));
  trust_ = {.client = parts_.papers.id(), .run_id = welcome.run_id, .mode = welcome.trust_mode};
  heartbeat_ =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(welcome.heartbeat_s));
  greeted_ = true;
  spdlog::info("joined '{}' as {}: {} rounds, trust mode {} ({})",
               welcome.name,
               parts_.work.id(),
               welcome.rounds,
               welcome.trust_mode,
               TrustText(welcome.trust_mode));
  return Ok();
}

// -- the three coroutines

Task<void> Session::Read() {
  while (!end_) {
    const TimePoint deadline = parts_.clock.Now() + kSilentHeartbeats * heartbeat_;
    Result<Bytes> frame = co_await parts_.channel.Receive(deadline);
    if (end_) {
      break;
    }
    if (!frame) {
      Lose(frame.error().code, "lost the coordinator: " + frame.error().message);
      break;
    }
    Result<wire::Message> message = wire::Decode(*frame);
    if (!message) {
      Lose(ErrorCode::kCorrupt, "broken message from the coordinator: " + message.error().message);
      break;
    }
    Handle(std::move(*message));
  }
}

Task<void> Session::Write() {
  for (;;) {
    if (outbox_.empty() && end_) {
      break;
    }
    if (outbox_.empty()) {
      const TimePoint silence_ends = parts_.clock.Now() + heartbeat_;
      co_await outgoing_.Wait(silence_ends);
      if (outbox_.empty() && !end_ && parts_.clock.Now() >= silence_ends) {
        Enqueue(wire::Heartbeat{});
      }
      continue;
    }
    Bytes frame = std::move(outbox_.front());
    outbox_.pop_front();
    const auto timeout =
        end_ ? std::chrono::seconds(kGoodbyeTimeout) : std::chrono::seconds(kSendTimeout);
    const TimePoint deadline = parts_.clock.Now() + timeout;
    const Status sent = co_await parts_.channel.Send(std::move(frame), deadline);
    if (!sent) {
      outbox_.clear();
      Lose(sent.error().code, "lost the coordinator: " + sent.error().message);
    }
  }
  parts_.channel.Close();  // Wakes the reader.
}

Task<void> Session::Work() {
  while (!end_) {
    if (!next_) {
      co_await incoming_.Wait(TimePoint::max());
      continue;
    }
    const Offer offer = std::move(*next_);
    next_.reset();
    stop_ = std::stop_source();
    working_on_ = offer.round;
    const std::shared_ptr<const Broadcast> model = std::move(next_model_);
    Result<ClientVectors> own = parts_.state.Vectors(model->model.layout);
    if (!own) {
      End(SessionEnd::Kind::kRefused, own.error());
      break;
    }
    const JobInput input{.offer = offer,
                         .model = model,
                         .own = std::move(*own),
                         .record = parts_.state.record(),
                         .limits = parts_.limits,
                         .trust = TrustNow()};
    JobResult result;
    const std::function<void()> job = [this, &input, &result, stop = stop_.get_token()] {
      result = RunJob(parts_.work, input, stop);
    };
    co_await boost::asio::co_spawn(parts_.workers, Execute(job), boost::asio::use_awaitable);
    working_on_.reset();
    if (!end_) {
      Settle(offer, std::move(result));
    }
  }
}

void Session::Settle(const Offer& offer, JobResult result) {
  if (result.cancelled || stop_.stop_requested()) {
    spdlog::info("round {}: {}", offer.round, result.note);
    return;
  }
  if (result.sum) {
    StartMasked(offer, std::move(result));
    return;
  }
  if (result.frames.empty()) {
    spdlog::warn("round {}: declined, {}", offer.round, result.note);
    DeclineOffer(offer, result.refusal);
    return;
  }
  spdlog::info("round {}: {}", offer.round, result.note);
  if (offer.kind == OfferKind::kTrain) {
    const Status begun = parts_.state.BeginPending(offer.round, std::move(result.next));
    if (!begun) {
      End(SessionEnd::Kind::kRefused, begun.error());
      return;
    }
  }
  const Status noted = NoteSent(offer, result.contribution_sha256, result.bytes);
  if (!noted) {
    End(SessionEnd::Kind::kRefused, noted.error());
    return;
  }
  for (Bytes& frame : result.frames) {
    outbox_.push_back(std::move(frame));
  }
  outgoing_.Notify();
}

// -- messages

void Session::Handle(wire::Message message) {
  if (auto* chunk = std::get_if<wire::ModelChunk>(&message)) {
    OnChunk(*chunk);
  } else if (auto* offer = std::get_if<Offer>(&message)) {
    OnOffer(std::move(*offer));
  } else if (const auto* step = std::get_if<wire::Aggregation>(&message)) {
    OnAggregation(*step);
  } else if (auto* result = std::get_if<RoundResult>(&message)) {
    OnResult(*result);
  } else if (auto* finish = std::get_if<wire::Finish>(&message)) {
    OnFinish(*finish);
  } else if (auto* goodbye = std::get_if<wire::Goodbye>(&message)) {
    OnGoodbye(*goodbye);
  } else if (auto* roster = std::get_if<wire::MemberRoster>(&message)) {
    OnRoster(*roster);
  } else if (!std::holds_alternative<wire::Heartbeat>(message)) {
    Lose(ErrorCode::kCorrupt,
         fmt::format("the coordinator sent {} in the middle of a session",
                     wire::MessageName(message)));
  }
}

void Session::OnChunk(const wire::ModelChunk& chunk) {
  if (const Status added = shelf_.Add(chunk); !added) {
    Lose(added.error().code, added.error().message);
    return;
  }
  if (const Status stored = shelf_.StoreIfDue(parts_.clock.Now()); !stored) {
    End(SessionEnd::Kind::kRefused, stored.error());
  }
}

void Session::OnOffer(Offer offer) {
  if (working_on_) {
    stop_.request_stop();  // A newer task means that the old one is no longer wanted.
  }
  auto model = shelf_.Find(offer.model_sha256);
  if (!model) {
    spdlog::warn(
        "round {}: declined, its model {:.12} did not arrive", offer.round, offer.model_sha256);
    Enqueue(wire::Decline{.round = offer.round,
                          .kind = offer.kind,
                          .reason = "the model of this round did not arrive"});
    return;
  }
  if (trust_.masked() && !IsTermsOf(offer)) {
    spdlog::warn("round {}: declined, nothing was said about its secure aggregation", offer.round);
    DeclineOffer(offer, "the offer came without the terms of secure aggregation");
    return;
  }
  if (offer.kind == OfferKind::kTrain) {
    if (const Status discarded = parts_.state.DiscardPending(); !discarded) {
      End(SessionEnd::Kind::kRefused, discarded.error());
      return;
    }
  }
  next_ = std::move(offer);
  next_model_ = std::move(model);
  incoming_.Notify();
}

void Session::OnResult(const RoundResult& result) {
  if (working_on_ && *working_on_ <= result.round) {
    stop_.request_stop();
  }
  if (next_ && next_->round <= result.round) {
    next_.reset();
  }
  if (masked_ && masked_->offer().kind == OfferKind::kTrain
      && masked_->offer().round <= result.round) {
    masked_.reset();
  }
  const bool included = result.included && !result.is_void;
  spdlog::info("round {}: {}",
               result.round,
               result.is_void ? "void, nothing changes"
                              : (included ? "this client's update is part of the model"
                                          : "ended without this client's update"));
  if (const Status resolved = parts_.state.Resolve(result.round, included); !resolved) {
    End(SessionEnd::Kind::kRefused, resolved.error());
  }
}

void Session::OnFinish(const wire::Finish& finish) {
  if (!shelf_.Find(finish.model_sha256)) {
    Lose(ErrorCode::kCorrupt, "the coordinator finished without its final model");
    return;
  }
  Status stored = shelf_.Store();
  if (stored) {
    stored = parts_.state.Finish();
  }
  if (!stored) {
    End(SessionEnd::Kind::kRefused, stored.error());
    return;
  }
  Enqueue(wire::Goodbye{.reason = "final model stored", .model_stored = true});
  End(SessionEnd::Kind::kFinished, {});
}

void Session::OnGoodbye(const wire::Goodbye& goodbye) {
  const std::string why = "the coordinator ended the session: " + goodbye.reason;
  if (goodbye.replaced) {
    Lose(ErrorCode::kFailedPrecondition,
         why + "; one certificate serves one client, so stop the other one");
  } else {
    Lose(ErrorCode::kUnavailable, why);
  }
}

// -- endings

void Session::Enqueue(const wire::Message& message) {
  outbox_.push_back(wire::Encode(message));
  outgoing_.Notify();
}

void Session::Lose(ErrorCode code, std::string message) {
  End(SessionEnd::Kind::kLost, {code, std::move(message)});
}

void Session::End(SessionEnd::Kind kind, Error error) {
  if (end_) {
    return;
  }
  end_ = SessionEnd{.kind = kind, .error = std::move(error)};
  if (kind == SessionEnd::Kind::kLost || kind == SessionEnd::Kind::kRefused) {
    outbox_.clear();
  }
  stop_.request_stop();
  outgoing_.Notify();
  incoming_.Notify();
}

}  // namespace rondo::client
