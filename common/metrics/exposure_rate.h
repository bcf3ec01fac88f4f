#pragma once

#include <span>
#include <vector>

#include "common/metrics/top_k.h"

namespace rondo {

/// ER@k: the share of users, among those who have not met `item`, whose first k places hold it.
/// Ties count in expectation, what a user has met is left out of the list.
///
/// Returns one share a `k`; NaN where every user has met the item.
/// Errors  those of the scorer.
/// Source  Zhang et al. 2022, "PipAttack", equation 12.
Result<std::vector<double>> ExposureRates(Scorer& scorer,
                                          std::span<const UserHistory> users,
                                          std::int64_t items,
                                          ItemRow item,
                                          std::span<const int> k);

}  // namespace rondo
