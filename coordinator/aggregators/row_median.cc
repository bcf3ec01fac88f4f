#include <limits>
#include <map>

#include "coordinator/aggregators/columns.h"
#include "coordinator/aggregators/row_contribution.h"
#include "coordinator/aggregators/rules.h"

namespace rondo::coordinator {
namespace {

/// Wires of the network for so many contributors. Above 64 a few sizes serve all, so that networks
/// stay few; the rest is filled with as many -infinity as infinity, which moves no median.
std::size_t Wires(std::size_t contributors) {
  constexpr std::size_t kStep = 64;
  return contributors <= kStep ? contributors
                               : (contributors + kStep - 1) / kStep * kStep + contributors % 2;
}

/// The median of each row of one table over its contributors.
class TableMedian {
 public:
  TableMedian(const Updates& updates, const Table& table, Workers& workers)
      : updates_(updates),
        table_(table),
        marks_(updates.count() * table.items),
        counts_(table.items),
        least_(table.width, -std::numeric_limits<float>::infinity()),
        most_(table.width, std::numeric_limits<float>::infinity()) {
    Mark(workers);
    for (std::size_t client = 0; client < updates.count(); ++client) {
      for (std::size_t item = 0; item < table.items; ++item) {
        counts_[item] += marks_[client * table.items + item] != 0 ? 1 : 0;
      }
    }
    for (const std::size_t count : counts_) {
      if (count > 0 && !networks_.contains(Wires(count))) {
        networks_.emplace(Wires(count), MedianNetwork(Wires(count)));
      }
    }
  }

  /// `out` is the table of the result.
  void Reduce(Workers& workers, std::span<float> out) const {
    constexpr std::size_t kItemsAtATime = 16;
    ForEachPiece(workers, table_.items, kItemsAtATime, [&] {
      return [this, out, reducer = ColumnReducer(&MiddleOfSorted, 0), rows = Rows()](
                 std::size_t begin, std::size_t end) mutable {
        for (std::size_t item = begin; item < end; ++item) {
          ReduceItem(item, rows, reducer, out.subspan(item * table_.width, table_.width));
        }
      };
    });
  }

 private:
  using Rows = std::vector<const float*>;

  void Mark(Workers& workers) {
    ForEachPiece(workers, updates_.count(), 1, [&] {
      return [this, squares = std::vector<double>(table_.items)](std::size_t client,
                                                                 std::size_t /*end*/) mutable {
        RowSquares({updates_.rows[client] + table_.offset, table_.items * table_.width},
                   table_.width,
                   squares);
        MarkContributions(squares, std::span(marks_).subspan(client * table_.items, table_.items));
      };
    });
  }

  void ReduceItem(std::size_t item,
                  Rows& rows,
                  ColumnReducer& reducer,
                  std::span<float> out) const {
    const std::size_t count = counts_[item];
    if (count == 0) {
      std::fill(out.begin(), out.end(), 0.0F);
      return;
    }
    rows.clear();
    for (std::size_t client = 0; client < updates_.count(); ++client) {
      if (marks_[client * table_.items + item] != 0) {
        rows.push_back(updates_.rows[client] + table_.offset + item * table_.width);
      }
    }
    const std::size_t wires = Wires(count);
    rows.insert(rows.end(), (wires - count) / 2, least_.data());
    rows.insert(rows.end(), (wires - count) / 2, most_.data());
    reducer.Reduce(rows, networks_.at(wires), 0, out);
  }

  const Updates& updates_;
  const Table& table_;
  std::vector<char> marks_;          ///< client by client, one a row of the table
  std::vector<std::size_t> counts_;  ///< contributors of each row
  std::vector<float> least_;         ///< a row of -infinity
  std::vector<float> most_;
  std::map<std::size_t, Network> networks_;  ///< by wires
};

/// The plain median of columns `begin` to `end` - 1.
void MedianBetween(const Updates& updates,
                   std::size_t begin,
                   std::size_t end,
                   Workers& workers,
                   std::span<float> out) {
  if (begin == end) {
    return;
  }
  std::vector<float*> rows;
  for (float* const row : updates.rows) {
    rows.push_back(row + begin);
  }
  ReduceColumns(rows,
                MedianNetwork(rows.size()),
                &MiddleOfSorted,
                0,
                workers,
                out.subspan(begin, end - begin));
}

}  // namespace

Status RowMedian(const Updates& updates, const RuleContext& context, std::span<float> out) {
  std::size_t done = 0;
  for (const Table& table : updates.tables) {
    MedianBetween(updates, done, table.offset, context.workers, out);
    const std::size_t size = table.items * table.width;
    TableMedian(updates, table, context.workers)
        .Reduce(context.workers, out.subspan(table.offset, size));
    done = table.offset + size;
  }
  MedianBetween(updates, done, updates.size, context.workers, out);
  return Ok();
}

}  // namespace rondo::coordinator
