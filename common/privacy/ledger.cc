#include "common/privacy/ledger.h"

#include <algorithm>

namespace rondo {
namespace {

bool Alike(const NoisyRounds& a, const NoisyRounds& b) {
  return a.rate == b.rate && a.noise == b.noise;
}

}  // namespace

Status PrivacyLedger::Spend(const NoisyRounds& release) {
  // Any accountant checks the ranges; this one is quick.
  RONDO_TRY(const PrivacyBound checked, EpsilonOf(release, Accountant::kRdp, 0.5));
  static_cast<void>(checked);
  if (!entries_.empty() && Alike(entries_.back(), release)) {
    entries_.back().rounds += release.rounds;
  } else {
    entries_.push_back(release);
  }
  return Ok();
}

std::int64_t PrivacyLedger::releases() const {
  std::int64_t all = 0;
  for (const NoisyRounds& entry : entries_) {
    all += entry.rounds;
  }
  return all;
}

Result<double> PrivacyLedger::Epsilon(Accountant accountant, double delta) const {
  if (entries_.empty()) {
    return 0.0;
  }
  RONDO_TRY(const PrivacyBound bound, EpsilonOf(std::span(entries_), accountant, delta));
  return bound.value;
}

bool PrivacyLedger::operator==(const PrivacyLedger& other) const {
  return std::equal(entries_.begin(),
                    entries_.end(),
                    other.entries_.begin(),
                    other.entries_.end(),
                    [](const NoisyRounds& a, const NoisyRounds& b) {
                      return Alike(a, b) && a.rounds == b.rounds;
                    });
}

Accountant AccountantOf(const std::string& name) {
  return name == "rdp" ? Accountant::kRdp : Accountant::kPld;
}

}  // namespace rondo
