#include "coordinator/enroller.h"

#include <utility>

#include "common/crypto/certificate_request.h"
#include "common/crypto/enrolment_token.h"
#include "common/wire/chunks.h"

namespace rondo::coordinator {
namespace {

/// Of one frame of the answer.
constexpr auto kSendTimeout = std::chrono::seconds(60);

}  // namespace

Enroller::Enroller(Parts parts) : parts_(std::move(parts)) {}

Result<IssuedCertificate> Enroller::Issue(const ClientId& id,
                                          ByteView request,
                                          WallTime now) const {
  const Validity validity{.from = now - std::chrono::hours(24),
                          .until = now + std::chrono::hours(24) * kEnrolledDays};
  IssuedCertificate made;
  RONDO_TRY(made.pem, IssueFromRequest(parts_.authority, request, id, validity));
  RONDO_TRY(const CertificateInfo info, InspectCertificate(made.pem));
  made.key_sha256 = info.key_sha256;
  made.expires = info.not_after;
  return made;
}

Result<wire::Enrolled> Enroller::Answer(const wire::Enrol& request,
                                        const ClientId& peer,
                                        const ChannelSecurity& security,
                                        WallTime now) {
  RONDO_TRY(const std::string key_sha256, RequestKeySha256(request.request));
  const Bytes transcript = wire::EnrolTranscript(request, security.binding);
  if (!VerifySignature(request.roster_key, transcript, request.roster_signature)) {
    return Fail(ErrorCode::kUnauthenticated,
                "the signature of the roster key does not hold on this connection");
  }
  if (!request.token) {
    if (peer.empty()) {
      return Fail(ErrorCode::kUnauthenticated, "neither a token nor a certificate was shown");
    }
    RONDO_TRY_STATUS(parts_.members.Check(peer, security.key_sha256, now));
    if (key_sha256 != security.key_sha256) {
      return Fail(ErrorCode::kUnauthenticated, "a certificate is renewed for its own key only");
    }
    return AnswerMember(request, peer, key_sha256, now);
  }
  if (!VerifySignature(request.token->key, transcript, request.token->signature)) {
    return Fail(ErrorCode::kUnauthenticated,
                "the signature of the token does not hold on this connection");
  }
  return AnswerNewcomer(request, key_sha256, now);
}

Result<wire::Enrolled> Enroller::AnswerNewcomer(const wire::Enrol& request,
                                                const std::string& key_sha256,
                                                WallTime now) {
  const auto issue = [&](const ClientId& invited) {
    return Issue(invited, request.request, now);
  };
  RONDO_TRY(const IssuedCertificate made,
            parts_.members.Enrol(
                TokenSha256(request.token->key), key_sha256, request.roster_key, now, issue));
  RONDO_TRY(const CertificateInfo info, InspectCertificate(made.pem));
  RONDO_TRY_STATUS(parts_.audit.Append("enrolled",
                                       {{"client", info.client_id},
                                        {"key_sha256", key_sha256},
                                        {"roster_key", ToHex(request.roster_key)}}));
  return wire::Enrolled{.certificate_pem = made.pem,
                        .authority_pem = parts_.authority.certificate_pem,
                        .data = parts_.data,
                        .catalogue_sha256 = parts_.catalogue_sha256,
                        .trust_mode = parts_.trust_mode};
}

Result<wire::Enrolled> Enroller::AnswerMember(const wire::Enrol& request,
                                              const ClientId& peer,
                                              const std::string& key_sha256,
                                              WallTime now) {
  const auto issue = [&](const ClientId& member) {
    return Issue(member, request.request, now);
  };
  RONDO_TRY(const IssuedCertificate made,
            parts_.members.Renew(peer, key_sha256, request.roster_key, now, issue));
  RONDO_TRY_STATUS(parts_.audit.Append("renewed", {{"client", peer}, {"key_sha256", key_sha256}}));
  return wire::Enrolled{.certificate_pem = made.pem};
}

Task<Result<wire::Enrolled>> Enroller::Hear(Channel& channel, TimePoint deadline) {
  RONDO_CO_TRY(const Bytes frame, co_await channel.Receive(deadline));
  RONDO_CO_TRY(const wire::Message message, wire::Decode(frame));
  const auto* request = std::get_if<wire::Enrol>(&message);
  if (request == nullptr) {
    co_return Fail(ErrorCode::kCorrupt,
                   std::string("a newcomer must not send '") + wire::MessageName(message) + "'");
  }
  co_return Answer(*request, channel.peer(), channel.security(), std::chrono::system_clock::now());
}

Task<Status> Enroller::Tell(Channel& channel, const wire::Enrolled& answer) const {
  Bytes frame = wire::Encode(answer);
  TimePoint deadline = std::chrono::steady_clock::now() + kSendTimeout;
  RONDO_CO_TRY_STATUS(co_await channel.Send(std::move(frame), deadline));
  if (answer.catalogue_sha256.empty()) {
    co_return Ok();
  }
  for (Bytes& piece : wire::CatalogueFrames(AsBytes(parts_.catalogue_text))) {
    deadline = std::chrono::steady_clock::now() + kSendTimeout;
    RONDO_CO_TRY_STATUS(co_await channel.Send(std::move(piece), deadline));
  }
  co_return Ok();
}

Task<Status> Enroller::Serve(std::shared_ptr<Channel> channel, TimePoint deadline) {
  auto answer = co_await Hear(*channel, deadline);
  Status done = Ok();
  if (answer) {
    done = co_await Tell(*channel, *answer);
  } else {
    const Error why = answer.error();
    Bytes reject = wire::Encode(wire::Reject{.code = why.code, .message = why.message});
    // Whether it arrives or not, the peer is refused.
    const Status ignored = co_await channel->Send(std::move(reject), deadline);
    done = Fail(why);
  }
  channel->Close();
  co_return done;
}

}  // namespace rondo::coordinator
