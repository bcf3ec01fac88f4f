#pragma once

#include <filesystem>

#include "common/crypto/ed25519.h"

/// Long-term Ed25519 keys on disk: PKCS #8 in PEM (RFC 8410), which `openssl pkey` reads as well.
namespace rondo {

/// Writes the private key with mode 0600. Errors  kFailedPrecondition if the file exists: a key
/// that is overwritten is lost; kIo.
Status SaveSigningKey(const SigningKey& key, const std::filesystem::path& path);

/// Errors  kNotFound, kIo; kCorrupt if the file holds no Ed25519 key; kInvalidArgument if others on
/// the machine may read it.
Result<SigningKey> LoadSigningKey(const std::filesystem::path& path);

/// OK if nobody but the owner may read the file. Errors  kInvalidArgument, with the command that
/// helps; kNotFound.
Status CheckPrivateFile(const std::filesystem::path& path);

}  // namespace rondo
