#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/ids.h"
#include "common/core/result.h"

namespace rondo {

/// The public, versioned item list: item id -> row. Row 0 is padding, row i the i-th item of the
/// list. Never derived from clients' interactions in a federation.
///
/// catalogue.tsv := "item_id" { "\t" column [ ":" type ] } "\n" { id { "\t" value } "\n" }
/// type := "token" | "token_seq" | "float" | "float_seq", as RecBole writes them
class Catalogue {
 public:
  /// `columns` are names, or "name:type". Errors  kInvalidArgument for an empty list or a repeated
  /// id.
  static Result<Catalogue> Create(std::vector<std::string> ids,
                                  std::vector<std::string> columns = {},
                                  std::vector<std::vector<std::string>> values = {});
  static Result<Catalogue> Read(const std::filesystem::path& path);

  ItemRow Row(std::string_view id) const;    ///< 0 if unknown
  const std::string& id(ItemRow row) const;  ///< row in 1 .. items

  std::int64_t items() const { return static_cast<std::int64_t>(ids_.size()); }

  /// Public columns beside the id, such as title or genres; "" where the list has none.
  const std::vector<std::string>& columns() const { return columns_; }

  std::string_view Value(ItemRow row, std::string_view column) const;

  /// The type that the list gives a column; "" where it gives none.
  std::string_view Type(std::string_view column) const;

  std::string Title(ItemRow row) const;  ///< `title` or `movie_title` column, else the id

  const std::string& text() const { return text_; }  ///< the bytes of catalogue.tsv

  const std::string& sha256() const { return sha256_; }  ///< of text()

 private:
  Catalogue() = default;
  std::vector<std::string> ids_;
  std::unordered_map<std::string, ItemRow> rows_;
  std::vector<std::string> columns_;
  std::vector<std::string> types_;                ///< parallel to columns_
  std::vector<std::vector<std::string>> values_;  ///< [items][columns]
  std::string text_;
  std::string sha256_;
};

/// What an event is for; `data.events` maps event names to roles.
enum class EventRole : std::uint8_t {
  kIgnore = 0,
  kInput = 1,     ///< seen in the history, never a target: a click
  kTarget = 2,    ///< predicted, never seen in the history
  kBoth = 3,      ///< the default
  kNegative = 4,  ///< negative feedback: kept apart in UserSequence::negatives
};

inline bool IsInput(EventRole role) {
  return (static_cast<unsigned>(role) & 1U) != 0;
}

inline bool IsTarget(EventRole role) {
  return (static_cast<unsigned>(role) & 2U) != 0;
}

/// One user's events in order: training rows first, then validation rows. Test rows are not here.
/// A target `rows[j]` with j >= train_size is predicted from the inputs of rows[0 .. j). All rows
/// are in the catalogue (>= 1): held-out targets outside it are left out of validation, and
/// counted.
struct UserSequence {
  std::string user;
  std::vector<ItemRow> rows;
  std::vector<double> times;       ///< Unix seconds, or position where only the order is known
  std::vector<ItemRow> negatives;  ///< items with negative feedback in training
  std::vector<EventRole> roles;    ///< of each row; empty where all are kBoth
  std::size_t train_size = 0;
  std::unordered_map<std::string, std::string> attributes;  ///< of the `.user` file

  std::span<const ItemRow> train() const { return std::span(rows).first(train_size); }

  EventRole role(std::size_t row) const { return roles.empty() ? EventRole::kBoth : roles[row]; }

  /// Whether some training row is predicted: a target with an input before it.
  bool Trains() const;

  /// The rows that are seen in a history: inputs among all rows.
  std::vector<ItemRow> Inputs() const;
};

/// Test rows of one user: a target `rows[j]` is predicted from the inputs of UserSequence plus
/// those of rows[0 .. j).
struct TestRows {
  std::vector<ItemRow> rows;  ///< 0: a target outside the catalogue, a miss
  std::vector<double> times;
  std::vector<EventRole> roles = {};  ///< of each row; empty where all are kBoth

