#pragma once

#include <memory>

#include "coordinator/strategy.h"

namespace rondo::coordinator {

/// Keeps the aggregate of `next` to the rows of embedding tables that at least `least` single
/// updates contributed to (row_contribution.h), and sets the others to zero: what fewer clients
/// want than may be hostile does not happen. Contributions are counted as updates arrive, before
/// `next` changes them. A server optimiser with momentum carries a row on after the rounds that
/// moved it.
///
/// Source  the count of contributors a row of secure aggregation for sparse updates (Beguier et al.
/// 2021), used as a defence against the poisoned item rows of Rong et al. 2022.
std::unique_ptr<Aggregator> NewRowContributors(int least, std::unique_ptr<Aggregator> next);

}  // namespace rondo::coordinator
