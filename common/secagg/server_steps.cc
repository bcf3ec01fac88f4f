// Steps 0 to 3 of the server: collects keys, shares, vectors and signatures.
#include <algorithm>
#include <utility>

#include "common/secagg/server.h"

namespace rondo::secagg {
namespace {

Failure Wrong(const std::string& what) {
  return Fail(ErrorCode::kCorrupt, "secure aggregation: " + what);
}

Failure Unsigned(const std::string& what) {
  return Fail(ErrorCode::kUnauthenticated,
              "secure aggregation: " + what + " not signed with the client's key in the roster");
}

}  // namespace

// -- step 0

Status Server::OnKeys(const ClientId& client, const AdvertiseKeys& message) {
  const RosterEntry* member = parts_.roster.Find(client);
  const Bytes statement = AdvertiseStatement(session_, client, message.share_key, message.mask_key);
  if (member == nullptr || !VerifySignature(member->key, statement, message.signature)) {
    return Unsigned("keys are");
  }
  // Clients leave a directory with a key that stands twice.
  const auto is_known = [&](const X25519Public& key) {
    return std::any_of(keys_.begin(), keys_.end(), [&](const auto& known) {
      return known.second.share_key == key || known.second.mask_key == key;
    });
  };
  if (message.share_key == message.mask_key || is_known(message.share_key)
      || is_known(message.mask_key)) {
    return Wrong("a key stands twice");
  }
  keys_.emplace(client, message);
  waiting_.erase(client);
  return Ok();
}

void Server::CloseAdvertise(ServerStep& step) {
  if (!IsEnough(keys_.size(), "advertised keys")) {
    return;
  }
  std::vector<DirectoryEntry> entries;
  entries.reserve(keys_.size());
  for (const auto& [id, keys] : keys_) {  // In byte order of the ids.
    entries.push_back({.id = id,
                       .share_key = keys.share_key,
                       .mask_key = keys.mask_key,
                       .signature = keys.signature});
  }
  keys_.clear();
  directory_.emplace(session_, std::move(entries), parts_.roster);
  if (!IsEnough(directory_->size(), "advertised keys")) {
    return;
  }
  phase_ = Phase::kShare;
  std::vector<Place> all;
  all.reserve(directory_->size());
  for (Place place = 0; place < directory_->size(); ++place) {
    all.push_back(place);
  }
  Expect(all);
  const KeyDirectory message{
      .session = session_, .threshold = directory_->threshold(), .entries = directory_->entries()};
  for (const ClientId& client : waiting_) {
    step.send.push_back({client, message});
  }
}

// -- step 1

Status Server::OnShares(Place from, const ShareKeys& message) {
  const std::vector<Place> peers = directory_->graph().Neighbours(from);
  const bool fits =
      std::equal(message.shares.begin(),
                 message.shares.end(),
                 peers.begin(),
                 peers.end(),
                 [](const SealedShare& share, Place peer) {
                   return share.peer == peer && share.sealed.size() == kSealedShareSize;
                 });
  if (!fits) {
    return Wrong("shares are not those of the client's neighbours");
  }
  const Bytes statement = ShareStatement(
      directory_->hash(), (*directory_)[from].id, message.seed_commitment, message.shares);
  if (!VerifySignature(directory_->signing_key(from), statement, message.signature)) {
    return Unsigned("shares are");
  }
  shares_.emplace(from, message);
  waiting_.erase((*directory_)[from].id);
  return Ok();
}

void Server::CloseShare(ServerStep& step) {
  if (!IsEnough(shares_.size(), "shared their keys")) {
    return;
  }
  std::map<Place, ShareDelivery> deliveries;
  for (const auto& [from, shares] : shares_) {
    sharers_.push_back(from);
    deliveries[from].session = session_;
  }
  for (auto& [from, shares] : shares_) {  // In order, so that what everybody gets is too.
    for (SealedShare& share : shares.shares) {
      const auto delivery = deliveries.find(share.peer);
      if (delivery != deliveries.end()) {
        delivery->second.shares.push_back({.peer = from, .sealed = std::move(share.sealed)});
      }
    }
    shares.shares.clear();
  }
  phase_ = Phase::kMask;
  sum_.assign(parts_.terms.vector.bytes(), 0);
  Expect(sharers_);
  for (const ClientId& client : waiting_) {
    ShareDelivery& delivery = deliveries[directory_->Find(client)];
    delivery.sharers = sharers_;
    step.send.push_back({client, std::move(delivery)});
  }
}

// -- step 2

Status Server::OnChunk(Place from, const MaskedChunk& message) {
  Bytes& upload = uploads_[from];
  if (message.offset != upload.size() || message.bytes.empty()
      || message.bytes.size() > sum_.size() - upload.size()) {
    return Wrong("a piece of a vector that does not follow the one before, or is too long");
  }
  upload.reserve(sum_.size());
  upload.insert(upload.end(), message.bytes.begin(), message.bytes.end());
  if (upload.size() < sum_.size()) {
    return Ok();
  }
  AddPacked(parts_.terms.vector, sum_, upload);
  uploads_.erase(from);
  survivors_.insert(std::lower_bound(survivors_.begin(), survivors_.end(), from), from);
  waiting_.erase((*directory_)[from].id);
  return Ok();
}

void Server::CloseMask(ServerStep& step) {
  if (!IsEnough(survivors_.size(), "sent their vectors")) {
    return;
  }
  phase_ = Phase::kAgree;
  Expect(survivors_);
  const SurvivorSet message{.session = session_, .survivors = survivors_};
  for (const ClientId& client : waiting_) {
    step.send.push_back({client, message});
  }
}

// -- step 3

Status Server::OnSignature(Place from, const ConsistencySignature& message) {
  const Bytes statement = ConsistencyStatement(directory_->hash(), sharers_, survivors_);
  if (!VerifySignature(directory_->signing_key(from), statement, message.signature)) {
    return Unsigned("the set of survivors is");
  }
  signatures_.emplace(from, message.signature);
  waiting_.erase((*directory_)[from].id);
  return Ok();
}

void Server::CloseAgree(ServerStep& step) {
  if (!IsEnough(signatures_.size(), "signed whose vectors are summed")) {
    return;
  }
  phase_ = Phase::kUnmask;
  std::vector<Place> signers;
  signers.reserve(signatures_.size());
  for (const auto& [place, signature] : signatures_) {
    signers.push_back(place);
  }
  Expect(signers);
  for (const Place place : signers) {
    const ClientId& client = (*directory_)[place].id;
    if (!waiting_.contains(client)) {
      continue;
    }
    ConsistencyProof proof{.session = session_};
    for (const auto& [member, signature] : signatures_) {
      if (proof.signatures.size() == directory_->threshold()) {
        break;  // So many are enough for the client, which checks every one.
      }
      if (member == place || directory_->graph().AreNeighbours(member, place)) {
        proof.signatures.push_back({.member = member, .signature = signature});
      }
    }
    step.send.push_back({client, std::move(proof)});
  }
}

}  // namespace rondo::secagg