  EventRole role(std::size_t row) const { return roles.empty() ? EventRole::kBoth : roles[row]; }
};

/// The test split under seal: opened once, when the selected model is scored.
class HeldOutTest {
 public:
  HeldOutTest() = default;

  explicit HeldOutTest(std::vector<TestRows> users) : users_(std::move(users)) {}

  /// Hands out the rows, parallel to Dataset::users.
  const std::vector<TestRows>& Open() {
    ++openings_;
    return users_;
  }

  int openings() const { return openings_; }

 private:
  std::vector<TestRows> users_;
  int openings_ = 0;
};

/// What the readers met, for the data report.
struct DataReport {
  std::uint64_t rows = 0;
  std::uint64_t bad_rows = 0;
  std::vector<std::string> bad_row_examples;  ///< first few, "file:line: reason"
  std::uint64_t unknown_items = 0;            ///< rows whose item the catalogue or mapping lacks
  std::uint64_t users_dropped = 0;
  std::uint64_t items_dropped = 0;
  double tied_share = 0.0;                  ///< neighbouring events of a user with equal time
  double users_sorted_by_item = 0.0;        ///< share of users whose file order follows item ids
  double test_targets_outside = 0.0;        ///< share of test targets outside the catalogue
  double validation_targets_outside = 0.0;  ///< same for validation; these rows are left out
  std::uint64_t train_rows = 0;
  std::uint64_t validation_rows = 0;
  std::uint64_t test_rows = 0;
  double validation_from = 0.0;  ///< global_time: the cuts in force, given or derived
  double test_from = 0.0;
  std::vector<std::string> warnings;
};

/// Users with their visible rows. Immutable after loading.
struct Dataset {
  std::shared_ptr<const Catalogue> catalogue;
  std::vector<UserSequence> users;
  bool ordered = true;  ///< false for data.order = "none": no positions, no causal mask, no Markov
  std::string fingerprint;  ///< SHA-256 over catalogue, sequences and split
};

struct LoadedData {
  Dataset dataset;
  HeldOutTest test;
  DataReport report;
};

/// Reads, filters, orders and splits a data set as configured. Users come in id order (IdLess in
/// text.h), as do the items of a catalogue made from training rows, so neither depends on the order
/// of the file.
///
/// `min_user_events` and `min_item_events` count training rows. The latter applies only where the
/// catalogue is made from them: a public list decides by itself, and a client cannot count for
/// others. Errors  kNotFound, kCorrupt, kInvalidArgument (wrong header, nothing left after
/// filtering: with the counts).
Result<LoadedData> LoadData(const DataConfig& config);

/// Reads the same log without hold-out and keeps every user with an event in the catalogue,
/// whatever `split`, `min_user_events` and `min_item_events` say: all rows are training rows, no
/// user has test rows. This is what lists for users start from, as in
/// `Histories(LoadWholeLog(config)->dataset)`. Errors  those of LoadData.
Result<LoadedData> LoadWholeLog(DataConfig config);

/// One client: its id and the indices of its users in Dataset::users.
struct ClientShard {
  ClientId id;
  std::vector<std::uint32_t> users;
};

/// Splits whole users into clients by `config.clients`. Shards come in byte order of their ids;
/// none is empty.
///
///   user               every user is a client
///   column:NAME[:N]    users with the same value, or the same first N bytes of it; no value:
///   "unknown" dirichlet:ALPHA    users are grouped by favourite genre (by popularity of their
///   items where there are no genres);
///                      each group spreads over K institutions by its own draw of Dirichlet(ALPHA,
///                      ..., ALPHA)
///   lognormal:SIGMA    shuffled users; sizes of the K institutions in proportion to exp(SIGMA *
///   normal), each at least 1
/// Errors  kInvalidArgument for an unknown rule or a column that the file of the users lacks.
Result<std::vector<ClientShard>> PartitionClients(const Dataset& dataset, const DataConfig& config);

}  // namespace rondo
