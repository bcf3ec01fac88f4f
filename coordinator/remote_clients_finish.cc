#include <algorithm>

#include "coordinator/remote_clients_state.h"

/// How the last model reaches everybody.
namespace rondo::coordinator {
namespace {

/// How often a waiting Finish looks whether it was asked to stop.
constexpr Duration kStopPoll = std::chrono::milliseconds(200);

TimePoint Now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

void RemoteClients::State::TellFinish(ClientSession& session) {
  session.QueueModel(model_);
  session.Queue(wire::Finish{.model_sha256 = model_.sha256});
}

bool RemoteClients::State::EveryoneHasTheModel(bool wait_for_absent) const {
  for (const auto& [id, status] : known_) {
    if (confirmed_.contains(id)) {
      continue;
    }
    if (wait_for_absent || ready_.contains(id)) {
      return false;
    }
  }
  return true;
}

Task<Status> RemoteClients::State::Finish(const Broadcast& broadcast,
                                          TimePoint deadline,
                                          std::stop_token stop) {
  Encode(broadcast);
  finishing_ = true;
  for (const auto& [id, session] : ready_) {
    TellFinish(*session);
  }
  const TimePoint patience = std::min(deadline, Now() + options_.return_wait);
  while (!stopped_ && !stop.stop_requested() && Now() < deadline) {
    const bool wait_for_absent = Now() < patience;
    if (EveryoneHasTheModel(wait_for_absent)) {
      break;
    }
    const TimePoint until = std::min(wait_for_absent ? patience : deadline, Now() + kStopPoll);
    co_await Changed(until);
  }
  std::string missing;
  for (const auto& [id, status] : known_) {
    if (!confirmed_.contains(id)) {
      missing += (missing.empty() ? "" : ", ") + id;
    }
  }
  Stop();
  if (!missing.empty()) {
    co_return Fail(ErrorCode::kTimeout, "without the final model: " + missing);
  }
  co_return Ok();
}

}  // namespace rondo::coordinator
