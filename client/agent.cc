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

Task<Status> Agent::Run() {
  TimePoint alone_since = parts_.clock.Now();
  int broken = 0;
  int replaced = 0;
  while (!stopped_) {
    const SessionEnd end = co_await Attempt();
    if (stopped_ || end.kind == SessionEnd::Kind::kStopped) {
      break;
    }
    if (end.kind == SessionEnd::Kind::kFinished) {
      spdlog::info("the federation is finished; the final model is {}",
                   parts_.state.model_path().string());
      co_return Ok();
    }
    if (end.kind == SessionEnd::Kind::kRefused) {
      co_return Fail(end.error);
    }
    broken = end.error.code == ErrorCode::kCorrupt ? broken + 1 : 0;
    replaced = end.error.code == ErrorCode::kFailedPrecondition ? replaced + 1 : 0;
    if (broken >= kMaxBrokenSessions || replaced >= kMaxReplacedSessions) {
      co_return Fail(end.error);
    }
    if (end.greeted) {
      alone_since = parts_.clock.Now();
      if (broken == 0) {
        parts_.backoff.Reset();
      }
    }
    const Duration wait = parts_.backoff.Next();
    const TimePoint again = parts_.clock.Now() + wait;
    if (parts_.retry_for > Duration::zero() && again > alone_since + parts_.retry_for) {
      co_return Fail(end.error.code,
                     fmt::format("gave up after {:.0f} s without the coordinator: {}",
                                 Seconds(parts_.retry_for),
                                 end.error.message));
    }
    spdlog::warn("{}; trying again in {:.1f} s", end.error.message, Seconds(wait));
    co_await wake_.Wait(again);
  }
  co_return Fail(ErrorCode::kCancelled, "stopped by its owner");
}

}  // namespace rondo::client
