#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/federated/parameters.h"
#include "coordinator/aggregators/updates.h"

/// Which rows of an embedding table an update contributes to.
///
/// Under a softmax over the whole catalogue every row of an update differs from zero: the loss
/// pulls up the few items that a client chose and pushes all others down a little. So a row counts
/// whose L2 norm is not zero and at least the root mean square over the rows of its table. With N
/// events of one client among I items, the rows of its items are some 1 / N of the hidden states'
/// norm long and the root mean square is some 1 / sqrt(N I), which is less as long as N < I; a row
/// that is only pushed down by its probability stays below, unless it is popular. Where a loss
/// touches few rows, all others are zero and the touched ones that stand out count. The mark
/// depends on no scale and on nothing but the update, so that neither a weight nor a longer update
/// buys a contribution.
namespace rondo::coordinator {

/// The tables of a layout: its row-addressable entries.
std::vector<Table> TablesOf(const ParameterLayout& layout);

/// marks[i] = 1 where the row of squared norm squares[i] contributes, else 0.
void MarkContributions(std::span<const double> squares, std::span<char> marks);

/// Squared L2 norms of the rows of `width` numbers, of which `table` is a whole number.
void RowSquares(std::span<const float> table, std::size_t width, std::span<double> squares);

}  // namespace rondo::coordinator
