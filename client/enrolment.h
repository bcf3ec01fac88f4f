#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/crypto/certificate_request.h"
#include "common/crypto/enrolment_token.h"
#include "common/transport/channel.h"
#include "common/wire/messages.h"

/// The client's half of getting a certificate.
namespace rondo::client {

struct EnrolmentAnswer {
  wire::Enrolled granted;
  std::string catalogue_text;  ///< empty in a renewal
};

/// Asks on a connection that was made for it; without token, for the renewal of the certificate
/// that the connection shows. The answer is for the key of the request, signed by the authority
/// (the one of the token if there is one), and names the client.
/// Errors  what the coordinator refuses with; kUnauthenticated, kCorrupt for an answer that does
/// not hold; those of the channel.
Task<Result<EnrolmentAnswer>> AskForCertificate(Channel& channel,
                                                const EnrolmentToken* token,
                                                const CertificateRequest& request,
                                                const SigningKey& roster_key,
                                                TimePoint deadline);

/// When a certificate is to be renewed: after two thirds of its life.
std::chrono::system_clock::time_point RenewalTime(const CertificateInfo& certificate);

}  // namespace rondo::client
