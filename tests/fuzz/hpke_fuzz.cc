#include <algorithm>
#include <string>

#include "common/core/check.h"
#include "common/crypto/hpke.h"
#include "common/wire/sealed.h"
#include "tests/fuzz/scratch.h"
#include "tests/fuzz/target.h"

namespace rondo::fuzz {
namespace {

constexpr std::string_view kInfo = "rondo fuzz";
constexpr std::string_view kAad = "round 4";

const X25519Key& Recipient() {
  static const X25519Key kKey = X25519Key::FromPrivate(Bytes(32, 0x42)).value();
  return kKey;
}

/// seed := encapsulated_key[32] sealed
Bytes Sealed(std::uint8_t ephemeral, std::string_view plain) {
  auto sender = HpkeSender::CreateWith(X25519Key::FromPrivate(Bytes(32, ephemeral)).value(),
                                       AeadKind::kAes256Gcm,
                                       Recipient().public_key(),
                                       AsBytes(kInfo))
                    .value();
  Bytes input(sender.encapsulated_key().begin(), sender.encapsulated_key().end());
  const Bytes sealed = sender.Seal(AsBytes(kAad), AsBytes(plain));
  input.insert(input.end(), sealed.begin(), sealed.end());
  return input;
}

std::vector<Bytes> Seeds() {
  return {Sealed(1, ""), Sealed(2, "weights"), Sealed(3, std::string(300, 'w'))};
}

/// Opens nothing but what was sealed above.
bool Run(ByteView input) {
  X25519Public encapsulated{};
  if (input.size() < encapsulated.size()) {
    return false;
  }
  std::copy_n(input.begin(), encapsulated.size(), encapsulated.begin());
  auto receiver =
      HpkeReceiver::Create(AeadKind::kAes256Gcm, Recipient(), encapsulated, AsBytes(kInfo));
  if (!receiver || !receiver->Open(AsBytes(kAad), input.subspan(encapsulated.size()))) {
    return false;
  }
  static const std::vector<Bytes> kKnown = Seeds();
  const bool known = std::any_of(kKnown.begin(), kKnown.end(), [&](const Bytes& seed) {
    return std::ranges::equal(seed, input);
  });
  RONDO_CHECK(known) << "a forgery was opened";
  return true;
}

const wire::SealedFor kFor{.run_id = "run", .round = 4, .client = "acme"};
constexpr std::string_view kContribution = "an encoded contribution";

/// The ephemeral keys are new each time, so what opens is known by its content.
bool RunSealed(ByteView input) {
  const auto opened = wire::OpenContribution(Recipient(), kFor, input);
  RONDO_CHECK(!opened || AsText(opened->view()) == kContribution) << "a forgery was opened";
  return opened.has_value();
}

std::vector<Bytes> SealedSeeds() {
  return {wire::SealContribution(Recipient().public_key(), kFor, AsBytes(kContribution)).value()};
}

}  // namespace

Target SealedTarget() {
  return {"sealed", RunSealed, SealedSeeds};
}

Target HpkeTarget() {
  return {"hpke", Run, Seeds};
}

}  // namespace rondo::fuzz
