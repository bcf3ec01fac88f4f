#include "client/enrolment.h"

#include <utility>

#include "common/crypto/sha256.h"
#include "common/wire/chunks.h"

namespace rondo::client {
namespace {

/// Of one piece of the catalogue.
constexpr auto kPieceTimeout = std::chrono::seconds(60);

wire::Enrol MakeQuestion(const EnrolmentToken* token,
                         const CertificateRequest& request,
                         const SigningKey& roster_key,
                         const ChannelSecurity& security) {
  wire::Enrol question{.request = request.der, .roster_key = roster_key.public_key()};
  const Bytes transcript = wire::EnrolTranscript(question, security.binding);
  question.roster_signature = roster_key.Sign(transcript);
  if (token != nullptr) {
    question.token = wire::Enrol::Token{.key = token->key.public_key(),
                                        .signature = token->key.Sign(transcript)};
  }
  return question;
}

Failure Wrong(const std::string& what) {
  return Fail(ErrorCode::kUnauthenticated, "the coordinator's answer does not hold: " + what);
}

Status CheckAnswer(const wire::Enrolled& granted,
                   const EnrolmentToken* token,
                   const CertificateRequest& request) {
  RONDO_TRY(const CertificateInfo own, InspectCertificate(granted.certificate_pem));
  RONDO_TRY(const std::string key_sha256, RequestKeySha256(request.der));
  if (own.key_sha256 != key_sha256) {
    return Wrong("the certificate is for another key");
  }
  if (token == nullptr) {
    return Ok();
  }
  RONDO_TRY(const CertificateInfo authority, InspectCertificate(granted.authority_pem));
  if (authority.sha256 != token->authority_sha256) {
    return Wrong("the authority is not that of the token");
  }
  RONDO_TRY_STATUS(VerifyCertificate(granted.certificate_pem, granted.authority_pem));
  if (own.client_id != token->client) {
    return Wrong("the certificate names '" + own.client_id + "', the token '" + token->client
                 + "'");
  }
  return Ok();
}

Task<Result<std::string>> ReceiveCatalogue(Channel& channel, std::string sha256) {
  wire::ChunkAssembler assembler(wire::kCatalogueCap);
  for (bool whole = false; !whole;) {
    const TimePoint deadline = std::chrono::steady_clock::now() + kPieceTimeout;
    RONDO_CO_TRY(const Bytes frame, co_await channel.Receive(deadline));
    RONDO_CO_TRY(const wire::Message message, wire::Decode(frame));
    const auto* chunk = std::get_if<wire::CatalogueChunk>(&message);
    if (chunk == nullptr) {
      co_return Fail(ErrorCode::kCorrupt,
                     std::string("expected the catalogue, got ") + wire::MessageName(message));
    }
    RONDO_CO_TRY(whole, assembler.Add(chunk->total, chunk->offset, AsBytes(chunk->bytes)));
  }
  const Bytes text = assembler.Take();
  if (Sha256Hex(text) != sha256) {
    co_return Fail(ErrorCode::kCorrupt, "the catalogue that came has another digest than promised");
  }
  co_return std::string(AsText(text));
}

}  // namespace

Task<Result<EnrolmentAnswer>> AskForCertificate(Channel& channel,
                                                const EnrolmentToken* token,
                                                const CertificateRequest& request,
                                                const SigningKey& roster_key,
                                                TimePoint deadline) {
  wire::Message question = MakeQuestion(token, request, roster_key, channel.security());
  Bytes frame = wire::Encode(question);
  RONDO_CO_TRY_STATUS(co_await channel.Send(std::move(frame), deadline));
  RONDO_CO_TRY(const Bytes received, co_await channel.Receive(deadline));
  RONDO_CO_TRY(wire::Message message, wire::Decode(received));
  if (const auto* reject = std::get_if<wire::Reject>(&message)) {
    co_return Fail(reject->code, "the coordinator refused: " + reject->message);
  }
  auto* granted = std::get_if<wire::Enrolled>(&message);
  if (granted == nullptr) {
    co_return Fail(ErrorCode::kCorrupt,
                   std::string("expected a certificate, got ") + wire::MessageName(message));
  }
  RONDO_CO_TRY_STATUS(CheckAnswer(*granted, token, request));
  EnrolmentAnswer answer{.granted = std::move(*granted)};
  if (token != nullptr) {
    RONDO_CO_TRY(answer.catalogue_text,
                 co_await ReceiveCatalogue(channel, answer.granted.catalogue_sha256));
  }
  co_return answer;
}

std::chrono::system_clock::time_point RenewalTime(const CertificateInfo& certificate) {
  const auto life = certificate.not_after - certificate.not_before;
  return certificate.not_before + life / 3 * 2;
}

}  // namespace rondo::client
