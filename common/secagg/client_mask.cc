// Step 2 of a client: opens the shares of others, masks its vector and sends it.
#include <algorithm>
#include <utility>

#include "common/secagg/client.h"
#include "common/secagg/mask_stream.h"

namespace rondo::secagg {

std::vector<ClientMessage> Client::MaskedVector(Bytes masked) const {
  std::vector<ClientMessage> messages;
  messages.reserve(masked.size() / kMaskedChunk + 1);
  for (std::size_t offset = 0; offset < masked.size(); offset += kMaskedChunk) {
    const std::size_t size = std::min(kMaskedChunk, masked.size() - offset);
    const ByteView piece = ByteView(masked).subspan(offset, size);
    messages.emplace_back(MaskedChunk{
        .session = session_, .offset = offset, .bytes = Bytes(piece.begin(), piece.end())});
  }
  return messages;
}

Client::Outcome Client::OnDelivery(const ShareDelivery& message) {
  auto* shared = std::get_if<Shared>(&state_);
  if (shared == nullptr) {
    return Refusal{Reason::kUnexpected, "shares before the directory, or a second time"};
  }
  RONDO_REFUSE(CheckSet(message.sharers));
  Masked next{.sharers = message.sharers, .shares = {}};

  // A share that does not open is one that this client cannot help with later; a liar among the
  // clients must not be able to make everybody leave.
  for (const SealedShare& share : message.shares) {
    const auto key = shared->share_keys.find(share.peer);
    if (key == shared->share_keys.end()
        || !std::binary_search(message.sharers.begin(), message.sharers.end(), share.peer)) {
      return Refusal{Reason::kUnknownId, "a share of a client that shared nothing with this one"};
    }
    if (next.shares.contains(share.peer)) {
      return Refusal{Reason::kDuplicateId, "two shares of one client"};
    }
    auto opened = OpenShares(key->second.view(),
                             directory_->hash(),
                             (*directory_)[share.peer].id,
                             parts_.self,
                             share.sealed);
    if (opened && IsShare(opened->view().first(kShareSize))
        && IsShare(opened->view().subspan(kShareSize))) {
      next.shares.emplace(share.peer, std::move(*opened));
    }
  }
  SecretBytes own(2 * kShareSize);
  std::copy(shared->own_seed_share.begin(),
            shared->own_seed_share.end(),
            own.bytes().begin() + static_cast<std::ptrdiff_t>(kShareSize));
  next.shares.emplace(own_, std::move(own));

  std::vector<Mask> masks;
  masks.push_back({.key = OwnMaskKey(shared->seed.view(), session_, parts_.self)});
  for (const Place peer : directory_->graph().Neighbours(own_)) {
    if (!std::binary_search(message.sharers.begin(), message.sharers.end(), peer)) {
      continue;
    }
    const DirectoryEntry& entry = (*directory_)[peer];
    auto key =
        MaskKeyBetween(shared->mask_key, entry.mask_key, directory_->hash(), parts_.self, entry.id);
    if (!key) {
      return Refusal{Reason::kLowOrderPoint, "the mask key of " + entry.id + " is of low order"};
    }
    masks.push_back({.key = std::move(*key), .subtract = peer < own_});
  }
  ApplyMasks(parts_.terms.vector, parts_.vector, masks, parts_.workers);
  ClientStep step{.persist = {}, .send = MaskedVector(std::exchange(parts_.vector, {}))};
  state_ = std::move(next);
  return step;
}

}  // namespace rondo::secagg
