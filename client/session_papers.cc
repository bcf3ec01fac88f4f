#include <spdlog/spdlog.h>

#include "client/session.h"

/// What a session has to do with the client's papers.
namespace rondo::client {

Status Session::NoteSent(const Offer& offer, const std::string& sha256, std::uint64_t bytes) const {
  return parts_.papers.NoteSent({.run_id = trust_.run_id,
                                 .round = offer.round,
                                 .kind = offer.kind,
                                 .model_sha256 = offer.model_sha256,
                                 .contribution_sha256 = sha256,
                                 .bytes = bytes,
                                 .server_key_sha256 = parts_.channel.security().key_sha256});
}

Trust Session::TrustNow() const {
  Trust trust = trust_;
  if (const SignedRoster* accepted = parts_.papers.roster()) {
    trust.aggregation = accepted->roster.aggregation;
  }
  return trust;
}

void Session::OnRoster(const wire::MemberRoster& roster) {
  const Status taken = parts_.papers.TakeRoster(roster.text);
  if (taken) {
    const Roster& accepted = parts_.papers.roster()->roster;
    spdlog::info("roster: version {} with {} members", accepted.version, accepted.entries.size());
  } else if (taken.error().code == ErrorCode::kFailedPrecondition) {
    spdlog::warn("roster not accepted: {}", taken.error().message);  // The next one may name us.
  } else {
    End(SessionEnd::Kind::kRefused, taken.error());
  }
}

}  // namespace rondo::client
