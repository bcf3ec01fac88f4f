#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/crypto/ed25519.h"
#include "common/io/database.h"

namespace rondo::coordinator {

using WallTime = std::chrono::system_clock::time_point;

/// A client of the federation as the operator sees it.
struct Member {
  ClientId id;
  Ed25519Public roster_key{};
  WallTime enrolled;
  bool revoked = false;
};

/// A certificate that was given out.
struct IssuedCertificate {
  std::string pem;
  std::string key_sha256;  ///< CertificateInfo::key_sha256
  WallTime expires;
};

/// Who may take part: invitations, members and the certificates they hold, in `members.db` of the
/// state folder. Every change is one transaction on disk when its call returns. The verbs change
/// the file while the coordinator runs, which notices at its next look. One object a thread.
class MemberStore {
 public:
  /// Makes the certificate of an enrolment that is being written down.
  using Issue = std::function<Result<IssuedCertificate>(const ClientId& id)>;

  static Result<MemberStore> Open(const std::filesystem::path& state);

  /// Notes an invitation by the SHA-256 of its token's public key. An older one for the same client
  /// ends. Errors  kFailedPrecondition if `id` is a member: revoke it first.
  Status Invite(const ClientId& id, const std::string& token_sha256, WallTime until, WallTime now);

  /// Consumes the invitation and writes down member and certificate, or does nothing. The client
  /// that repeats its own request, because the answer was lost, gets the same certificate.
  /// Errors  kUnauthenticated for an unknown, used or expired invitation; kFailedPrecondition if
  /// another member has the roster key; those of `issue`.
  Result<IssuedCertificate> Enrol(const std::string& token_sha256,
                                  const std::string& request_key_sha256,
                                  const Ed25519Public& roster_key,
                                  WallTime now,
                                  const Issue& issue);

  /// Writes down a member whose keys were made centrally. Errors  kFailedPrecondition if there is
  /// one of that name or roster key.
  Status Add(const ClientId& id,
             const Ed25519Public& roster_key,
             const IssuedCertificate& certificate,
             WallTime now);

  /// Writes down a later certificate for the same key. Errors  kUnauthenticated if `id` is no
  /// member with this certificate and roster key; those of `issue`.
  Result<IssuedCertificate> Renew(const ClientId& id,
                                  const std::string& key_sha256,
                                  const Ed25519Public& roster_key,
                                  WallTime now,
                                  const Issue& issue);

  /// Ends every certificate and open invitation of the client. Errors  kNotFound if it has none.
  Status Revoke(const ClientId& id, WallTime now);

  /// Whether the holder of this key may take part as `id`: asked at each handshake and each frame,
  /// so it costs one look at whether the file changed.
  /// Errors  kUnauthenticated, saying why not.
  Status Check(const ClientId& id, const std::string& key_sha256, WallTime now);

  /// Everyone who ever enrolled, in byte order of the ids.
  Result<std::vector<Member>> Members();

 private:
  struct Holder {
    ClientId id;
    WallTime expires;
    bool revoked = false;
  };

  explicit MemberStore(Database database) : database_(std::move(database)) {}

  Result<std::string> OpenInvitation(const std::string& token_sha256,
                                     WallTime now,
                                     const std::string& request_key_sha256,
                                     bool& repeated);
  Status Write(const ClientId& id, const IssuedCertificate& certificate, WallTime now);
  Status Refresh();

  Database database_;
  std::map<std::string, Holder> holders_;  ///< by key_sha256
  std::int64_t seen_ = -1;                 ///< Database::Version of holders_; -1: none
};

}  // namespace rondo::coordinator
