#include "common/io/run_directory.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <boost/json/object.hpp>

#include "common/core/file.h"
#include "common/io/json.h"

namespace rondo {
namespace {

constexpr int kMostTwins = 10000;

Failure SystemError(const std::string& what, const std::filesystem::path& path) {
  return Fail(
      ErrorCode::kIo,
      what + " '" + path.string() + "': " + std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
}

/// Points the link at `target` (relative to the link's folder) without a moment in which it is
/// missing.
Status ReplaceLink(const std::filesystem::path& link, const std::filesystem::path& target) {
  const std::filesystem::path temporary = link.string() + ".tmp";
  ::unlink(temporary.c_str());
  if (::symlink(target.c_str(), temporary.c_str()) != 0
      || ::rename(temporary.c_str(), link.c_str()) != 0) {
    const Failure failure = SystemError("cannot set the link", link);
    ::unlink(temporary.c_str());
    return failure;
  }
  return Ok();
}

struct RoundLine {
  std::size_t begin = 0;
  std::size_t end = 0;  ///< after its newline
  boost::json::object object;
};

/// All whole lines of rounds.jsonl. Only the last may be broken.
Result<std::vector<RoundLine>> ParseRounds(const std::string& text,
                                           const std::filesystem::path& path) {
  std::vector<RoundLine> lines;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t newline = text.find('\n', begin);
    if (newline == std::string::npos) {
      break;  // Cut off by a crash.
    }
    Result<boost::json::value> value =
        ParseJson(std::string_view(text).substr(begin, newline - begin));
    const bool is_round = value && value->is_object() && value->get_object().contains("round")
                          && value->at("round").is_int64();
    if (!is_round && newline + 1 == text.size()) {
      break;
    }
    if (!is_round) {
      return Fail(
          ErrorCode::kCorrupt,
          "'" + path.string() + "', line " + std::to_string(lines.size() + 1) + ": no round");
    }
    lines.push_back({.begin = begin, .end = newline + 1, .object = std::move(value->get_object())});
    begin = newline + 1;
  }
  return lines;
}

}  // namespace

std::string UtcStamp(RunDirectory::WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts)};
}

Result<RunDirectory> RunDirectory::Create(const std::filesystem::path& runs,
                                          const std::string& name,
                                          WallTime now) {
  RONDO_TRY_STATUS(MakeFolder(runs));
  const std::string base = UtcStamp(now) + "-" + name;
  for (int twin = 1; twin < kMostTwins; ++twin) {
    const std::filesystem::path path =
        runs / (twin == 1 ? base : base + "-" + std::to_string(twin));
    std::error_code code;
    const bool made = std::filesystem::create_directory(path, code);
    if (code && code != std::errc::file_exists) {
      return Fail(ErrorCode::kIo,
                  "cannot make the folder '" + path.string() + "': " + code.message());
    }
    if (made) {
      RONDO_TRY_STATUS(ReplaceLink(runs / "latest", path.filename()));
      return RunDirectory(path);
    }
  }
  return Fail(ErrorCode::kIo, "too many runs named '" + base + "' in '" + runs.string() + "'");
}

Result<RunDirectory> RunDirectory::CreateAt(const std::filesystem::path& path) {
  std::error_code code;
  for (const char* part : {"config.toml", "rounds.jsonl", "checkpoints"}) {
    if (std::filesystem::exists(path / part, code)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "'" + path.string()
                      + "' already holds a run; give another folder or go on with --resume "
                      + path.string());
    }
  }
  RONDO_TRY_STATUS(MakeFolder(path));
  return RunDirectory(path);
}

Result<RunDirectory> RunDirectory::Open(const std::filesystem::path& path) {
  std::error_code code;
  if (!std::filesystem::exists(path / "config.toml", code)) {
    return Fail(ErrorCode::kNotFound, "'" + path.string() + "' is no run: it has no config.toml");
  }
  return RunDirectory(path);
}

Result<RunDirectory> RunDirectory::Adopt(const std::filesystem::path& path) {
  RONDO_TRY_STATUS(MakeFolder(path));
  return RunDirectory(path);
}

RunDirectory::RunDirectory(RunDirectory&& other) noexcept
    : path_(std::move(other.path_)),
      rounds_(std::exchange(other.rounds_, -1)) {}

RunDirectory& RunDirectory::operator=(RunDirectory&& other) noexcept {
  if (this != &other) {
    Close();
    path_ = std::move(other.path_);
    rounds_ = std::exchange(other.rounds_, -1);
  }
  return *this;
}

RunDirectory::~RunDirectory() {
  Close();
}

void RunDirectory::Close() {
  if (rounds_ >= 0) {
    ::close(rounds_);
    rounds_ = -1;
  }
}

Status RunDirectory::WriteConfig(std::string_view toml) const {
  return WriteTextFile(config_file(), toml);
}

Status RunDirectory::WriteMeta(const boost::json::object& meta) const {
  return WriteTextFile(path_ / "meta.json", PrettyJson(meta));
}

Status RunDirectory::WriteSummary(const boost::json::object& summary) const {
  return WriteTextFile(path_ / "summary.json", PrettyJson(summary));
}

Status RunDirectory::WritePerUser(std::string_view tsv) const {
  return WriteTextFile(path_ / "per_user.tsv", tsv);
}

Status RunDirectory::WriteReport(std::string_view html) const {
  return WriteTextFile(path_ / "report.html", html);
}

Status RunDirectory::AppendRound(const boost::json::object& round) {
  const std::filesystem::path path = path_ / "rounds.jsonl";
  if (rounds_ < 0) {
    rounds_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (rounds_ < 0) {
      return SystemError("cannot open", path);
    }
  }
  const std::string line = CompactJson(round) + "\n";
  return AppendWhole(rounds_, AsBytes(line), path);
}

Status RunDirectory::TruncateRounds(RoundId round, RoundId validated) {
  Close();
  const std::filesystem::path path = path_ / "rounds.jsonl";
  std::error_code code;
  if (!std::filesystem::exists(path, code)) {
    return Ok();
  }
  RONDO_TRY(const std::string text, ReadTextFile(path));
  RONDO_TRY(const std::vector<RoundLine> lines, ParseRounds(text, path));
  std::string kept;
  for (const RoundLine& line : lines) {
    const boost::json::value* event = line.object.if_contains("event");
    const bool validation = event != nullptr && *event == "validation";
    const auto newest = static_cast<std::int64_t>(validation ? std::min(round, validated) : round);
    if (line.object.at("round").get_int64() <= newest) {
      kept += text.substr(line.begin, line.end - line.begin);
    }
  }
  return kept == text ? Ok() : WriteTextFile(path, kept);
}

Result<std::vector<boost::json::object>> RunDirectory::ReadRounds() const {
  const std::filesystem::path path = path_ / "rounds.jsonl";
  std::vector<boost::json::object> rounds;
  std::error_code code;
  if (!std::filesystem::exists(path, code)) {
    return rounds;
  }
  RONDO_TRY(const std::string text, ReadTextFile(path));
  RONDO_TRY(std::vector<RoundLine> lines, ParseRounds(text, path));
  for (RoundLine& line : lines) {
    rounds.push_back(std::move(line.object));
  }
  return rounds;
}

}  // namespace rondo
