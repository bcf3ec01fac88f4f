#include "client/papers.h"

#include <algorithm>
#include <chrono>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <utility>

#include <boost/json/object.hpp>

#include "common/core/file.h"
#include "common/core/text_bytes.h"
#include "common/crypto/certificate.h"
#include "common/crypto/key_file.h"

namespace rondo::client {
namespace {

constexpr std::uint64_t kPemCap = 1 << 20;

Failure Missing(const std::string& key, const std::string& what) {
  return Fail(ErrorCode::kInvalidArgument,
              key + " is not set; name " + what + ", which `rondo-client enroll` writes");
}

Status CheckSigned(const SignedRoster& roster, const Papers::Own& own) {
  RONDO_TRY_STATUS(roster.Verify(own.governance));
  if (roster.roster.federation != own.federation) {
    return Fail(ErrorCode::kUnauthenticated,
                "the roster is that of another federation, " + roster.roster.federation);
  }
  return Ok();
}

}  // namespace

Result<Papers::Own> Papers::ReadOwn(const IdentityPaths& paths, const std::string& governance) {
  if (paths.roster_key.empty()) {
    return Missing("identity.roster_key", "the client's roster.key");
  }
  if (governance.empty()) {
    return Missing("identity.governance", "the public key that signs the list of members");
  }
  RONDO_TRY(const IdentityReport identity, InspectIdentity(paths));
  RONDO_TRY(const std::string authority_pem, ReadTextFile(paths.ca, kPemCap));
  RONDO_TRY(const CertificateInfo authority, InspectCertificate(authority_pem));
  RONDO_TRY(SigningKey key, LoadSigningKey(paths.roster_key));
  Own own{.id = identity.id, .key = std::move(key), .federation = authority.sha256};
  const std::optional<Bytes> bytes = FromHex(governance);
  if (!bytes || bytes->size() != own.governance.size()) {
    return Fail(ErrorCode::kInvalidArgument,
                "identity.governance is '" + governance
                    + "', expected a public key of 64 hexadecimal digits");
  }
  std::copy(bytes->begin(), bytes->end(), own.governance.begin());
  return own;
}

Result<Papers> Papers::Open(Own own, const std::filesystem::path& state) {
  Papers papers(std::move(own), state);
  auto kept = LoadSignedRoster(papers.roster_file_);
  if (!kept && kept.error().code == ErrorCode::kNotFound) {
    return papers;
  }
  if (!kept) {
    return Fail(kept.error());
  }
  if (const Status held = CheckSigned(*kept, papers.own_); !held) {
    return Fail(held.error().code,
                papers.roster_file_.string() + ": " + held.error().message
                    + "; move the file away if the federation was made anew");
  }
  papers.roster_ = std::move(*kept);
  return papers;
}

Status Papers::TakeRoster(const std::string& text) {
  RONDO_TRY(SignedRoster offered, ParseSignedRoster(text));
  RONDO_TRY_STATUS(CheckSigned(offered, own_));
  if (roster_ && offered.roster.version < roster_->roster.version) {
    return Fail(ErrorCode::kUnauthenticated,
                fmt::format("the roster has version {}, but version {} was accepted before",
                            offered.roster.version,
                            roster_->roster.version));
  }
  const bool same_version = roster_ && offered.roster.version == roster_->roster.version;
  if (same_version && offered.roster != roster_->roster) {
    return Fail(
        ErrorCode::kUnauthenticated,
        fmt::format("there are two different rosters of version {}", offered.roster.version));
  }
  const RosterEntry* entry = offered.roster.Find(own_.id);
  if (entry == nullptr || entry->key != own_.key.public_key()) {
    return Fail(ErrorCode::kFailedPrecondition,
                fmt::format("version {} of the roster does not name '{}' with its key; ask the "
                            "operator for the next one",
                            offered.roster.version,
                            own_.id));
  }
  if (same_version) {
    return Ok();
  }
  RONDO_TRY_STATUS(SaveRoster(offered, roster_file_));
  roster_ = std::move(offered);
  return Ok();
}

Status Papers::NoteSent(const Sent& sent) {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return receipts_.Append({{"time", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now))},
                           {"client", own_.id},
                           {"federation", own_.federation},
                           {"server_key_sha256", sent.server_key_sha256},
                           {"run", sent.run_id},
                           {"round", sent.round},
                           {"kind", sent.kind == OfferKind::kTrain ? "train" : "evaluate"},
                           {"model_sha256", sent.model_sha256},
                           {"bytes", sent.bytes},
                           {"contribution_sha256", sent.contribution_sha256}},
                          own_.key);
}

}  // namespace rondo::client
