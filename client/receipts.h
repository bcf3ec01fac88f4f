#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "common/core/result.h"
#include "common/crypto/ed25519.h"

namespace rondo::client {

/// What a client has sent to whom, one line of JSON each:
///
///   line := {"seq":N,FIELDS,"prev":"hex64","signature":"hex128"} LF
///
/// `seq` counts from 1. `prev` is the SHA-256 of the line before without its end, zeros in the
/// first. The signature is Ed25519 by the client's long-term key over everything before
/// `,"signature"`. So a line that is changed, moved or taken out from between two others shows;
/// that the newest ones were cut off shows to who noted the digest of the last.
class Receipts {
 public:
  explicit Receipts(std::filesystem::path file) : file_(std::move(file)) {}

  /// On disk when this returns, with mode 0600. Half a line that a crash left at the end is cut off
  /// first. Errors  kIo; kCorrupt if the last line is no receipt.
  Status Append(const boost::json::object& fields, const SigningKey& key);

 private:
  struct End {
    std::uint64_t seq = 0;
    std::string digest;
  };

  Result<End> FindEnd() const;

  std::filesystem::path file_;
  std::optional<End> end_;  ///< once the file was read
};

/// All that went to one server in one run.
struct SentToServer {
  std::string server_key_sha256;
  std::string run_id;
  std::uint64_t trainings = 0;
  std::uint64_t evaluations = 0;
  std::uint64_t bytes = 0;
  std::string first;  ///< time of the first and the last of them
  std::string last;
};

struct ReceiptsVerdict {
  std::uint64_t receipts = 0;  ///< that hold
  std::string newest;          ///< SHA-256 of the last line; empty if there is none
  std::uint64_t torn = 0;      ///< bytes of half a line at the end, which the next receipt cuts off
  std::vector<SentToServer> sent;  ///< in the order of their first receipts
};

/// Reads the whole file. Errors  kNotFound, kIo; kCorrupt, naming the first line that does not
/// hold.
Result<ReceiptsVerdict> VerifyReceipts(const std::filesystem::path& file, const Ed25519Public& key);

/// For people, one line a server and run; and as JSON:
/// {"schema_version", "receipts", "newest_sha256", "torn_bytes", "sent": [{"server_key_sha256",
///  "run", "trainings", "evaluations", "bytes", "first", "last"}]}
std::string ReceiptsText(const ReceiptsVerdict& verdict);
std::string ReceiptsJson(const ReceiptsVerdict& verdict);

}  // namespace rondo::client
