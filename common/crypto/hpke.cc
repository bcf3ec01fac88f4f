#include "common/crypto/hpke.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "common/crypto/hkdf.h"

namespace rondo {
namespace {

// Names and numbers of RFC 9180: sections 4, 4.1 and 5.1, and the tables of section 7.
constexpr std::string_view kVersion = "HPKE-v1";
constexpr std::string_view kKemSuite("KEM\x00\x20", 5);  // DHKEM(X25519, HKDF-SHA256)
constexpr std::uint8_t kModeBase = 0;

std::string_view Suite(AeadKind kind) {
  using std::string_view_literals::operator""sv;
  switch (kind) {
    case AeadKind::kAes128Gcm:
      return "HPKE\x00\x20\x00\x01\x00\x01"sv;
    case AeadKind::kAes256Gcm:
      return "HPKE\x00\x20\x00\x01\x00\x02"sv;
    case AeadKind::kChaCha20Poly1305:
      return "HPKE\x00\x20\x00\x01\x00\x03"sv;
  }
  return {};
}

SecretBytes Join(std::initializer_list<ByteView> parts) {
  std::size_t size = 0;
  for (const ByteView part : parts) {
    size += part.size();
  }
  SecretBytes joined(size);
  auto at = joined.bytes().begin();
  for (const ByteView part : parts) {
    at = std::copy(part.begin(), part.end(), at);
  }
  return joined;
}

SecretBytes LabeledExtract(std::string_view suite,
                           ByteView salt,
                           std::string_view label,
                           ByteView key_material) {
  const SecretBytes labeled =
      Join({AsBytes(kVersion), AsBytes(suite), AsBytes(label), key_material});
  return HkdfExtract(salt, labeled.view());
}

SecretBytes LabeledExpand(std::string_view suite,
                          const SecretBytes& pseudo_random_key,
                          std::string_view label,
                          ByteView info,
                          std::size_t length) {
  const std::array<std::uint8_t, 2> size = {static_cast<std::uint8_t>(length >> 8U),
                                            static_cast<std::uint8_t>(length & 0xFFU)};
  const SecretBytes labeled = Join({size, AsBytes(kVersion), AsBytes(suite), AsBytes(label), info});
  return HkdfExpand(pseudo_random_key.view(), labeled.view(), length);
}

/// ExtractAndExpand of section 4.1: the shared secret of the key encapsulation.
SecretBytes SharedSecret(const SecretBytes& agreed,
                         const X25519Public& encapsulated_key,
                         const X25519Public& recipient) {
  const SecretBytes extracted = LabeledExtract(kKemSuite, {}, "eae_prk", agreed.view());
  const SecretBytes context = Join({encapsulated_key, recipient});
  return LabeledExpand(kKemSuite, extracted, "shared_secret", context.view(), 32);
}

/// KeySchedule of section 5.1 for mode base, which has no pre-shared key.
detail::HpkeKeys KeySchedule(AeadKind kind, const SecretBytes& shared_secret, ByteView info) {
  const std::string_view suite = Suite(kind);
  const SecretBytes psk_id_hash = LabeledExtract(suite, {}, "psk_id_hash", {});
  const SecretBytes info_hash = LabeledExtract(suite, {}, "info_hash", info);
  const SecretBytes context = Join({ByteView(&kModeBase, 1), psk_id_hash.view(), info_hash.view()});
  const SecretBytes secret = LabeledExtract(suite, shared_secret.view(), "secret", {});
  return {
      .kind = kind,
      .key = LabeledExpand(suite, secret, "key", context.view(), AeadKeyBytes(kind)),
      .base_nonce = LabeledExpand(suite, secret, "base_nonce", context.view(), kAeadNonceBytes)};
}

}  // namespace

Bytes detail::HpkeKeys::Nonce() const {
  const ByteView base = base_nonce.view();
  Bytes nonce(base.begin(), base.end());
  for (std::size_t i = 0; i < sizeof sequence; ++i) {
    nonce[nonce.size() - 1 - i] ^= static_cast<std::uint8_t>(sequence >> (8 * i));
  }
  return nonce;
}

Result<HpkeSender> HpkeSender::Create(AeadKind kind, const X25519Public& recipient, ByteView info) {
  return CreateWith(X25519Key::Generate(), kind, recipient, info);
}

Result<HpkeSender> HpkeSender::CreateWith(const X25519Key& ephemeral,
                                          AeadKind kind,
                                          const X25519Public& recipient,
                                          ByteView info) {
  RONDO_TRY(const SecretBytes agreed, ephemeral.Agree(recipient));
  const SecretBytes shared = SharedSecret(agreed, ephemeral.public_key(), recipient);
  return HpkeSender(ephemeral.public_key(), KeySchedule(kind, shared, info));
}

Bytes HpkeSender::Seal(ByteView aad, ByteView plain) {
  Bytes sealed = AeadSeal(keys_.kind, keys_.key.view(), keys_.Nonce(), aad, plain);
  ++keys_.sequence;
  return sealed;
}

Result<HpkeReceiver> HpkeReceiver::Create(AeadKind kind,
                                          const X25519Key& recipient,
                                          const X25519Public& encapsulated_key,
                                          ByteView info) {
  RONDO_TRY(const SecretBytes agreed, recipient.Agree(encapsulated_key));
  const SecretBytes shared = SharedSecret(agreed, encapsulated_key, recipient.public_key());
  return HpkeReceiver(KeySchedule(kind, shared, info));
}

Result<SecretBytes> HpkeReceiver::Open(ByteView aad, ByteView sealed) {
  RONDO_TRY(SecretBytes plain, AeadOpen(keys_.kind, keys_.key.view(), keys_.Nonce(), aad, sealed));
  ++keys_.sequence;
  return plain;
}

}  // namespace rondo
