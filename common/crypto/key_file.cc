#include "common/crypto/key_file.h"

#include <algorithm>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "common/core/check.h"
#include "common/core/file.h"
#include "common/core/text_bytes.h"
#include "common/crypto/x509_handles.h"

namespace rondo {
namespace {

constexpr std::uint64_t kFileCap = 16 << 10;

/// `type` is EVP_PKEY_ED25519 or EVP_PKEY_X25519.
Status SaveKey(int type, ByteView private_key, const std::filesystem::path& path) {
  std::error_code unreadable;
  if (std::filesystem::exists(path, unreadable) || unreadable) {
    return Fail(ErrorCode::kFailedPrecondition,
                path.string() + " exists already, and a key that is overwritten is lost");
  }
  const detail::KeyPtr handle(
      EVP_PKEY_new_raw_private_key(type, nullptr, private_key.data(), private_key.size()));
  const detail::BioPtr bio(BIO_new(BIO_s_secmem()));
  RONDO_CHECK(handle != nullptr
              && PEM_write_bio_PKCS8PrivateKey(
                     bio.get(), handle.get(), nullptr, nullptr, 0, nullptr, nullptr)
                     == 1)
      << "writing a key to memory cannot fail";
  char* pem = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &pem);
  return WriteTextFile(path, {pem, static_cast<std::size_t>(size)}, 0600);
}

Result<SecretBytes> LoadKey(int type, const char* name, const std::filesystem::path& path) {
  RONDO_TRY_STATUS(CheckPrivateFile(path));
  RONDO_TRY(Bytes file, ReadFile(path, kFileCap));
  const SecretBytes pem = SecretBytes::Copy(file);
  OPENSSL_cleanse(file.data(), file.size());
  const detail::BioPtr bio(BIO_new_mem_buf(pem.view().data(), static_cast<int>(pem.size())));
  const detail::KeyPtr handle(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  SecretBytes bytes(32);
  std::size_t size = bytes.size();
  const bool read = handle != nullptr && EVP_PKEY_get_id(handle.get()) == type
                    && EVP_PKEY_get_raw_private_key(handle.get(), bytes.bytes().data(), &size) == 1;
  ERR_clear_error();
  if (!read) {
    return Fail(ErrorCode::kCorrupt, path.string() + " holds no " + name + " key in PEM");
  }
  return bytes;
}

}  // namespace

Status SaveSigningKey(const SigningKey& key, const std::filesystem::path& path) {
  return SaveKey(EVP_PKEY_ED25519, key.private_key(), path);
}

Result<SigningKey> LoadSigningKey(const std::filesystem::path& path) {
  RONDO_TRY(const SecretBytes bytes, LoadKey(EVP_PKEY_ED25519, "Ed25519", path));
  return SigningKey::FromPrivate(bytes.view());
}

Status SaveSealingKey(const X25519Key& key, const std::filesystem::path& path) {
  return SaveKey(EVP_PKEY_X25519, key.private_key(), path);
}

Result<X25519Key> LoadSealingKey(const std::filesystem::path& path) {
  RONDO_TRY(const SecretBytes bytes, LoadKey(EVP_PKEY_X25519, "X25519", path));
  return X25519Key::FromPrivate(bytes.view());
}

Result<X25519Public> ParseSealingKey(std::string_view digits) {
  X25519Public key{};
  const auto bytes = FromHex(digits);
  if (!bytes || bytes->size() != key.size()) {
    return Fail(ErrorCode::kInvalidArgument,
                "a public key has 64 lower-case hexadecimal digits, and '" + std::string(digits)
                    + "' is none");
  }
  std::ranges::copy(*bytes, key.begin());
  return key;
}

Status CheckPrivateFile(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    return Fail(ErrorCode::kNotFound, "there is no file " + path.string());
  }
  constexpr fs::perms kOthers = fs::perms::group_all | fs::perms::others_all;
  if ((status.permissions() & kOthers) != fs::perms::none) {
    return Fail(
        ErrorCode::kInvalidArgument,
        path.string() + " can be read by others on this machine; run chmod 600 " + path.string());
  }
  return Ok();
}

}  // namespace rondo
