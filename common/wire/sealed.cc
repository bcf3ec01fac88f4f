#include "common/wire/sealed.h"

#include <algorithm>
#include <string_view>

#include "common/crypto/hpke.h"

namespace rondo::wire {
namespace {

constexpr AeadKind kCipher = AeadKind::kAes256Gcm;
constexpr std::size_t kKeyBytes = std::tuple_size_v<X25519Public>;
constexpr std::size_t kSealedPieceBytes = kSealedPiece + kAeadTagBytes;

Failure NotSealed(const SealedFor& bound) {
  return Fail(ErrorCode::kUnauthenticated,
              "the sealed contribution of '" + bound.client + "' to round "
                  + std::to_string(bound.round)
                  + " does not open: it was changed, or sealed to another key, run or round");
}

Bytes Info(const SealedFor& bound) {
  const std::string text = std::string("rondo/sealed/1") + '\0' + bound.run_id;
  return {text.begin(), text.end()};
}

void AppendU32(Bytes& bytes, std::uint64_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<std::uint8_t>(number >> static_cast<unsigned>(shift)));
  }
}

Bytes Aad(const SealedFor& bound, std::uint64_t index, bool last) {
  Bytes aad;
  aad.reserve(10 + bound.client.size());
  AppendU32(aad, bound.round);
  aad.push_back(static_cast<std::uint8_t>(bound.kind == OfferKind::kTrain ? 0 : 1));
  AppendU32(aad, index);
  aad.push_back(last ? 1 : 0);
  aad.insert(aad.end(), bound.client.begin(), bound.client.end());
  return aad;
}

}  // namespace

std::uint64_t SealedSize(std::uint64_t plain) {
  const std::uint64_t pieces = (plain + kSealedPiece - 1) / kSealedPiece;
  return kKeyBytes + plain + pieces * kAeadTagBytes;
}

Result<Bytes> SealContribution(const X25519Public& aggregation,
                               const SealedFor& bound,
                               ByteView encoded) {
  if (encoded.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "an empty contribution cannot be sealed");
  }
  RONDO_TRY(HpkeSender sender, HpkeSender::Create(kCipher, aggregation, Info(bound)));
  Bytes sealed;
  sealed.reserve(SealedSize(encoded.size()));
  const X25519Public& key = sender.encapsulated_key();
  sealed.insert(sealed.end(), key.begin(), key.end());
  for (std::uint64_t index = 0; !encoded.empty(); ++index) {
    const std::size_t size = std::min(kSealedPiece, encoded.size());
    const bool last = size == encoded.size();
    const Bytes piece = sender.Seal(Aad(bound, index, last), encoded.first(size));
    sealed.insert(sealed.end(), piece.begin(), piece.end());
    encoded = encoded.subspan(size);
  }
  return sealed;
}

Result<SecretBytes> OpenContribution(const X25519Key& aggregation,
                                     const SealedFor& bound,
                                     ByteView sealed) {
  if (sealed.size() <= kKeyBytes) {
    return NotSealed(bound);
  }
  X25519Public key{};
  std::copy_n(sealed.begin(), key.size(), key.begin());
  ByteView rest = sealed.subspan(kKeyBytes);
  auto receiver = HpkeReceiver::Create(kCipher, aggregation, key, Info(bound));
  const std::size_t pieces = (rest.size() + kSealedPieceBytes - 1) / kSealedPieceBytes;
  if (!receiver || rest.size() <= pieces * kAeadTagBytes) {
    return NotSealed(bound);
  }
  SecretBytes encoded(rest.size() - pieces * kAeadTagBytes);
  auto at = encoded.bytes().begin();
  for (std::uint64_t index = 0; !rest.empty(); ++index) {
    const std::size_t size = std::min(kSealedPieceBytes, rest.size());
    const bool last = size == rest.size();
    const auto piece = receiver->Open(Aad(bound, index, last), rest.first(size));
    if (!piece) {
      return NotSealed(bound);
    }
    at = std::ranges::copy(piece->view(), at).out;
    rest = rest.subspan(size);
  }
  return encoded;
}

}  // namespace rondo::wire
