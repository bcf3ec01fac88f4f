#pragma once

#include <filesystem>
#include <string_view>

#include "common/crypto/ed25519.h"
#include "common/crypto/x25519.h"

/// Long-term keys on disk: PKCS #8 in PEM (RFC 8410), which `openssl pkey` reads as well.
namespace rondo {

/// Writes the private key with mode 0600. Errors  kFailedPrecondition if the file exists: a key
/// that is overwritten is lost; kIo.
Status SaveSigningKey(const SigningKey& key, const std::filesystem::path& path);

/// Errors  kNotFound, kIo; kCorrupt if the file holds no Ed25519 key; kInvalidArgument if others on
/// the machine may read it.
Result<SigningKey> LoadSigningKey(const std::filesystem::path& path);

/// The same for keys that others seal to. Errors  as SaveSigningKey and LoadSigningKey.
Status SaveSealingKey(const X25519Key& key, const std::filesystem::path& path);
Result<X25519Key> LoadSealingKey(const std::filesystem::path& path);

/// A public key in 64 lower-case hexadecimal digits, as ToHex writes it.
/// Errors  kInvalidArgument for anything else.
Result<X25519Public> ParseSealingKey(std::string_view digits);

/// OK if nobody but the owner may read the file. Errors  kInvalidArgument, with the command that
/// helps; kNotFound.
Status CheckPrivateFile(const std::filesystem::path& path);

}  // namespace rondo
