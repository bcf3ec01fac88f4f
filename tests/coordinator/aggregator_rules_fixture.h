#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/aggregators/rules.h"

namespace rondo::coordinator {

/// Updates with memory of their own.
struct OwnedUpdates {
  explicit OwnedUpdates(std::vector<std::vector<float>> values)
      : rows(std::move(values)),
        weights(rows.size(), 1.0) {}

  Updates View() {
    Updates updates{
        .weights = weights, .size = rows.empty() ? 0 : rows.front().size(), .tables = tables};
    for (std::vector<float>& row : rows) {
      updates.rows.push_back(row.data());
    }
    return updates;
  }

  std::vector<std::vector<float>> rows;
  std::vector<double> weights;
  std::vector<Table> tables;
};

/// Sets two of three rows of the table in each update to zero, and every fifth in all.
inline void LeaveRows(const Table& table, std::vector<std::vector<float>>& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t item = 0; item < table.items; ++item) {
      if ((i + item) % 3 != 0 || item % 5 == 4) {
        std::fill_n(
            rows[i].begin() + static_cast<std::ptrdiff_t>(table.offset + item * table.width),
            table.width,
            0.0F);
      }
    }
  }
}

/// The updates of scripts/reference/aggregators_golden.py.
inline OwnedUpdates MakeUpdates(const std::string& kind,
                                std::size_t n,
                                std::size_t d,
                                std::size_t f,
                                std::uint32_t seed) {
  std::vector<std::vector<float>> rows(n, std::vector<float>(d));
  std::uint32_t state = seed;
  for (std::vector<float>& row : rows) {
    for (float& value : row) {
      state = 1664525U * state + 1013904223U;
      value = static_cast<float>(state >> 8) / 16777216.0F - 0.5F;
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (float& value : rows[i]) {
      if (kind == "ties" || kind == "sparse") {
        value = std::floor(value * 4.0F) / 4.0F;
      } else if (kind == "hostile" && i < f) {
        value = value * 16.0F + 64.0F;
      }
    }
    if (kind == "ties" && i % 5 == 4) {
      rows[i] = rows[i - 1];
    }
  }
  const std::size_t width = 1 + n % 9;
  const Table table{.offset = d / 5, .items = (d - d / 5) / width, .width = width};
  if (kind == "sparse") {
    LeaveRows(table, rows);
  }
  OwnedUpdates updates(std::move(rows));
  updates.tables = {table};
  for (std::size_t i = 0; i < n; ++i) {
    updates.weights[i] = static_cast<double>(1 + 7 * i % 5);
  }
  return updates;
}

/// A copy of `updates` through the rule of `config`.
inline std::vector<float> Aggregate(OwnedUpdates updates,
                                    const StrategyConfig& config,
                                    int threads = 1,
                                    RoundId round = 1) {
  Workers workers(threads);
  Updates view = updates.View();
  std::vector<float> out(view.size);
  const Status applied =
      ApplyRule(view, {.config = config, .workers = workers, .seed = 7, .round = round}, out);
  return applied ? out : std::vector<float>();
}

}  // namespace rondo::coordinator
