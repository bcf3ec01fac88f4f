#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/result.h"
#include "common/privacy/accountant.h"

namespace rondo {

/// What a run has released, and so spent. Only grows. What a round releases together, about one
/// sample of the units, is one entry; entries alike that follow each other are kept as one with a
/// count.
class PrivacyLedger {
 public:
  /// Errors  kInvalidArgument for numbers out of NoisyRounds' ranges; then nothing is changed.
  Status Spend(const NoisyRounds& release);

  std::int64_t releases() const;

  const std::vector<NoisyRounds>& entries() const { return entries_; }

  /// Of everything so far; 0 before the first release.
  Result<double> Epsilon(Accountant accountant, double delta) const;

  bool operator==(const PrivacyLedger& other) const;

 private:
  std::vector<NoisyRounds> entries_;
};

/// "pld" | "rdp", as a scenario names them.
Accountant AccountantOf(const std::string& name);

}  // namespace rondo
