#include "coordinator/client_session.h"

#include <algorithm>
#include <spdlog/spdlog.h>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "common/transport/asio_types.h"
#include "common/wire/frame.h"

namespace rondo::coordinator {
namespace {

/// Time for a goodbye that a peer may not want to read.
constexpr auto kPartingTimeout = std::chrono::seconds(1);
/// Beyond one whole upload, how much may come that nobody asked for, in bytes; each frame counts as
/// kIgnoredFrame at least.
constexpr std::uint64_t kIgnoredSpare = 1 << 20;
constexpr std::size_t kIgnoredFrame = 64;

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
  if (self->visiting_) {
    co_await self->SeeOff();
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
  ReceiveRules rules = options_.rules;
  rules.largest = wire::FrameCap(static_cast<std::uint8_t>(wire::FrameType::kHello));
  channel_->SetRules(rules);
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
  visiting_ = sent.has_value() && hello->only_looks;
  if (!visiting_) {
    channel_->SetRules(options_.rules);
  }
  co_return sent;
}

Task<void> ClientSession::SeeOff() {
  const TimePoint deadline = Now() + options_.hello_timeout;
  // Whatever comes, a visit is over; to wait for it lets the peer read Welcome first.
  const auto ignored = co_await channel_->Receive(deadline);
  End(Error{ErrorCode::kUnavailable, "the client only looked"});
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
  Release();
  assignment_ = Assignment{.round = offer.round, .kind = offer.kind};
  ignored_bytes_ = 0;
  Queue(offer);
}

void ClientSession::Release() {
  assignment_.reset();
  upload_.Reset();
  share_ = {};
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
    Bytes bytes = std::move(*frame);
    const Status handled = co_await HandleFrame(std::move(bytes));
    if (!handled) {
      End(handled.error());
    }
  }
}

Task<Status> ClientSession::HandleFrame(Bytes frame) {
  RONDO_CO_TRY_STATUS(owner_.Check(*channel_));
  RONDO_CO_TRY(wire::Message message, wire::Decode(frame));
  const auto* chunk = std::get_if<wire::ContributionChunk>(&message);
  const bool begins = chunk != nullptr && chunk->offset == 0 && Expects(chunk->round, chunk->kind)
                      && chunk->total <= options_.contribution_cap;
  if (begins) {
    upload_.Reset();
    share_ = {};
    const std::uint64_t total = chunk->total;
    ByteBudget::Share share = co_await owner_.uploads().Take(total);
    if (ended_) {
      co_return Ok();
    }
    share_ = std::move(share);
  }
  const Status handled = Handle(std::move(message));
  co_return handled;
}

Status ClientSession::Handle(wire::Message message) {
  if (std::holds_alternative<wire::Heartbeat>(message)) {
    return HandleHeartbeat();
  }
  if (const auto* chunk = std::get_if<wire::ContributionChunk>(&message)) {
    return HandleChunk(*chunk);
  }
  if (auto* step = std::get_if<wire::Aggregation>(&message)) {
    if (!assignment_ || assignment_->round != step->round) {
      return Ignore("a step of an aggregation", step->payload.size());
    }
    owner_.OnAggregation(*this, step->round, std::move(step->payload));
    return Ok();
  }
  if (const auto* decline = std::get_if<wire::Decline>(&message)) {
    if (!Expects(decline->round, decline->kind)) {
      return Ignore("a decline", decline->reason.size());
    }
    Release();
    owner_.OnDecline(*this, decline->round, decline->reason);
    return Ok();
  }
  if (const auto* goodbye = std::get_if<wire::Goodbye>(&message)) {
    owner_.OnGoodbye(*this, *goodbye);
    return Fail(ErrorCode::kUnavailable, "the client left: " + goodbye->reason);
  }
  return Fail(ErrorCode::kCorrupt,
              std::string("a client must not send '") + wire::MessageName(message) + "'");
}

bool ClientSession::Expects(RoundId round, OfferKind kind) const {
  return assignment_ && assignment_->round == round && assignment_->kind == kind;
}

/// An answer to an offer that was withdrawn meanwhile is no fault of the client, but there is at
/// most one of them.
Status ClientSession::Ignore(const char* what, std::size_t bytes) {
  if (ignored_++ == 0) {  // Once a session: whoever sends them at will must not fill the log.
    spdlog::info("client {}: {} that no offer asks for is ignored", client(), what);
  }
  ignored_bytes_ += std::max(bytes, kIgnoredFrame);
  if (ignored_bytes_ > options_.contribution_cap + kIgnoredSpare) {
    return Fail(
        ErrorCode::kCorrupt,
        "more than one upload came that no offer asks for, the last of it " + std::string(what));
  }
  return Ok();
}

Status ClientSession::HandleHeartbeat() {
  const TimePoint now = Now();
  const bool early = now - std::exchange(last_heartbeat_, now) < heartbeat_ / 4;
  return early ? Ignore("a heartbeat", 0) : Ok();
}

Status ClientSession::HandleChunk(const wire::ContributionChunk& chunk) {
  if (!Expects(chunk.round, chunk.kind)) {
    return Ignore("a contribution", chunk.bytes.size());
  }
  RONDO_TRY(const bool whole, upload_.Add(chunk.total, chunk.offset, AsBytes(chunk.bytes)));
  if (whole) {
    Bytes payload = upload_.Take();
    Release();
    owner_.OnContribution(*this, chunk.round, std::move(payload));
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
  share_ = {};
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
