#include "coordinator/audit_log.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "common/core/file.h"
#include "common/crypto/sha256.h"

namespace rondo::coordinator {
namespace {

namespace json = boost::json;

constexpr std::string_view kDigestKey = ",\"sha256\":\"";
constexpr std::size_t kDigestEnd = 64 + 2;  // The digest, '"' and '}'.
/// Longer lines are not written.
constexpr std::size_t kLongestLine = 64 << 10;

Failure SystemError(const char* what, const std::filesystem::path& path) {
  const char* reason = std::strerror(errno);  // NOLINT(concurrency-mt-unsafe)
  return Fail(ErrorCode::kIo,
              std::string("cannot ") + what + " '" + path.string() + "': " + reason);
}

/// Keeps other processes from appending.
class FileLock {
 public:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {
    while (::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {}
  }

  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  ~FileLock() { ::flock(descriptor_, LOCK_UN); }

 private:
  int descriptor_;
};

struct Link {
  std::uint64_t seq = 0;
  std::string previous;
  std::string digest;
};

/// A line without its end. Errors  kCorrupt, saying what is wrong with it.
Result<Link> ReadLine(std::string_view line) {
  const std::size_t shortest = kDigestKey.size() + kDigestEnd;
  if (line.size() < shortest || !line.ends_with("\"}")) {
    return Fail(ErrorCode::kCorrupt, "it is no audit line");
  }
  const std::string_view signed_part = line.substr(0, line.size() - shortest);
  const std::string_view rest = line.substr(signed_part.size());
  Link link;
  link.digest = rest.substr(kDigestKey.size(), 64);
  if (!rest.starts_with(kDigestKey) || Sha256Hex(AsBytes(signed_part)) != link.digest) {
    return Fail(ErrorCode::kCorrupt, "its digest does not fit its content");
  }
  boost::system::error_code code;
  const json::value value = json::parse(std::string(line), code);
  const json::object* object = code ? nullptr : value.if_object();
  const json::value* seq = object == nullptr ? nullptr : object->if_contains("seq");
  const json::value* previous = object == nullptr ? nullptr : object->if_contains("prev");
  if (seq == nullptr || !seq->is_int64() || seq->as_int64() < 1 || previous == nullptr
      || !previous->is_string()) {
    return Fail(ErrorCode::kCorrupt, "it is no audit line");
  }
  link.seq = static_cast<std::uint64_t>(seq->as_int64());
  link.previous = previous->as_string();
  return link;
}

/// The last bytes of the file, at most enough for one line and a torn one.
Result<std::string> Tail(int descriptor, const std::filesystem::path& path, std::uint64_t size) {
  const std::uint64_t begin = size - std::min<std::uint64_t>(size, 2 * kLongestLine);
  std::string tail(size - begin, '\0');
  std::size_t read = 0;
  while (read < tail.size()) {
    const ssize_t got = ::pread(
        descriptor, tail.data() + read, tail.size() - read, static_cast<off_t>(begin + read));
    if (got <= 0) {
      return SystemError("read", path);
    }
    read += static_cast<std::size_t>(got);
  }
  return tail;
}

}  // namespace

Result<AuditLog> AuditLog::Open(const std::filesystem::path& state) {
  const std::filesystem::path path = state / "audit.jsonl";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (descriptor < 0) {
    return SystemError("create", path);
  }
  AuditLog log(descriptor, path);
  const FileLock lock(descriptor);
  std::uint64_t next = 1;
  std::string previous;
  RONDO_TRY_STATUS(log.Heal(next, previous));
  return log;
}

AuditLog::AuditLog(AuditLog&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)) {}

AuditLog::~AuditLog() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

/// The number and `prev` of the next line; cuts off half a line first. The file is locked.
Status AuditLog::Heal(std::uint64_t& next, std::string& previous) {
  struct stat info {};

  if (::fstat(descriptor_, &info) != 0) {
    return SystemError("read", path_);
  }
  const auto size = static_cast<std::uint64_t>(info.st_size);
  RONDO_TRY(const std::string tail, Tail(descriptor_, path_, size));
  const std::size_t end = tail.rfind('\n');
  const std::size_t whole = end == std::string::npos ? 0 : end + 1;
  const std::size_t torn = tail.size() - whole;
  next = 1;
  previous = std::string(64, '0');
  if (whole > 0) {
    const std::size_t before = end == 0 ? std::string::npos : tail.rfind('\n', end - 1);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    const auto last = ReadLine(std::string_view(tail).substr(begin, end - begin));
    if (!last) {
      return Fail(ErrorCode::kCorrupt,
                  path_.string() + ": the last line was tampered with or damaged, "
                      + last.error().message
                      + "; look with `rondo-coordinator audit verify`, and move the file away to "
                        "begin another");
    }
    next = last->seq + 1;
    previous = last->digest;
  }
  if (torn == 0) {
    return Ok();
  }
  if (::ftruncate(descriptor_, static_cast<off_t>(size - torn)) != 0) {
    return SystemError("cut half a line off", path_);
  }
  std::string digest;
  RONDO_TRY_STATUS(Write(next, previous, "healed", {{"torn_bytes", torn}}, digest));
  ++next;
  previous = std::move(digest);
  return Ok();
}

Status AuditLog::Write(std::uint64_t seq,
                       const std::string& previous,
                       const std::string& event,
                       const json::object& fields,
                       std::string& digest) const {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto time = fmt::gmtime(std::chrono::system_clock::to_time_t(now));
  const auto milliseconds = now.time_since_epoch().count() % 1000;
  std::string line = fmt::format(
      R"({{"seq":{},"time":"{:%Y-%m-%dT%H:%M:%S}.{:03}Z","event":{},"fields":{},"prev":"{}")",
      seq,
      time,
      milliseconds,
      json::serialize(json::value(event)),
      json::serialize(fields),
      previous);
  digest = Sha256Hex(AsBytes(line));
  line += std::string(kDigestKey) + digest + "\"}\n";
  if (line.size() > kLongestLine) {
    return Fail(ErrorCode::kInvalidArgument, "an audit line of " + event + " would be too long");
  }
  RONDO_TRY_STATUS(AppendWhole(descriptor_, AsBytes(line), path_));
  if (::fdatasync(descriptor_) != 0) {
    return SystemError("write", path_);
  }
  return Ok();
}

Status AuditLog::Append(const std::string& event, const json::object& fields) {
  const FileLock lock(descriptor_);
  std::uint64_t next = 1;
  std::string previous;
  RONDO_TRY_STATUS(Heal(next, previous));
  std::string digest;
  return Write(next, previous, event, fields, digest);
}

Result<AuditVerdict> VerifyAudit(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    return Fail(ErrorCode::kNotFound, "there is no audit log " + file.string());
  }
  AuditVerdict verdict{.newest = ""};
  std::string previous(64, '0');
  std::string line;
  while (std::getline(stream, line)) {
    const std::string where = file.string() + ":" + std::to_string(verdict.lines + 1) + ": ";
    if (stream.eof()) {
      verdict.torn = line.size();
      break;
    }
    const auto link = ReadLine(line);
    if (!link) {
      return Fail(ErrorCode::kCorrupt, where + link.error().message);
    }
    if (link->seq != verdict.lines + 1 || link->previous != previous) {
      return Fail(ErrorCode::kCorrupt,
                  where + "it does not follow the line before: lines were changed, moved or taken "
                          "out");
    }
    ++verdict.lines;
    previous = link->digest;
    verdict.newest = link->digest;
  }
  if (stream.bad()) {
    return Fail(ErrorCode::kIo, "cannot read " + file.string());
  }
  return verdict;
}

}  // namespace rondo::coordinator
