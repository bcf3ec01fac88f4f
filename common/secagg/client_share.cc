// Step 1 of a client: checks the directory, shares its secrets with its neighbours.
#include <cstring>
#include <utility>

#include "common/secagg/client.h"

namespace rondo::secagg {
namespace {

/// One client's shares of the mask key, then of the seed, as they are sealed.
SecretBytes PairOfShares(const SecretBytes& of_key,
                         const SecretBytes& of_seed,
                         std::size_t holder) {
  SecretBytes pair(2 * kShareSize);
  std::memcpy(pair.bytes().data(), of_key.view().data() + holder * kShareSize, kShareSize);
  std::memcpy(
      pair.bytes().data() + kShareSize, of_seed.view().data() + holder * kShareSize, kShareSize);
  return pair;
}

}  // namespace

Client::Outcome Client::OnDirectory(const KeyDirectory& message) {
  auto* advertised = std::get_if<Advertised>(&state_);
  if (advertised == nullptr) {
    return Refusal{Reason::kUnexpected, "a second directory"};
  }
  RONDO_REFUSE(CheckDirectory(message, parts_.terms, parts_.roster, advertised->own));
  directory_.emplace(session_, message.entries, parts_.roster);
  own_ = directory_->Find(parts_.self);

  Shared next{.mask_key = std::move(advertised->mask_key),
              .seed = SecretBytes::Random(kSecretSize),
              .own_seed_share = {},
              .share_keys = {}};
  const std::vector<Place> holders = directory_->Holders(own_);
  std::vector<std::uint64_t> xs;
  xs.reserve(holders.size());
  for (const Place holder : holders) {
    xs.push_back(directory_->x(holder));
  }
  const SecretBytes of_key = SplitSecret(next.mask_key.private_key(), directory_->threshold(), xs);
  const SecretBytes of_seed = SplitSecret(next.seed.view(), directory_->threshold(), xs);

  ShareKeys sent{.session = session_,
                 .seed_commitment = SeedCommitment(next.seed.view(), session_, parts_.self)};
  sent.shares.reserve(holders.size());
  for (std::size_t i = 0; i < holders.size(); ++i) {
    if (holders[i] == own_) {
      std::memcpy(next.own_seed_share.data(), of_seed.view().data() + i * kShareSize, kShareSize);
      continue;
    }
    const DirectoryEntry& peer = (*directory_)[holders[i]];
    auto key = ShareKeyBetween(
        advertised->share_key, peer.share_key, directory_->hash(), parts_.self, peer.id);
    if (!key) {
      return Refusal{Reason::kLowOrderPoint, "the share key of " + peer.id + " is of low order"};
    }
    const SecretBytes pair = PairOfShares(of_key, of_seed, i);
    sent.shares.push_back(
        {.peer = holders[i],
         .sealed = SealShares(key->view(), directory_->hash(), parts_.self, peer.id, pair.view())});
    next.share_keys.emplace(holders[i], std::move(*key));
  }
  sent.signature = parts_.identity.Sign(
      ShareStatement(directory_->hash(), parts_.self, sent.seed_commitment, sent.shares));
  state_ = std::move(next);
  ClientStep step;
  step.send.emplace_back(std::move(sent));
  return step;
}

}  // namespace rondo::secagg
