#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/core/result.h"

struct sqlite3;

/// A SQLite file that several processes may use. What is committed is on disk (WAL,
/// synchronous=FULL). Confined to one thread.
namespace rondo {

class Database {
 public:
  /// Null, a whole number, or text.
  using Value = std::variant<std::monostate, std::int64_t, std::string>;
  using Row = std::vector<Value>;

  /// Opens or makes the file (mode 0600) and runs `schema`, statements that change nothing where
  /// the tables are there. Errors  kIo; kCorrupt for a file of another kind.
  static Result<Database> Open(const std::filesystem::path& path, const char* schema);

  /// Runs one statement with `?` for each value and returns its rows.
  /// Errors  kUnavailable if another process held the file for five seconds; kFailedPrecondition if
  /// a constraint is broken; kIo.
  Result<std::vector<Row>> Query(const char* sql, const std::vector<Value>& values = {});

  /// As Query, for statements without rows.
  Status Execute(const char* sql, const std::vector<Value>& values = {});

  /// Another number after each commit of another process, or of another Database on this file.
  Result<std::int64_t> Version();

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };

  Database(std::unique_ptr<sqlite3, Close> handle, std::filesystem::path path)
      : handle_(std::move(handle)),
        path_(std::move(path)) {}

  Failure Failed(const char* what) const;

  std::unique_ptr<sqlite3, Close> handle_;
  std::filesystem::path path_;
};

/// All of its statements or none: whatever is not committed is undone. Keeps other writers out from
/// its start on.
class Transaction {
 public:
  /// `database` outlives it. Errors  as Database::Query.
  static Result<Transaction> Begin(Database& database);

  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}

  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Status Commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}

  Database* database_;
};

}  // namespace rondo
