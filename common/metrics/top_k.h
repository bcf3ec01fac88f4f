#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/data/dataset.h"
#include "common/metrics/scorer.h"

/// From scores to lists: what a person or a service gets out of a model. The same code serves the
/// client and the simulator.
namespace rondo {

struct ScoredItem {
  ItemRow row = 0;
  float score = 0.0F;

  bool operator==(const ScoredItem&) const = default;
};

struct TopKOptions {
  std::size_t k = 10;
  bool filter_seen = true;  ///< leave out items that the user has met
};

/// The best k rows of one row of scores, best first. Equal scores stand in byte order of their item
/// ids, as `rondo-sim metrics` reads them back. Padding and NaN scores are never recommended.
///
/// Shapes  scores [items + 1]; met in any order, repeats and row 0 allowed.
std::vector<ScoredItem> SelectTop(std::span<const float> scores,
                                  std::span<const ItemRow> met,
                                  const Catalogue& catalogue,
                                  const TopKOptions& options);

/// One user, what to recommend from and what never to recommend.
struct UserHistory {
  std::string user;
  std::vector<ItemRow> rows;  ///< input events, oldest first
  std::vector<ItemRow>
      met;  ///< items of all events, whatever their role: inputs, targets, feedback
};

/// The history of one user: the visible events and, with `test`, also those held out. Items outside
/// the catalogue are left out.
UserHistory HistoryOf(const UserSequence& user, const TestRows* test = nullptr);

/// The same for all users. Lists to be scored leave the test out; a service recommends from
/// everything it knows.
std::vector<UserHistory> Histories(const Dataset& dataset,
                                   const std::vector<TestRows>* test = nullptr);

/// One list a user, in the order of `users`.
/// Errors  those of the scorer.
Result<std::vector<std::vector<ScoredItem>>> RecommendTop(Scorer& scorer,
                                                          std::span<const UserHistory> users,
                                                          const Catalogue& catalogue,
                                                          const TopKOptions& options);

/// Writes one list a user:
///
/// recommendations.tsv := "user_id\titem_id\tscore\n" { user "\t" item "\t" score "\n" }
///
/// Returns the number of lines below the header.
/// Errors  those of the scorer; kIo.
Result<std::uint64_t> WriteRecommendations(const std::filesystem::path& path,
                                           Scorer& scorer,
                                           std::span<const UserHistory> users,
                                           const Catalogue& catalogue,
                                           const TopKOptions& options);

/// The list as an aligned table for people: rank, item id, score, title.
std::string RecommendationTable(std::span<const ScoredItem> items, const Catalogue& catalogue);

}  // namespace rondo
