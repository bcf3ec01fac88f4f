#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/result.h"
#include "common/data/dataset.h"
#include "common/metrics/scorer.h"

namespace rondo {

/// Fits a baseline on the training rows of `dataset`, never on held-out ones: popularity, markov1,
/// item_knn or bpr_mf. `seed` matters to bpr_mf only. Errors  kInvalidArgument for an unknown name;
/// kUnsupported for markov1 on data without an order.
Result<std::unique_ptr<Scorer>> MakeBaseline(std::string_view name,
                                             const Dataset& dataset,
                                             std::uint64_t seed);

/// The names MakeBaseline knows.
std::vector<std::string> BaselineNames();

}  // namespace rondo
