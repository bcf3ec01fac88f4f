#pragma once

#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "common/secagg/directory.h"
#include "common/secagg/messages.h"

namespace rondo::secagg {

/// A share of somebody's secret, and who gave it.
struct HeldShare {
  Place holder = 0;
  ByteView share;
};

/// Puts the secrets of a session together and tells who gave wrong shares.
///
/// Every secret has a public image, the mask key its public key and the seed its commitment, so a
/// wrong secret is noticed. Then other sets of shares are tried, up to kTries. Once one is right, a
/// share that is not on its polynomials is known for a lie, and its holder is asked last from then
/// on. Holders who agree on lies that cancel can put the blame on others, but not change a secret.
class Opener {
 public:
  static constexpr int kTries = 64;

  explicit Opener(const Directory& directory) : directory_(directory) {}

  /// The secret of the shares, which are of different holders and pass IsShare, if `is_right`
  /// accepts it. Errors  kTooFewClients for fewer shares than the threshold; kCorrupt if no set of
  /// them that was tried is right.
  Result<SecretBytes> Open(std::vector<HeldShare> shares,
                           const std::function<bool(const SecretBytes&)>& is_right);

  /// Holders that gave a wrong share, by the evidence above.
  const std::set<Place>& liars() const { return liars_; }

 private:
  std::optional<SecretBytes> Try(const std::vector<HeldShare>& shares,
                                 const std::function<bool(const SecretBytes&)>& is_right);
  void NameLiars(const std::vector<HeldShare>& shares);

  const Directory& directory_;
  std::set<Place> liars_;
};

}  // namespace rondo::secagg
