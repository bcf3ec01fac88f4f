#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/ids.h"

namespace rondo::coordinator {

/// Draws the clients of a round, uniformly and without replacement.
///
/// With a seed (simulation) the cohort is a function of seed, round and the available clients.
/// Without (federation) it comes from OpenSSL, so that nobody can foresee who takes part.
class CohortSampler {
 public:
  CohortSampler(const StrategyConfig& strategy, std::optional<std::uint64_t> seed);

  struct Draw {
    RoundId round = 0;
    std::uint64_t number = 0;  ///< of the draws in this round, from 0
    std::size_t count = 0;     ///< how many clients are wanted
  };

  /// At most ceil(cohort * over_selection) of the available clients, in byte order.
  std::vector<ClientId> Sample(std::vector<ClientId> available, RoundId round) const;

  /// At most draw.count of them. The first draw of a whole cohort is that of Sample(round).
  std::vector<ClientId> Sample(std::vector<ClientId> available, const Draw& draw) const;

  /// Every available client with probability cohort / population, independently of all others;
  /// everybody where the cohort is no smaller. In byte order.
  std::vector<ClientId> SamplePoisson(std::vector<ClientId> available,
                                      RoundId round,
                                      std::size_t population) const;

  /// A round may end when so many have contributed, although more were invited; never without
  /// over-selection.
  std::size_t enough() const { return enough_; }

 private:
  std::size_t cohort_;
  std::size_t invited_;
  std::size_t enough_;
  std::optional<std::uint64_t> seed_;
};

}  // namespace rondo::coordinator
