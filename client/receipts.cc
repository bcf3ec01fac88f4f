#include "client/receipts.h"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <unistd.h>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "common/core/file.h"
#include "common/core/text_bytes.h"
#include "common/crypto/sha256.h"
#include "common/io/json.h"

namespace rondo::client {
namespace {

namespace json = boost::json;

constexpr std::string_view kSignatureKey = ",\"signature\":\"";
constexpr std::size_t kSignatureEnd = 128 + 2;  // The signature, '"' and '}'.

Failure NoReceipt() {
  return Fail(ErrorCode::kCorrupt, "it is no receipt");
}

/// What a receipt's signature is over. Errors  kCorrupt.
Result<std::string_view> SignedPart(std::string_view line) {
  const std::size_t tail = kSignatureKey.size() + kSignatureEnd;
  if (line.size() <= tail || !line.ends_with("\"}")
      || !line.substr(line.size() - tail).starts_with(kSignatureKey)) {
    return NoReceipt();
  }
  return line.substr(0, line.size() - tail);
}

Result<json::object> ReadFields(std::string_view line) {
  RONDO_TRY_STATUS(SignedPart(line).has_value() ? Ok() : Status(NoReceipt()));
  auto value = ParseJson(line);
  json::object* const object = value ? value->if_object() : nullptr;
  if (object == nullptr) {
    return NoReceipt();
  }
  return std::move(*object);
}

std::string TextOf(const json::object& fields, const char* key) {
  const json::value* const value = fields.if_contains(key);
  const json::string* const text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? "" : std::string(*text);
}

std::uint64_t NumberOf(const json::object& fields, const char* key) {
  const json::value* const value = fields.if_contains(key);
  return value != nullptr && value->is_int64() && value->as_int64() >= 0
             ? static_cast<std::uint64_t>(value->as_int64())
             : 0;
}

/// Errors  kCorrupt if the line is not the one that this key signed after `before`.
Status CheckLine(std::string_view line,
                 const json::object& fields,
                 const ReceiptsVerdict& before,
                 const Ed25519Public& key) {
  RONDO_TRY(const std::string_view signed_part, SignedPart(line));
  const std::string_view digits = line.substr(line.size() - kSignatureEnd, 128);
  const std::optional<Bytes> signature = FromHex(digits);
  if (!signature || !VerifySignature(key, AsBytes(signed_part), *signature)) {
    return Fail(ErrorCode::kCorrupt,
                "its signature does not hold: it was changed, or another key signed it");
  }
  const std::string previous = before.newest.empty() ? std::string(64, '0') : before.newest;
  if (NumberOf(fields, "seq") != before.receipts + 1 || TextOf(fields, "prev") != previous) {
    return Fail(ErrorCode::kCorrupt,
                "it does not follow the line before: lines were moved or taken out");
  }
  return Ok();
}

void Count(const json::object& fields, std::vector<SentToServer>& sent) {
  const std::string server = TextOf(fields, "server_key_sha256");
  const std::string run = TextOf(fields, "run");
  auto found = std::ranges::find_if(sent, [&](const SentToServer& known) {
    return known.server_key_sha256 == server && known.run_id == run;
  });
  if (found == sent.end()) {
    sent.push_back({.server_key_sha256 = server, .run_id = run, .first = TextOf(fields, "time")});
    found = std::prev(sent.end());
  }
  ++(TextOf(fields, "kind") == "train" ? found->trainings : found->evaluations);
  found->bytes += NumberOf(fields, "bytes");
  found->last = TextOf(fields, "time");
}

Failure CannotWrite(const std::filesystem::path& file) {
  return Fail(ErrorCode::kIo, "cannot write " + file.string());
}

}  // namespace

Result<Receipts::End> Receipts::FindEnd() const {
  End end{.digest = std::string(64, '0')};
  const auto read = ReadTextFile(file_);
  if (!read && read.error().code == ErrorCode::kNotFound) {
    return end;
  }
  RONDO_TRY_STATUS(read ? Ok() : Status(Fail(read.error())));
  const std::string_view text = *read;
  const std::size_t whole = text.rfind('\n') + 1;  // npos + 1 is 0.
  if (whole < text.size()) {
    std::error_code failed;
    std::filesystem::resize_file(file_, whole, failed);
    RONDO_TRY_STATUS(failed ? Status(CannotWrite(file_)) : Ok());
  }
  if (whole == 0) {
    return end;
  }
  std::string_view last = text.substr(0, whole - 1);
  last = last.substr(last.rfind('\n') + 1);
  const auto fields = ReadFields(last);
  if (!fields || NumberOf(*fields, "seq") == 0) {
    return Fail(ErrorCode::kCorrupt,
                file_.string() + ": the last line is no receipt; look with `rondo-client receipts "
                                 "verify`, and move the file away to begin another");
  }
  end.seq = NumberOf(*fields, "seq");
  end.digest = Sha256Hex(AsBytes(last));
  return end;
}

Status Receipts::Append(const json::object& fields, const SigningKey& key) {
  if (!end_) {
    RONDO_TRY(end_, FindEnd());
  }
  json::object object{{"seq", end_->seq + 1}};
  object.insert(fields.begin(), fields.end());
  object["prev"] = end_->digest;
  std::string line = json::serialize(object);
  line.pop_back();
  const Signature signature = key.Sign(AsBytes(line));
  line += std::string(kSignatureKey) + ToHex(signature) + "\"}";
  const int descriptor = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return CannotWrite(file_);
  }
  Status written = AppendWhole(descriptor, AsBytes(line + "\n"), file_);
  if (written && ::fdatasync(descriptor) != 0) {
    written = CannotWrite(file_);
  }
  ::close(descriptor);
  if (!written) {
    end_.reset();  // What of it is on disk is seen when the file is read again.
    return written;
  }
  end_ = End{.seq = end_->seq + 1, .digest = Sha256Hex(AsBytes(line))};
  return Ok();
}

