#pragma once

#include <memory>

#include "common/config/scenario.h"
#include "common/crypto/certificate.h"
#include "common/transport/channel.h"
#include "common/wire/messages.h"
#include "coordinator/audit_log.h"
#include "coordinator/member_store.h"

namespace rondo::coordinator {

/// Days for which a certificate holds that a client asked for; it renews after two thirds of them.
inline constexpr int kEnrolledDays = 30;

/// Gives certificates to newcomers with an invitation and to members that renew. Confined to one
/// thread.
class Enroller {
 public:
  struct Parts {
    MemberStore& members;
    AuditLog& audit;
    CertifiedKey authority;
    DataConfig data;  ///< the rules that all clients share
    std::string catalogue_text;
    std::string catalogue_sha256;
    std::string trust_mode;
  };

  /// The two references outlive it.
  explicit Enroller(Parts parts);

  /// Checks the whole request and then, in one transaction, consumes the invitation and writes the
  /// certificate down; or changes nothing. `peer` is empty for one that showed no certificate.
  /// Errors  kUnauthenticated for a wrong, used or expired token, a signature that does not hold on
  /// this connection, or a member that is none; kInvalidArgument for a request that is none.
  Result<wire::Enrolled> Answer(const wire::Enrol& request,
                                const ClientId& peer,
                                const ChannelSecurity& security,
                                WallTime now);

  /// Reads one request from the channel, answers it and closes. Errors  what was refused, after the
  /// peer was told; those of the channel.
  Task<Status> Serve(std::shared_ptr<Channel> channel, TimePoint deadline);

 private:
  Result<IssuedCertificate> Issue(const ClientId& id, ByteView request, WallTime now) const;
  Result<wire::Enrolled> AnswerNewcomer(const wire::Enrol& request,
                                        const std::string& key_sha256,
                                        WallTime now);
  Result<wire::Enrolled> AnswerMember(const wire::Enrol& request,
                                      const ClientId& peer,
                                      const std::string& key_sha256,
                                      WallTime now);
  Task<Result<wire::Enrolled>> Hear(Channel& channel, TimePoint deadline);
  Task<Status> Tell(Channel& channel, const wire::Enrolled& answer) const;

  Parts parts_;
};

}  // namespace rondo::coordinator
