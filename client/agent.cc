#include "client/agent.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <utility>

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace rondo::client {
namespace {

// A peer that greets and then breaks the protocol this often in a row is not worth another try.
constexpr int kMaxBrokenSessions = 5;
// Two clients with one certificate would throw each other out for ever.
constexpr int kMaxReplacedSessions = 3;

double Seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

Agent::Agent(Parts parts) : parts_(std::move(parts)), wake_(parts_.executor) {}

void Agent::Stop() {
  stopped_ = true;
  wake_.Notify();
  if (session_ != nullptr) {
    session_->Stop();
  }
}

Task<SessionEnd> Agent::Attempt() {
  const TimePoint deadline = parts_.clock.Now() + parts_.connect_timeout;
  using boost::asio::experimental::awaitable_operators::operator||;
  auto connected = co_await (parts_.connect(deadline) || wake_.Wait(TimePoint::max()));
  if (connected.index() == 1) {
    co_return SessionEnd{.kind = SessionEnd::Kind::kStopped};
  }
  Result<std::shared_ptr<Channel>>& channel = std::get<0>(connected);
  if (!channel) {
    const bool hopeless = channel.error().code == ErrorCode::kUnauthenticated;
    co_return SessionEnd{.kind = hopeless ? SessionEnd::Kind::kRefused : SessionEnd::Kind::kLost,
                         .error = std::move(channel).error()};
  }
  if (stopped_) {
    (*channel)->Close();
    co_return SessionEnd{.kind = SessionEnd::Kind::kStopped};
  }
  const Session::Parts session_parts{.channel = **channel,
                                     .work = parts_.work,
                                     .state = parts_.state,
                                     .papers = parts_.papers,
                                     .catalogue = parts_.catalogue,
                                     .limits = parts_.limits,
                                     .clock = parts_.clock,
                                     .executor = parts_.executor,
                                     .workers = parts_.workers};
  Session session(session_parts);
  session_ = &session;
  SessionEnd end = co_await session.Run();
  session_ = nullptr;
  co_return end;
}

std::optional<Status> Agent::Outcome(const SessionEnd& end) {
  if (end.kind == SessionEnd::Kind::kFinished) {
    spdlog::info("the federation is finished; the final model is {}",
                 parts_.state.model_path().string());
    return Ok();
  }
  if (end.kind == SessionEnd::Kind::kRefused) {
    return Fail(end.error);
  }
  broken_ = end.error.code == ErrorCode::kCorrupt ? broken_ + 1 : 0;
  replaced_ = end.error.code == ErrorCode::kFailedPrecondition ? replaced_ + 1 : 0;
  if (broken_ >= kMaxBrokenSessions || replaced_ >= kMaxReplacedSessions) {
    return Fail(end.error);
  }
  if (end.greeted) {
    alone_since_ = parts_.clock.Now();
    if (broken_ == 0) {
      parts_.backoff.Reset();
    }
  }
  return std::nullopt;
}

Result<TimePoint> Agent::NextTry(const Error& why) {
  const Duration wait = parts_.backoff.Next();
  const TimePoint again = parts_.clock.Now() + wait;
  if (parts_.retry_for > Duration::zero() && again > alone_since_ + parts_.retry_for) {
    return Fail(why.code,
                fmt::format("gave up after {:.0f} s without the coordinator: {}",
                            Seconds(parts_.retry_for),
                            why.message));
  }
  spdlog::warn("{}; trying again in {:.1f} s", why.message, Seconds(wait));
  return again;
}

Task<Status> Agent::Run() {
  alone_since_ = parts_.clock.Now();
  while (!stopped_) {
    const SessionEnd end = co_await Attempt();
    if (stopped_ || end.kind == SessionEnd::Kind::kStopped) {
      break;
    }
    if (const std::optional<Status> outcome = Outcome(end)) {
      co_return *outcome;
    }
    RONDO_CO_TRY(const TimePoint again, NextTry(end.error));
    co_await wake_.Wait(again);
  }
  co_return Fail(ErrorCode::kCancelled, "stopped by its owner");
}

}  // namespace rondo::client
