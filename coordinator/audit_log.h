#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <boost/json/object.hpp>

#include "common/core/result.h"

/// What happened in a federation, in a file that only grows (`audit.jsonl` of the state folder):
///
///   line := {"seq":N,"time":"...Z","event":"...","fields":{...},"prev":"hex64","sha256":"hex64"}
///   LF
///
/// `sha256` is the digest of the line up to `,"sha256"`, `prev` that of the line before (64 zeros
/// in the first), and `seq` counts from 1. So no line can be changed, taken out or put in without
/// changing all that follow. Whoever wants to notice that the last lines were cut off keeps the
/// newest digest elsewhere.
namespace rondo::coordinator {

class AuditLog {
 public:
  /// Makes the file if it is not there. Half a line at the end, left by a crash, is cut off and
  /// noted as the event `healed`. Errors  kIo; kCorrupt if the last whole line is no audit line.
  static Result<AuditLog> Open(const std::filesystem::path& state);

  AuditLog(AuditLog&& other) noexcept;
  AuditLog& operator=(AuditLog&&) = delete;
  ~AuditLog();

  /// Appends one line; on disk when this returns. Several processes may append: each line follows
  /// the last one of the file. Errors  kIo, and the file is as before; kCorrupt as Open.
  Status Append(const std::string& event, const boost::json::object& fields);

 private:
  AuditLog(int descriptor, std::filesystem::path path)
      : descriptor_(descriptor),
        path_(std::move(path)) {}

  Status Heal(std::uint64_t& next, std::string& previous);
  Status Write(std::uint64_t seq,
               const std::string& previous,
               const std::string& event,
               const boost::json::object& fields,
               std::string& digest) const;

  int descriptor_;
  std::filesystem::path path_;
};

/// What AuditVerify found.
struct AuditVerdict {
  std::uint64_t lines = 0;  ///< that hold
  std::string newest;       ///< digest of the last of them; empty if there is none
  std::uint64_t torn = 0;   ///< bytes of half a line at the end, which the next start cuts off
};

/// Reads the whole chain. Errors  kNotFound, kIo; kCorrupt, naming the first line that is broken.
Result<AuditVerdict> VerifyAudit(const std::filesystem::path& file);

}  // namespace rondo::coordinator