Result<ReceiptsVerdict> VerifyReceipts(const std::filesystem::path& file,
                                       const Ed25519Public& key) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    return Fail(ErrorCode::kNotFound,
                "there are no receipts in " + file.string() + "; nothing was sent from there");
  }
  ReceiptsVerdict verdict;
  for (std::string line; std::getline(stream, line);) {
    if (stream.eof()) {
      verdict.torn = line.size();
      break;
    }
    const auto fields = ReadFields(line);
    const Status holds =
        fields ? CheckLine(line, *fields, verdict, key) : Status(Fail(fields.error()));
    if (!holds) {
      return Fail(
          ErrorCode::kCorrupt,
          fmt::format("{}:{}: {}", file.string(), verdict.receipts + 1, holds.error().message));
    }
    ++verdict.receipts;
    verdict.newest = Sha256Hex(AsBytes(line));
    Count(*fields, verdict.sent);
  }
  if (stream.bad()) {
    return Fail(ErrorCode::kIo, "cannot read " + file.string());
  }
  return verdict;
}

std::string ReceiptsText(const ReceiptsVerdict& verdict) {
  std::string text = fmt::format("{} receipts hold; the newest has SHA-256 {}\n",
                                 verdict.receipts,
                                 verdict.newest.empty() ? "(none)" : verdict.newest);
  for (const SentToServer& sent : verdict.sent) {
    text +=
        fmt::format("run {}, server key {:.16}: {} updates, {} evaluations, {} bytes, {} to {}\n",
                    sent.run_id,
                    sent.server_key_sha256,
                    sent.trainings,
                    sent.evaluations,
                    sent.bytes,
                    sent.first,
                    sent.last);
  }
  if (verdict.torn > 0) {
    text += fmt::format(
        "{} bytes of half a line at the end, left by a crash; the next receipt cuts them off\n",
        verdict.torn);
  }
  return text;
}

std::string ReceiptsJson(const ReceiptsVerdict& verdict) {
  json::array list;
  for (const SentToServer& sent : verdict.sent) {
    list.push_back(json::object{{"server_key_sha256", sent.server_key_sha256},
                                {"run", sent.run_id},
                                {"trainings", sent.trainings},
                                {"evaluations", sent.evaluations},
                                {"bytes", sent.bytes},
                                {"first", sent.first},
                                {"last", sent.last}});
  }
  return CompactJson(json::object{{"schema_version", 1},
                                  {"receipts", verdict.receipts},
                                  {"newest_sha256", verdict.newest},
                                  {"torn_bytes", verdict.torn},
                                  {"sent", std::move(list)}})
         + "\n";
}

}  // namespace rondo::client
