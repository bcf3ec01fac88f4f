#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/crypto/ed25519.h"

/// What an operator hands to a newcomer: base64url of
///
///   token := version:u8 authority[32] governance[32] seed[32] port:u16be
///            id_size:u8 id[id_size] host_size:u8 host[host_size] check[4]
///
/// version is 1; authority is the SHA-256 of the authority's certificate; governance the public key
/// that signs rosters; seed an Ed25519 private key of its own, whose public half the coordinator
/// knows by its SHA-256 alone; check the first bytes of the SHA-256 of all before, against typing
/// errors. The seed itself is never sent.
namespace rondo {

struct EnrolmentToken {
  std::string authority_sha256;  ///< 64 hexadecimal digits
  Ed25519Public governance{};
  SigningKey key;
  std::uint16_t port = 0;  ///< 0: another one at each start of the coordinator
  ClientId client;
  std::string host;

  std::string Text() const;
};

/// Errors  kInvalidArgument for any text but that of a token.
Result<EnrolmentToken> ParseEnrolmentToken(std::string_view text);

/// SHA-256 of the public half of a token's key, in hexadecimal: what the coordinator keeps.
std::string TokenSha256(const Ed25519Public& key);

}  // namespace rondo
