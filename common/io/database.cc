#include "common/io/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "common/core/check.h"

namespace rondo {
namespace {

constexpr int kBusyMilliseconds = 5000;

using StatementPtr = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

/// Where a value goes into a statement, or comes out of a row.
int Bind(sqlite3_stmt* statement, int place, const Database::Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    return sqlite3_bind_int64(statement, place, *number);
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    return sqlite3_bind_text64(
        statement, place, text->data(), text->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  return sqlite3_bind_null(statement, place);
}

Database::Value Column(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
      return std::monostate();
    case SQLITE_INTEGER:
      return std::int64_t{sqlite3_column_int64(statement, column)};
    default: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
      return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
    }
  }
}

}  // namespace

void Database::Close::operator()(sqlite3* handle) const {
  sqlite3_close_v2(handle);
}

Failure Database::Failed(const char* what) const {
  const int code = sqlite3_errcode(handle_.get()) & 0xFF;
  const std::string message =
      path_.string() + ": cannot " + what + ": " + sqlite3_errmsg(handle_.get());
  switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Fail(ErrorCode::kUnavailable, message);
    case SQLITE_CONSTRAINT:
      return Fail(ErrorCode::kFailedPrecondition, message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Fail(ErrorCode::kCorrupt, message);
    default:
      return Fail(ErrorCode::kIo, message);
  }
}

Result<Database> Database::Open(const std::filesystem::path& path, const char* schema) {
  // SQLite gives the files beside it the same mode.
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (made < 0) {
    return Fail(ErrorCode::kIo, "cannot create '" + path.string() + "'");
  }
  ::close(made);
  sqlite3* raw = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(std::unique_ptr<sqlite3, Close>(raw), path);
  if (opened != SQLITE_OK) {
    return database.Failed("open the database");
  }
  sqlite3_busy_timeout(raw, kBusyMilliseconds);
  constexpr const char* kSettings =
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;";
  for (const char* script : {kSettings, schema}) {
    if (sqlite3_exec(raw, script, nullptr, nullptr, nullptr) != SQLITE_OK) {
      return database.Failed("prepare the database");
    }
  }
  return database;
}

Result<std::vector<Database::Row>> Database::Query(const char* sql,
                                                   const std::vector<Value>& values) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(handle_.get(), sql, -1, &raw, nullptr) != SQLITE_OK) {
    return Failed("read or write the database");
  }
  const StatementPtr statement(raw, &sqlite3_finalize);
  RONDO_CHECK(static_cast<std::size_t>(sqlite3_bind_parameter_count(raw)) == values.size()) << sql;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (Bind(raw, static_cast<int>(i) + 1, values[i]) != SQLITE_OK) {
      return Failed("write to the database");
    }
  }
  std::vector<Row> rows;
  for (;;) {
    const int step = sqlite3_step(raw);
    if (step == SQLITE_DONE) {
      return rows;
    }
    if (step != SQLITE_ROW) {
      return Failed("read or write the database");
    }
    Row row;
    const int columns = sqlite3_column_count(raw);
    row.reserve(static_cast<std::size_t>(columns));
    for (int column = 0; column < columns; ++column) {
      row.push_back(Column(raw, column));
    }
    rows.push_back(std::move(row));
  }
}

Status Database::Execute(const char* sql, const std::vector<Value>& values) {
  RONDO_TRY(const std::vector<Row> none, Query(sql, values));
  return Ok();
}

Result<std::int64_t> Database::Version() {
  RONDO_TRY(const std::vector<Row> rows, Query("PRAGMA data_version"));
  return std::get<std::int64_t>(rows.at(0).at(0));
}

Result<Transaction> Transaction::Begin(Database& database) {
  RONDO_TRY_STATUS(database.Execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) {
    const Status ignored = database_->Execute("ROLLBACK");  // SQLite undoes it in any case.
  }
}

Status Transaction::Commit() {
  RONDO_TRY_STATUS(database_->Execute("COMMIT"));
  database_ = nullptr;
  return Ok();
}

}  // namespace rondo
