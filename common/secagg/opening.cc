#include "common/secagg/opening.h"

#include <algorithm>
#include <functional>
#include <random>

#include "common/core/rng.h"
#include "common/crypto/random.h"

namespace rondo::secagg {
namespace {

std::vector<ByteView> ViewsOf(std::span<const HeldShare> shares) {
  std::vector<ByteView> views;
  views.reserve(shares.size());
  for (const HeldShare& share : shares) {
    views.push_back(share.share);
  }
  return views;
}

std::vector<std::uint64_t> PlacesOf(const Directory& directory, std::span<const HeldShare> shares) {
  std::vector<std::uint64_t> xs;
  xs.reserve(shares.size());
  for (const HeldShare& share : shares) {
    xs.push_back(directory.x(share.holder));
  }
  return xs;
}

}  // namespace

Result<SecretBytes> Opener::Open(std::vector<HeldShare> shares,
                                 const std::function<bool(const SecretBytes&)>& is_right) {
  const std::size_t threshold = directory_.threshold();
  // Not left out, since liars who agree on their lies may make others look like them.
  std::stable_partition(shares.begin(), shares.end(), [&](const HeldShare& share) {
    return !liars_.contains(share.holder);
  });
  if (shares.size() < threshold) {
    return Fail(ErrorCode::kTooFewClients,
                std::to_string(shares.size()) + " clients gave their shares of a secret, "
                    + std::to_string(threshold) + " are needed");
  }
  if (auto secret = Try(shares, is_right)) {
    return std::move(*secret);
  }
  if (shares.size() > threshold) {
    // Each share stands outside the first `threshold` at some try.
    Rng rng({.seed = SecureRandomU64(), .purpose = Purpose::kBackoff});
    for (int i = 1; i < kTries; ++i) {
      if (i < static_cast<int>(shares.size())) {
        std::rotate(shares.begin(), shares.begin() + 1, shares.end());
      } else {
        rng.Shuffle(std::span(shares));
      }
      if (auto secret = Try(shares, is_right)) {
        NameLiars(shares);
        return std::move(*secret);
      }
    }
  }
  return Fail(ErrorCode::kCorrupt, "wrong shares of a secret, and too few right ones");
}

std::optional<SecretBytes> Opener::Try(const std::vector<HeldShare>& shares,
                                       const std::function<bool(const SecretBytes&)>& is_right) {
  const std::span<const HeldShare> chosen = std::span(shares).first(directory_.threshold());
  const Interpolation interpolation(PlacesOf(directory_, chosen));
  auto secret = interpolation.Secret(ViewsOf(chosen));
  if (!secret || !is_right(*secret)) {
    return std::nullopt;
  }
  return std::move(*secret);
}

void Opener::NameLiars(const std::vector<HeldShare>& shares) {
  const std::span<const HeldShare> right = std::span(shares).first(directory_.threshold());
  const Interpolation interpolation(PlacesOf(directory_, right));
  const std::vector<ByteView> views = ViewsOf(right);
  for (const HeldShare& other : std::span(shares).subspan(right.size())) {
    const Share honest = interpolation.At(directory_.x(other.holder), views);
    if (!std::equal(honest.begin(), honest.end(), other.share.begin(), other.share.end())) {
      liars_.insert(other.holder);
    }
  }
}

}  // namespace rondo::secagg
