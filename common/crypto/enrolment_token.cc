#include "common/crypto/enrolment_token.h"

#include <algorithm>
#include <optional>

#include "common/core/text_bytes.h"
#include "common/crypto/certificate.h"
#include "common/crypto/sha256.h"

namespace rondo {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kCheckSize = 4;

Failure Broken() {
  return Fail(ErrorCode::kInvalidArgument,
              "this is no token of `rondo-coordinator invite`, or not the whole of it; copy it "
              "again");
}

void Append(SecretBytes& out, std::size_t& at, ByteView bytes) {
  std::copy(bytes.begin(), bytes.end(), out.bytes().begin() + static_cast<std::ptrdiff_t>(at));
  at += bytes.size();
}

void AppendText(SecretBytes& out, std::size_t& at, const std::string& text) {
  const auto size = static_cast<std::uint8_t>(text.size());
  Append(out, at, {&size, 1});
  Append(out, at, AsBytes(text));
}

/// Takes pieces from the front; empty ones once there are too few bytes.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}

  ByteView Take(std::size_t size) {
    if (rest_.size() < size) {
      whole_ = false;
      return {};
    }
    const ByteView piece = rest_.first(size);
    rest_ = rest_.subspan(size);
    return piece;
  }

  std::string TakeText() {
    const ByteView size = Take(1);
    return size.empty() ? std::string() : std::string(AsText(Take(size[0])));
  }

  bool AtEnd() const { return whole_ && rest_.empty(); }

 private:
  ByteView rest_;
  bool whole_ = true;
};

std::array<std::uint8_t, 32> Digest(ByteView bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.Finish();
}

}  // namespace

std::string EnrolmentToken::Text() const {
  const Bytes authority = FromHex(authority_sha256).value_or(Bytes());
  SecretBytes bytes(1 + authority.size() + governance.size() + 32 + 2 + 1 + client.size() + 1
                    + host.size() + kCheckSize);
  const std::array<std::uint8_t, 2> port_bytes = {static_cast<std::uint8_t>(port >> 8),
                                                  static_cast<std::uint8_t>(port)};
  std::size_t at = 0;
  Append(bytes, at, {&kVersion, 1});
  Append(bytes, at, authority);
  Append(bytes, at, governance);
  Append(bytes, at, key.private_key());
  Append(bytes, at, port_bytes);
  AppendText(bytes, at, client);
  AppendText(bytes, at, host);
  const auto digest = Digest(bytes.view().first(at));
  Append(bytes, at, ByteView(digest).first(kCheckSize));
  return ToBase64Url(bytes.view());
}

Result<EnrolmentToken> ParseEnrolmentToken(std::string_view text) {
  const std::optional<Bytes> plain = FromBase64Url(text);
  if (!plain || plain->size() <= kCheckSize) {
    return Broken();
  }
  const SecretBytes bytes = SecretBytes::Copy(*plain);
  const ByteView body = bytes.view().first(bytes.size() - kCheckSize);
  const auto digest = Digest(body);
  if (!std::ranges::equal(bytes.view().last(kCheckSize), ByteView(digest).first(kCheckSize))) {
    return Broken();
  }
  Reader reader(body);
  const ByteView version = reader.Take(1);
  if (version.empty() || version[0] != kVersion) {
    return Fail(ErrorCode::kInvalidArgument,
                "this token is of another release; install the one of the coordinator");
  }
  const std::string authority = ToHex(reader.Take(32));
  const ByteView governance = reader.Take(32);
  const ByteView seed = reader.Take(32);
  const ByteView port = reader.Take(2);
  const ClientId client = reader.TakeText();
  const std::string host = reader.TakeText();
  if (!reader.AtEnd() || host.empty() || !CheckClientId(client)) {
    return Broken();
  }
  RONDO_TRY(SigningKey key, SigningKey::FromPrivate(seed));
  EnrolmentToken token{.authority_sha256 = authority,
                       .key = std::move(key),
                       .port = static_cast<std::uint16_t>((port[0] << 8) | port[1]),
                       .client = client,
                       .host = host};
  std::copy(governance.begin(), governance.end(), token.governance.begin());
  return token;
}

std::string TokenSha256(const Ed25519Public& key) {
  return Sha256Hex(key);
}

}  // namespace rondo
