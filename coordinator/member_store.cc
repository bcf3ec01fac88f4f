#include "coordinator/member_store.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/core/text_bytes.h"

namespace rondo::coordinator {
namespace {

using Row = Database::Row;
using Value = Database::Value;

// Times are Unix seconds; keys and digests are hexadecimal.
constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS invitations (
  token_sha256 TEXT PRIMARY KEY,
  client       TEXT NOT NULL,
  expires      INTEGER NOT NULL,
  used_by      TEXT  -- key_sha256 of the certificate it gave
) STRICT;
CREATE TABLE IF NOT EXISTS members (
  client     TEXT PRIMARY KEY,
  roster_key TEXT NOT NULL UNIQUE,
  enrolled   INTEGER NOT NULL,
  revoked    INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS certificates (
  key_sha256 TEXT PRIMARY KEY,
  client     TEXT NOT NULL,
  pem        TEXT NOT NULL,
  issued     INTEGER NOT NULL,
  expires    INTEGER NOT NULL,
  revoked    INTEGER
) STRICT;
)";

std::int64_t Seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

WallTime FromSeconds(const Value& value) {
  return WallTime(std::chrono::seconds(std::get<std::int64_t>(value)));
}

const std::string& Text(const Value& value) {
  return std::get<std::string>(value);
}

bool IsNull(const Value& value) {
  return std::holds_alternative<std::monostate>(value);
}

Failure Unauthenticated(std::string why) {
  return Fail(ErrorCode::kUnauthenticated, std::move(why));
}

}  // namespace

Result<MemberStore> MemberStore::Open(const std::filesystem::path& state) {
  RONDO_TRY(Database database, Database::Open(state / "members.db", kSchema));
  return MemberStore(std::move(database));
}

Status MemberStore::Invite(const ClientId& id,
                           const std::string& token_sha256,
                           WallTime until,
                           WallTime now) {
  RONDO_TRY(Transaction transaction, Transaction::Begin(database_));
  RONDO_TRY(const auto members,
            database_.Query("SELECT 1 FROM members WHERE client = ? AND revoked IS NULL", {id}));
  if (!members.empty()) {
    return Fail(ErrorCode::kFailedPrecondition,
                "'" + id + "' is a member already; its certificate renews itself, and if its keys "
                "are lost, revoke it first");
  }
  RONDO_TRY_STATUS(database_.Execute(
      "DELETE FROM invitations WHERE client = ? OR (used_by IS NULL AND expires < ?)",
      {id, Seconds(now)}));
  RONDO_TRY_STATUS(
      database_.Execute("INSERT INTO invitations (token_sha256, client, expires) VALUES (?, ?, ?)",
                        {token_sha256, id, Seconds(until)}));
  return transaction.Commit();
}

/// The client it is for. `repeated`: it was used, with this very key.
Result<std::string> MemberStore::OpenInvitation(const std::string& token_sha256,
                                                WallTime now,
                                                const std::string& request_key_sha256,
                                                bool& repeated) {
  RONDO_TRY(
      const auto rows,
      database_.Query("SELECT client, expires, used_by FROM invitations WHERE token_sha256 = ?",
                      {token_sha256}));
  if (rows.empty()) {
    return Unauthenticated("the token is unknown here; ask the operator for a new one");
  }
  const Row& row = rows.front();
  repeated = !IsNull(row[2]) && Text(row[2]) == request_key_sha256;
  if (!IsNull(row[2]) && !repeated) {
    return Unauthenticated("the token was used already; ask the operator for a new one");
  }
  if (FromSeconds(row[1]) <= now) {
    return Unauthenticated("the token has expired; ask the operator for a new one");
  }
  return Text(row[0]);
}

Status MemberStore::Write(const ClientId& id, const IssuedCertificate& certificate, WallTime now) {
  return database_.Execute(
      "INSERT INTO certificates (key_sha256, client, pem, issued, expires) VALUES (?, ?, ?, ?, ?)",
      {certificate.key_sha256, id, certificate.pem, Seconds(now), Seconds(certificate.expires)});
}

Result<IssuedCertificate> MemberStore::Enrol(const std::string& token_sha256,
                                             const std::string& request_key_sha256,
                                             const Ed25519Public& roster_key,
                                             WallTime now,
                                             const Issue& issue) {
  seen_ = -1;
  const std::string key = ToHex(roster_key);
  RONDO_TRY(Transaction transaction, Transaction::Begin(database_));
  bool repeated = false;
  RONDO_TRY(const ClientId id, OpenInvitation(token_sha256, now, request_key_sha256, repeated));
  if (repeated) {
    RONDO_TRY(const auto rows,
              database_.Query("SELECT pem, expires FROM certificates JOIN members USING (client) "
                              "WHERE key_sha256 = ? AND roster_key = ? "
                              "AND certificates.revoked IS NULL",
                              {request_key_sha256, key}));
    if (rows.empty()) {
      return Unauthenticated("the token was used already; ask the operator for a new one");
    }
    return IssuedCertificate{.pem = Text(rows[0][0]),
                             .key_sha256 = request_key_sha256,
                             .expires = FromSeconds(rows[0][1])};
  }
  RONDO_TRY(IssuedCertificate certificate, issue(id));
  RONDO_TRY_STATUS(database_.Execute("UPDATE invitations SET used_by = ? WHERE token_sha256 = ?",
                                     {certificate.key_sha256, token_sha256}));
  // One that was revoked comes back with new keys.
  RONDO_TRY_STATUS(database_.Execute("DELETE FROM members WHERE client = ?", {id}));
  RONDO_TRY_STATUS(
      database_.Execute("INSERT INTO members (client, roster_key, enrolled) VALUES (?, ?, ?)",
                        {id, key, Seconds(now)}));
  RONDO_TRY_STATUS(Write(id, certificate, now));
  RONDO_TRY_STATUS(transaction.Commit());
  return certificate;
}

Status MemberStore::Add(const ClientId& id,
                        const Ed25519Public& roster_key,
                        const IssuedCertificate& certificate,
                        WallTime now) {
  seen_ = -1;
  RONDO_TRY(Transaction transaction, Transaction::Begin(database_));
  RONDO_TRY_STATUS(
      database_.Execute("INSERT INTO members (client, roster_key, enrolled) VALUES (?, ?, ?)",
                        {id, ToHex(roster_key), Seconds(now)}));
  RONDO_TRY_STATUS(Write(id, certificate, now));
  return transaction.Commit();
}

Result<IssuedCertificate> MemberStore::Renew(const ClientId& id,
                                             const std::string& key_sha256,
                                             const Ed25519Public& roster_key,
                                             WallTime now,
                                             const Issue& issue) {
  seen_ = -1;
  RONDO_TRY(Transaction transaction, Transaction::Begin(database_));
  RONDO_TRY(const auto rows,
            database_.Query("SELECT 1 FROM certificates JOIN members USING (client) "
                            "WHERE client = ? AND key_sha256 = ? AND roster_key = ? "
                            "AND certificates.revoked IS NULL AND members.revoked IS NULL",
                            {id, key_sha256, ToHex(roster_key)}));
  if (rows.empty()) {
    return Unauthenticated("'" + id
                           + "' is no member with this certificate and roster key; ask the "
                             "operator for a new invitation");
  }
  RONDO_TRY(IssuedCertificate certificate, issue(id));
  RONDO_TRY_STATUS(database_.Execute(
      "UPDATE certificates SET pem = ?, issued = ?, expires = ? WHERE key_sha256 = ?",
      {certificate.pem, Seconds(now), Seconds(certificate.expires), key_sha256}));
  RONDO_TRY_STATUS(transaction.Commit());
  return certificate;
}

Status MemberStore::Revoke(const ClientId& id, WallTime now) {
  seen_ = -1;
  RONDO_TRY(Transaction transaction, Transaction::Begin(database_));
  RONDO_TRY(const auto known,
            database_.Query("SELECT 1 FROM members WHERE client = ?1 AND revoked IS NULL "
                            "UNION SELECT 1 FROM invitations WHERE client = ?1 AND used_by IS NULL",
                            {id}));
  if (known.empty()) {
    return Fail(ErrorCode::kNotFound, "'" + id + "' is no member and has no open invitation");
  }
  const std::vector<Value> values = {Seconds(now), id};
  RONDO_TRY_STATUS(database_.Execute(
      "UPDATE members SET revoked = ? WHERE client = ? AND revoked IS NULL", values));
  RONDO_TRY_STATUS(database_.Execute(
      "UPDATE certificates SET revoked = ? WHERE client = ? AND revoked IS NULL", values));
  RONDO_TRY_STATUS(database_.Execute("DELETE FROM invitations WHERE client = ?", {id}));
  return transaction.Commit();
}

Status MemberStore::Refresh() {
  RONDO_TRY(const std::int64_t version, database_.Version());
  if (version == seen_) {
    return Ok();
  }
  RONDO_TRY(const auto rows,
            database_.Query("SELECT key_sha256, client, expires, revoked FROM certificates"));
  holders_.clear();
  for (const Row& row : rows) {
    holders_[Text(row[0])] = {
        .id = Text(row[1]), .expires = FromSeconds(row[2]), .revoked = !IsNull(row[3])};
  }
  seen_ = version;
  return Ok();
}

Status MemberStore::Check(const ClientId& id, const std::string& key_sha256, WallTime now) {
  RONDO_TRY_STATUS(Refresh());
  const auto found = holders_.find(key_sha256);
  if (found == holders_.end() || found->second.id != id) {
    return Unauthenticated("the certificate of '" + id + "' was not issued by this coordinator");
  }
  if (found->second.revoked) {
    return Unauthenticated("the certificate of '" + id
                           + "' was revoked; ask the operator for a new invitation");
  }
  if (found->second.expires <= now) {
    return Unauthenticated("the certificate of '" + id + "' has expired");
  }
  return Ok();
}

Result<std::vector<Member>> MemberStore::Members() {
  RONDO_TRY(
      const auto rows,
      database_.Query("SELECT client, roster_key, enrolled, revoked FROM members ORDER BY client"));
  std::vector<Member> members;
  members.reserve(rows.size());
  for (const Row& row : rows) {
    Member member{.id = Text(row[0]), .enrolled = FromSeconds(row[2]), .revoked = !IsNull(row[3])};
    const std::optional<Bytes> key = FromHex(Text(row[1]));
    if (!key || key->size() != member.roster_key.size()) {
      return Fail(ErrorCode::kCorrupt, "members.db: the roster key of '" + member.id + "'");
    }
    std::copy(key->begin(), key->end(), member.roster_key.begin());
    members.push_back(std::move(member));
  }
  return members;
}

}  // namespace rondo::coordinator
