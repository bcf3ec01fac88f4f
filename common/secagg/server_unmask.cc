// Step 4 of the server: opens the masks of the sum and takes them off.
#include <algorithm>
#include <utility>

#include "common/secagg/mask_stream.h"
#include "common/secagg/opening.h"
#include "common/secagg/server.h"

namespace rondo::secagg {
namespace {

bool AreOrderedShares(const std::vector<OpenedShare>& shares, std::size_t clients) {
  std::vector<Place> owners;
  owners.reserve(shares.size());
  for (const OpenedShare& share : shares) {
    owners.push_back(share.owner);
  }
  return AreOrderedPlaces(owners, clients)
         && std::all_of(shares.begin(), shares.end(), [](const OpenedShare& share) {
              return IsShare(share.share);
            });
}

}  // namespace

Status Server::OnUnmask(Place from, const UnmaskShares& message) {
  const auto are_of = [&](const std::vector<OpenedShare>& shares, bool summed) {
    return std::all_of(shares.begin(), shares.end(), [&](const OpenedShare& share) {
      return (share.owner == from || directory_->graph().AreNeighbours(share.owner, from))
             && std::binary_search(sharers_.begin(), sharers_.end(), share.owner)
             && std::binary_search(survivors_.begin(), survivors_.end(), share.owner) == summed;
    });
  };
  if (!AreOrderedShares(message.seeds, directory_->size())
      || !AreOrderedShares(message.mask_keys, directory_->size()) || !are_of(message.seeds, true)
      || !are_of(message.mask_keys, false)) {
    return Fail(ErrorCode::kCorrupt, "secure aggregation: shares that nobody asked for");
  }
  opened_.emplace(from, message);
  waiting_.erase((*directory_)[from].id);
  return Ok();
}

Result<SecretBytes> Server::OpenSecret(Opener& opener, Place owner, bool is_seed) const {
  std::vector<HeldShare> shares;
  for (const auto& [holder, opened] : opened_) {
    const std::vector<OpenedShare>& given = is_seed ? opened.seeds : opened.mask_keys;
    const auto found = std::lower_bound(
        given.begin(), given.end(), owner, [](const OpenedShare& share, Place wanted) {
          return share.owner < wanted;
        });
    if (found != given.end() && found->owner == owner) {
      shares.push_back({.holder = holder, .share = found->share});
    }
  }
  const DirectoryEntry& entry = (*directory_)[owner];
  return opener.Open(std::move(shares), [&](const SecretBytes& secret) {
    if (is_seed) {
      return SeedCommitment(secret.view(), session_, entry.id) == shares_.at(owner).seed_commitment;
    }
    const auto key = X25519Key::FromPrivate(secret.view());
    return key.has_value() && key->public_key() == entry.mask_key;
  });
}

Result<std::vector<Mask>> Server::MasksOfSum(Opener& opener) const {
  std::vector<Mask> masks;
  for (const Place owner : sharers_) {
    const bool summed = std::binary_search(survivors_.begin(), survivors_.end(), owner);
    const std::vector<Place> peers = directory_->graph().Neighbours(owner);
    const ClientId& id = (*directory_)[owner].id;
    if (summed) {
      RONDO_TRY(const SecretBytes seed, OpenSecret(opener, owner, true));
      masks.push_back({.key = OwnMaskKey(seed.view(), session_, id), .subtract = true});
      continue;
    }
    // Its neighbours masked with a client whose vector, and with it the other half, never came.
    RONDO_TRY(const SecretBytes secret, OpenSecret(opener, owner, false));
    RONDO_TRY(const X25519Key key, X25519Key::FromPrivate(secret.view()));
    for (const Place peer : peers) {
      if (std::binary_search(survivors_.begin(), survivors_.end(), peer)) {
        const DirectoryEntry& entry = (*directory_)[peer];
        RONDO_TRY(SecretBytes mask,
                  MaskKeyBetween(key, entry.mask_key, directory_->hash(), id, entry.id));
        masks.push_back({.key = std::move(mask), .subtract = peer < owner});
      }
    }
  }
  return masks;
}

void Server::Unmask() {
  if (!IsEnough(opened_.size(), "opened their shares")) {
    return;
  }
  Opener opener(*directory_);
  auto masks = MasksOfSum(opener);
  for (const Place liar : opener.liars()) {
    Leave((*directory_)[liar].id,
          {ErrorCode::kCorrupt, "gave wrong shares of the secrets of others"});
  }
  opened_.clear();
  if (!masks) {
    GiveUp(std::move(masks).error());
    return;
  }
  ApplyMasks(parts_.terms.vector, sum_, *masks, parts_.workers);
  outcome_ = std::move(sum_);
}

}  // namespace rondo::secagg
