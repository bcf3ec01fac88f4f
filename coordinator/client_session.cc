#include "coordinator/client_session.h"

#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>

#include "common/transport/asio_types.h"

namespace rondo::coordinator {
namespace {

/// Time for a goodbye that a peer may not want to read.
constexpr auto kPartingTimeout = std::chrono::seconds(1);

TimePoint Now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

ClientSession::ClientSession(boost::asio::any_io_executor executor,
                             std::shared_ptr<Channel> channel,
                             SessionOwner& owner,
                             const Options& options)
    : executor_(std::move(executor)),
      channel_(std::move(channel)),
      owner_(owner),
      options_(options),
      wake_writer_(executor_),
      parting_(executor_),
      upload_(options.contribution_cap) {}

Task<void> ClientSession::Run(std::shared_ptr<ClientSession> self) {
  const Status greeted = co_await self->Greet();
  if (!greeted) {
    self->End(greeted.error());
    co_return;
  }
  auto on_writer_end = [self](std::exception_ptr fault) {
    if (fault) {
      self->End(Error{ErrorCode::kInternal, "the writer of a session failed"});
    }
  };
  self->writing_ = true;
  boost::asio::co_spawn(self->executor_, self->Write(self), std::move(on_writer_end));
  self->owner_.OnReady(self);
  co_await self->Read();
}

Task<Status> ClientSession::Greet() {
  const TimePoint deadline = Now() + options_.hello_timeout;
  RONDO_CO_TRY(const Bytes frame, co_await channel_->Receive(deadline));
  RONDO_CO_TRY(const wire::Message message, wire::Decode(frame));
  const auto* hello = std::get_if<wire::Hello>(&message);
  if (hello == nullptr) {
    co_return Fail(
        ErrorCode::kCorrupt,
        std::string("the first message is '") + wire::MessageName(message) + "', expected 'hello'");
  }
  auto welcome = Welcome(*hello);
  if (!welcome) {
    const Error error = welcome.error();
    Bytes reject = wire::Encode(wire::Reject{.code = error.code, .message = error.message});
    // Whether it arrives or not, this session is over.
    const Status ignored = co_await channel_->Send(std::move(reject), deadline);
    co_return Fail(error);
  }
  heartbeat_ = std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(welcome.value().heartbeat_s));
  held_model_ = hello->model_sha256;
  Bytes answer = wire::Encode(std::move(welcome).value());
  const Status sent = co_await channel_->Send(std::move(answer), deadline);
  co_return sent;
}

Result<wire::Welcome> ClientSession::Welcome(const wire::Hello& hello) {
  RONDO_TRY_STATUS(owner_.Check(*channel_));
  return owner_.Admit(client(), hello);
}

void ClientSession::Push(Waiting frame) {
  outgoing_.push_back(std::move(frame));
  wake_writer_.cancel();
}

void ClientSession::Queue(const wire::Message& message) {
  Push({.frame = std::make_shared<const Bytes>(wire::Encode(message))});
}

void ClientSession::QueueModel(const EncodedModel& model) {
  if (held_model_ == model.sha256) {
    return;
  }
  std::erase_if(outgoing_, [](const Waiting& waiting) { return waiting.of_model; });
  for (const auto& frame : model.frames) {
    Push({.frame = frame, .of_model = true});
  }
  held_model_ = model.sha256;
}

void ClientSession::Assign(const Offer& offer) {
  assignment_ = Assignment{.round = offer.round, .kind = offer.kind};
  upload_.Reset();
  Queue(offer);
}

Task<void> ClientSession::Write(std::shared_ptr<ClientSession>) {
  while (!ended_ || !outgoing_.empty()) {
    if (outgoing_.empty()) {
      wake_writer_.expires_after(heartbeat_);
      const auto [woken] = co_await wake_writer_.async_wait(kAwait);
      if (!woken && outgoing_.empty() && !ended_) {
        Queue(wire::Heartbeat{});
      }
      continue;
    }
    Bytes frame = *outgoing_.front().frame;
    outgoing_.pop_front();
    const TimePoint deadline = Now() + options_.send_timeout;
    const Status sent = co_await channel_->Send(std::move(frame), deadline);
    if (!sent) {
      End(sent.error());
      outgoing_.clear();
    }
  }
  channel_->Close();
  parting_.cancel();
}

Task<void> ClientSession::Read() {
  while (!ended_) {
    const TimePoint deadline = Now() + 3 * heartbeat_;
    auto frame = co_await channel_->Receive(deadline);
    if (ended_) {
      co_return;
    }
    if (!frame) {
      End(frame.error());
      co_return;
    }
    const Status handled = HandleFrame(*frame);
    if (!handled) {
      End(handled.error());
    }
  }
}

Status ClientSession::HandleFrame(ByteView frame) {
  RONDO_TRY_STATUS(owner_.Check(*channel_));
  RONDO_TRY(wire::Message message, wire::Decode(frame));
  return Handle(std::move(message));
}

Status ClientSession::Handle(wire::Message message) {
  if (std::holds_alternative<wire::Heartbeat>(message)) {
    return Ok();
  }
  if (const auto* chunk = std::get_if<wire::ContributionChunk>(&message)) {
    return HandleChunk(*chunk);
  }
  if (auto* step = std::get_if<wire::Aggregation>(&message)) {
    if (assignment_ && assignment_->round == step->round) {
      owner_.OnAggregation(*this, step->round, std::move(step->payload));
    }
    return Ok();
  }
  if (const auto* decline = std::get_if<wire::Decline>(&message)) {
    const bool expected =
        assignment_ && assignment_->round == decline->round && assignment_->kind == decline->kind;
    if (expected) {
      assignment_.reset();
      owner_.OnDecline(*this, decline->round, decline->reason);
    }
    return Ok();
  }
  if (const auto* goodbye = std::get_if<wire::Goodbye>(&message)) {
    owner_.OnGoodbye(*this, *goodbye);
    return Fail(ErrorCode::kUnavailable, "the client left: " + goodbye->reason);
  }
  return Fail(ErrorCode::kCorrupt,
              std::string("a client must not send '") + wire::MessageName(message) + "'");
}

Status ClientSession::HandleChunk(const wire::ContributionChunk& chunk) {
  // An answer to an offer that was withdrawn meanwhile is no fault of the client.
  const bool expected =
      assignment_ && assignment_->round == chunk.round && assignment_->kind == chunk.kind;
  if (!expected) {
    return Ok();
  }
  RONDO_TRY(const bool whole, upload_.Add(chunk.total, chunk.offset, AsBytes(chunk.bytes)));
  if (whole) {
    assignment_.reset();
    owner_.OnContribution(*this, chunk.round, upload_.Take());
  }
  return Ok();
}

void ClientSession::GiveWay() {
  const Error why{ErrorCode::kUnavailable, "the client opened a new connection"};
  Part(why, {.reason = "another connection took the place of this one", .replaced = true});
}

void ClientSession::Part(const Error& why, const wire::Goodbye& goodbye) {
  if (ended_) {
    return;
  }
  ended_ = true;
  const auto keep = shared_from_this();
  if (writing_) {
    outgoing_.clear();
    Queue(goodbye);
    parting_.expires_after(kPartingTimeout);
    parting_.async_wait([keep](const boost::system::error_code& cancelled) {
      if (!cancelled) {
        keep->channel_->Close();
      }
    });
  } else {
    channel_->Close();
  }
  owner_.OnEnd(*this, why);
}

}  // namespace rondo::coordinator
