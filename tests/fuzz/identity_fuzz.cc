#include <chrono>
#include <string>

#include "common/core/check.h"
#include "common/crypto/certificate.h"
#include "common/crypto/certificate_request.h"
#include "common/crypto/enrolment_token.h"
#include "common/crypto/roster.h"
#include "tests/fuzz/scratch.h"
#include "tests/fuzz/target.h"

// What says who somebody is: rosters, tokens, requests, certificates.

namespace rondo::fuzz {
namespace {

SigningKey Key(std::uint8_t byte) {
  return SigningKey::FromPrivate(Bytes(32, byte)).value();
}

Roster Members(int count) {
  Roster roster{.federation = std::string(64, 'f'), .version = 12};
  for (int i = 0; i < count; ++i) {
    roster.entries.push_back({.id = "site-" + std::to_string(i),
                              .key = Key(static_cast<std::uint8_t>(i + 1)).public_key()});
  }
  return roster;
}

/// One form of the text for one roster.
bool RunRoster(ByteView input) {
  const auto roster = ParseRoster(AsText(input));
  RONDO_CHECK(!roster || roster->Text() == AsText(input)) << "another text for the same roster";
  return roster.has_value();
}

std::vector<Bytes> RosterSeeds() {
  return {BytesOf(Members(1).Text()), BytesOf(Members(3).Text())};
}

bool RunSignedRoster(ByteView input) {
  const auto roster = ParseSignedRoster(AsText(input));
  if (!roster) {
    return false;
  }
  RONDO_CHECK(roster->Text() == AsText(input)) << "another text for the same roster";
  const bool verified = roster->Verify(Key(99).public_key()).has_value();
  RONDO_CHECK(!verified || roster->roster == Members(2)) << "a forged signature holds";
  return true;
}

std::vector<Bytes> SignedRosterSeeds() {
  return {BytesOf(SignRoster(Members(2), Key(99)).value().Text())};
}

bool RunToken(ByteView input) {
  const auto token = ParseEnrolmentToken(AsText(input));
  RONDO_CHECK(!token || token->Text() == AsText(input)) << "another text for the same token";
  return token.has_value();
}

std::vector<Bytes> TokenSeeds() {
  const EnrolmentToken token{.authority_sha256 = std::string(64, 'a'),
                             .governance = Key(1).public_key(),
                             .key = Key(2),
                             .port = 7443,
                             .client = "acme",
                             .host = "fed.example.org"};
  return {BytesOf(token.Text())};
}

const CertifiedKey& Authority() {
  static const CertifiedKey kAuthority = MakeAuthority("fuzz", Validity::Days(2)).value();
  return kAuthority;
}

/// What a stranger sends first.
bool RunRequest(ByteView input) {
  const auto key = RequestKeySha256(input);
  const auto issued = IssueFromRequest(Authority(), input, "acme", Validity::Days(1));
  if (!issued) {
    return false;
  }
  RONDO_CHECK(key.has_value()) << "a certificate without a key";
  RONDO_CHECK(InspectCertificate(*issued).value().key_sha256 == *key)
      << "the certificate is of another key";
  return true;
}

std::vector<Bytes> RequestSeeds() {
  return {MakeRequest().value().der};
}

bool RunCertificate(ByteView input) {
  const auto info = InspectCertificate(AsText(input));
  const bool holds = VerifyCertificate(AsText(input), Authority().certificate_pem).has_value();
  RONDO_CHECK(!holds) << "a certificate of nobody holds";
  return info.has_value();
}

std::vector<Bytes> CertificateSeeds() {
  const CertifiedKey authority = MakeAuthority("seed", Validity::Days(9)).value();
  return {BytesOf(authority.certificate_pem),
          BytesOf(IssueClient(authority, "acme", Validity::Days(9)).value().certificate_pem),
          BytesOf(IssueServer(authority, {"localhost", "127.0.0.1"}, Validity::Days(9))
                      .value()
                      .certificate_pem)};
}

}  // namespace

Target RosterTarget() {
  return {"roster", RunRoster, RosterSeeds};
}

Target SignedRosterTarget() {
  return {"signed_roster", RunSignedRoster, SignedRosterSeeds};
}

Target TokenTarget() {
  return {"token", RunToken, TokenSeeds};
}

Target RequestTarget() {
  return {"request", RunRequest, RequestSeeds};
}

Target CertificateTarget() {
  return {"certificate", RunCertificate, CertificateSeeds};
}

}  // namespace rondo::fuzz
