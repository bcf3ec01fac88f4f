#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "common/core/ids.h"
#include "common/core/result.h"

namespace rondo {

/// The folder of one run: config.toml, meta.json, rounds.jsonl, summary.json, per_user.tsv,
/// report.html, checkpoints/ and TensorBoard events.
///
/// Rounds are appended one line at a time and reach the kernel before AppendRound returns;
/// everything else is replaced atomically. Not thread-safe; movable.
class RunDirectory {
 public:
  using WallTime = std::chrono::system_clock::time_point;

  /// Makes `runs`/<utc>-<name>/ (with -2, -3, ... if it exists) and points the link `runs`/latest
  /// at it. Errors  kIo.
  static Result<RunDirectory> Create(const std::filesystem::path& runs,
                                     const std::string& name,
                                     WallTime now);

  /// Makes exactly `path`; no link.
  /// Errors  kInvalidArgument if it already holds a run; kIo.
  static Result<RunDirectory> CreateAt(const std::filesystem::path& path);

  /// An existing run, to go on or to read.
  /// Errors  kNotFound if there is none.
  static Result<RunDirectory> Open(const std::filesystem::path& path);

  /// The folder as it is, made if it is missing: a federation's state, where checkpoints lie before
  /// the first run. Errors  kIo.
  static Result<RunDirectory> Adopt(const std::filesystem::path& path);

  RunDirectory(RunDirectory&& other) noexcept;
  RunDirectory& operator=(RunDirectory&& other) noexcept;
  ~RunDirectory();

  const std::filesystem::path& path() const { return path_; }

  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }

  std::filesystem::path config_file() const { return path_ / "config.toml"; }

  Status WriteConfig(std::string_view toml) const;
  Status WriteMeta(const boost::json::object& meta) const;
  Status WriteSummary(const boost::json::object& summary) const;
  Status WritePerUser(std::string_view tsv) const;
  Status WriteReport(std::string_view html) const;

  /// Appends one line to rounds.jsonl. `round` must hold the integer "round".
  /// Errors  kIo (disk full).
  Status AppendRound(const boost::json::object& round);

  /// Forgets the lines of rounds after `round`, those of validations after `validated`, which will
  /// be done again, and a line that a crash cut off, before the run goes on.
  /// Errors  kIo; kCorrupt if a line before the last is broken.
  Status TruncateRounds(RoundId round, RoundId validated);

  /// Errors  kIo; kCorrupt. A cut-off last line is left out.
  Result<std::vector<boost::json::object>> ReadRounds() const;

 private:
  explicit RunDirectory(std::filesystem::path path) : path_(std::move(path)) {}

  void Close();

  std::filesystem::path path_;
  int rounds_ = -1;  ///< descriptor of rounds.jsonl, opened at the first append
};

/// "20261124T150433Z".
std::string UtcStamp(RunDirectory::WallTime time);

}  // namespace rondo
