// Steps 3 and 4 of a client: signs one set of survivors, then opens its shares.
#include <algorithm>
#include <utility>

#include "common/secagg/client.h"

namespace rondo::secagg {

Client::Outcome Client::OnSurvivors(const SurvivorSet& message) {
  if (const auto* before = std::get_if<Signed>(&state_)) {
    if (message.survivors != before->survivors) {
      return Refusal{Reason::kSecondSet, "a second set of survivors that differs from the first"};
    }
    ClientStep again;
    again.send.emplace_back(before->sent);
    return again;
  }
  auto* masked = std::get_if<Masked>(&state_);
  if (masked == nullptr) {
    return Refusal{Reason::kUnexpected, "survivors before anything was masked"};
  }
  RONDO_REFUSE(CheckSet(message.survivors));
  if (!std::includes(masked->sharers.begin(),
                     masked->sharers.end(),
                     message.survivors.begin(),
                     message.survivors.end())) {
    return Refusal{Reason::kUnknownId, "a survivor that shared nothing"};
  }
  ConsistencySignature sent{.session = session_,
                            .signature = parts_.identity.Sign(ConsistencyStatement(
                                directory_->hash(), masked->sharers, message.survivors))};
  state_ = Signed{.masked = std::move(*masked), .survivors = message.survivors, .sent = sent};
  ClientStep step;
  step.send.emplace_back(sent);
  return step;
}

Verdict Client::CheckProof(const ConsistencyProof& message, const Signed& signed_state) const {
  const Bytes statement =
      ConsistencyStatement(directory_->hash(), signed_state.masked.sharers, signed_state.survivors);
  std::vector<Place> members;
  members.reserve(message.signatures.size());
  for (const MemberSignature& signature : message.signatures) {
    members.push_back(signature.member);
  }
  if (std::adjacent_find(members.begin(), members.end()) != members.end()) {
    return Refusal{Reason::kDuplicateId, "two signatures of one client"};
  }
  if (!AreOrderedPlaces(members, directory_->size())) {
    return Refusal{Reason::kMalformed, "signers are out of order or range"};
  }
  if (!std::includes(signed_state.survivors.begin(),
                     signed_state.survivors.end(),
                     members.begin(),
                     members.end())
      || directory_->CountNear(own_, members) != members.size()) {
    return Refusal{Reason::kUnknownId, "a signature of a client whose vector is not summed"};
  }
  if (members.size() < directory_->threshold()) {
    return Refusal{Reason::kTooFew,
                   std::to_string(members.size()) + " clients signed the set, "
                       + std::to_string(directory_->threshold()) + " are needed"};
  }
  for (const MemberSignature& signature : message.signatures) {
    if (!VerifySignature(
            directory_->signing_key(signature.member), statement, signature.signature)) {
      return Refusal{Reason::kBadSignature,
                     (*directory_)[signature.member].id + " did not sign this set of survivors"};
    }
  }
  return std::nullopt;
}

Client::Outcome Client::OnProof(const ConsistencyProof& message) {
  auto* signed_state = std::get_if<Signed>(&state_);
  if (signed_state == nullptr) {
    return Refusal{Reason::kUnexpected, "signatures before this client signed"};
  }
  RONDO_REFUSE(CheckProof(message, *signed_state));
  UnmaskShares opened{.session = session_};
  for (const auto& [owner, shares] : signed_state->masked.shares) {
    // One of the two, by this client's own list: there is no request that could name both.
    const bool summed =
        std::binary_search(signed_state->survivors.begin(), signed_state->survivors.end(), owner);
    const ByteView share =
        summed ? shares.view().subspan(kShareSize) : shares.view().first(kShareSize);
    OpenedShare& out =
        (summed ? opened.seeds : opened.mask_keys).emplace_back(OpenedShare{.owner = owner});
    std::copy(share.begin(), share.end(), out.share.begin());
  }
  state_ = Done{};
  ClientStep step;
  step.send.emplace_back(std::move(opened));
  return step;
}

}  // namespace rondo::secagg
