#include "common/secagg/client.h"

#include <algorithm>
#include <utility>

#include <openssl/crypto.h>

namespace rondo::secagg {

Client::Client(Parts parts) : parts_(std::move(parts)), session_(SessionId(parts_.terms)) {}

Result<ClientStep> Client::Start() {
  if (!std::holds_alternative<Idle>(state_)) {
    return Finish(Refusal{Reason::kUnexpected, "the session was started before"});
  }
  return Finish(Advertise());
}

Result<ClientStep> Client::Receive(const ServerMessage& message) {
  return Finish(Handle(message));
}

Result<ClientStep> Client::Finish(Outcome outcome) {
  if (auto* refusal = std::get_if<Refusal>(&outcome)) {
    // What a session that is over is asked for is refused, and changes nothing.
    if (refusal->reason != Reason::kOver) {
      state_ = Left{};
      refused_ = *refusal;
      OPENSSL_cleanse(parts_.vector.data(), parts_.vector.size());
    }
    return Fail(ToError(*refusal));
  }
  return std::get<ClientStep>(std::move(outcome));
}

Client::Outcome Client::Handle(const ServerMessage& message) {
  const Digest& session =
      std::visit([](const auto& any) -> const Digest& { return any.session; }, message);
  if (std::holds_alternative<Done>(state_) || std::holds_alternative<Left>(state_)) {
    return Refusal{Reason::kOver, "nothing more is said in this session"};
  }
  if (session != session_) {
    return Refusal{Reason::kWrongSession, "a message of another session"};
  }
  if (const auto* directory = std::get_if<KeyDirectory>(&message)) {
    return OnDirectory(*directory);
  }
  if (const auto* delivery = std::get_if<ShareDelivery>(&message)) {
    return OnDelivery(*delivery);
  }
  if (const auto* survivors = std::get_if<SurvivorSet>(&message)) {
    return OnSurvivors(*survivors);
  }
  if (const auto* proof = std::get_if<ConsistencyProof>(&message)) {
    return OnProof(*proof);
  }
  return Refusal{Reason::kUnexpected, "a second offer of the session"};
}

Verdict Client::CheckOffer() const {
  const SessionTerms& terms = parts_.terms;
  const std::string accepted = parts_.roster.sha256();
  if (terms.roster_sha256 != accepted) {
    return Refusal{Reason::kOtherRoster,
                   "the offer is for the roster " + terms.roster_sha256.substr(0, 12)
                       + ", this client accepted " + accepted.substr(0, 12)};
  }
  const RosterEntry* own = parts_.roster.Find(parts_.self);
  if (own == nullptr || own->key != parts_.identity.public_key()) {
    return Refusal{Reason::kUnknownId, "the roster does not have this client's key"};
  }
  if (terms.serial <= parts_.policy.last_serial) {
    return Refusal{Reason::kReplay,
                   "session " + std::to_string(terms.serial) + " is not newer than "
                       + std::to_string(parts_.policy.last_serial)};
  }
  if (terms.min_clients < std::max(parts_.policy.min_clients, kLeastClients)) {
    return Refusal{Reason::kTooFewAsked,
                   "the sum of " + std::to_string(terms.min_clients)
                       + " clients would be opened, this client wants at least "
                       + std::to_string(std::max(parts_.policy.min_clients, kLeastClients))};
  }
  if (const Status fits = CheckSpec(terms.vector); !fits) {
    return Refusal{Reason::kOverflow, fits.error().message};
  }
  if (const Status within = CheckWithinBounds(terms.vector, parts_.vector); !within) {
    return Refusal{Reason::kBadInput, within.error().message};
  }
  return std::nullopt;
}

Client::Outcome Client::Advertise() {
  RONDO_REFUSE(CheckOffer());
  Advertised next{.share_key = X25519Key::Generate(), .mask_key = X25519Key::Generate(), .own = {}};
  next.own = {.id = parts_.self,
              .share_key = next.share_key.public_key(),
              .mask_key = next.mask_key.public_key()};
  next.own.signature = parts_.identity.Sign(
      AdvertiseStatement(session_, parts_.self, next.own.share_key, next.own.mask_key));
  ClientStep step{.persist = parts_.terms.serial};
  step.send.emplace_back(AdvertiseKeys{.session = session_,
                                       .share_key = next.own.share_key,
                                       .mask_key = next.own.mask_key,
                                       .signature = next.own.signature});
  state_ = std::move(next);
  return step;
}

Verdict Client::CheckSet(const std::vector<Place>& members) const {
  if (!AreOrderedPlaces(members, directory_->size())) {
    for (std::size_t i = 1; i < members.size(); ++i) {
      if (members[i - 1] == members[i]) {
        return Refusal{Reason::kDuplicateId,
                       "client " + std::to_string(members[i]) + " of the directory stands twice"};
      }
    }
    return Refusal{Reason::kMalformed, "places of clients are out of order or range"};
  }
  if (!std::binary_search(members.begin(), members.end(), own_)) {
    return Refusal{Reason::kLeftOut, "this client is said not to have answered"};
  }
  const std::uint32_t least = directory_->LeastSummed(parts_.terms.min_clients);
  if (members.size() < least || directory_->CountNear(own_, members) < directory_->threshold()) {
    return Refusal{Reason::kTooFew,
                   "only " + std::to_string(members.size()) + " clients are left, fewer than "
                       + std::to_string(least) + " are not summed"};
  }
  return std::nullopt;
}

}  // namespace rondo::secagg
