#include "common/crypto/hpke.h"

#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace rondo {
namespace {

struct Message {
  std::uint64_t sequence = 0;
  Bytes plain;
  Bytes aad;
  std::string sealed;
};

struct Vector {
  AeadKind kind = AeadKind::kAes256Gcm;
  std::map<std::string, std::string> setup;
  std::vector<Message> messages;
};

/// golden/hpke.txt, as scripts/reference/hpke_golden.py writes it.
std::vector<Vector> ReadVectors() {
  static const std::map<std::string, AeadKind> kKinds = {{"aes128", AeadKind::kAes128Gcm},
                                                         {"aes256", AeadKind::kAes256Gcm},
                                                         {"chacha20", AeadKind::kChaCha20Poly1305}};
  std::ifstream file(RONDO_GOLDEN_DIR "/hpke.txt");
  std::vector<Vector> vectors;
  for (std::string line; std::getline(file, line);) {
    const std::size_t space = line.find(' ');
    const std::string name = line.substr(0, space);
    const std::string value = line.substr(space + 1);
    if (name == "suite") {
      vectors.push_back({.kind = kKinds.at(value)});
    } else if (name == "sequence_number") {
      vectors.back().messages.push_back({.sequence = std::stoull(value)});
    } else if (name == "pt") {
      vectors.back().messages.back().plain = HexBytes(value);
    } else if (name == "aad") {
      vectors.back().messages.back().aad = HexBytes(value);
    } else if (name == "ct") {
      vectors.back().messages.back().sealed = value;
    } else {
      vectors.back().setup[name] = value;
    }
  }
  return vectors;
}

Result<HpkeReceiver> ReceiverOf(const Vector& vector) {
  const auto key = X25519Key::FromPrivate(HexBytes(vector.setup.at("skRm")));
  return HpkeReceiver::Create(vector.kind,
                              key.value(),
                              HexArray<32>(vector.setup.at("enc")),
                              HexBytes(vector.setup.at("info")));
}

TEST(Hpke, SealsAsThePublishedVectors) {
  std::size_t messages = 0;
  for (const Vector& vector : ReadVectors()) {
    if (!vector.setup.contains("skEm")) {
      continue;
    }
    const auto ephemeral = X25519Key::FromPrivate(HexBytes(vector.setup.at("skEm")));
    auto sender = HpkeSender::CreateWith(ephemeral.value(),
                                         vector.kind,
                                         HexArray<32>(vector.setup.at("pkRm")),
                                         HexBytes(vector.setup.at("info")));
    ASSERT_TRUE(sender);
    EXPECT_EQ(ToHex(sender->encapsulated_key()), vector.setup.at("enc"));
    std::uint64_t sequence = 0;
    for (const Message& message : vector.messages) {
      for (; sequence < message.sequence; ++sequence) {
        sender->Seal({}, {});
      }
      EXPECT_EQ(ToHex(sender->Seal(message.aad, message.plain)), message.sealed);
      ++sequence;
      ++messages;
    }
  }
  EXPECT_EQ(messages, 12U)
      << "RFC 9180, A.1.1.1 and A.2.1.1: sequence numbers 0, 1, 2, 4, 255, 256";
}

TEST(Hpke, OpensFirstMessagesOfEverySuite) {
  const std::vector<Vector> vectors = ReadVectors();
  ASSERT_EQ(vectors.size(), 3U);
  for (const Vector& vector : vectors) {
    auto receiver = ReceiverOf(vector);
    ASSERT_TRUE(receiver);
    const Message& message = vector.messages.front();
    const auto opened = receiver->Open(message.aad, HexBytes(message.sealed));
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(ToHex(opened->view()), ToHex(message.plain));
  }
}

TEST(Hpke, OpensInOrderAloneAndStaysAtWhatItRefused) {
  const Vector vector = ReadVectors().front();
  auto receiver = ReceiverOf(vector);
  ASSERT_TRUE(receiver);
  const Message& first = vector.messages[0];
  const Message& second = vector.messages[1];
  EXPECT_FALSE(receiver->Open(second.aad, HexBytes(second.sealed))) << "it is not the first";
  ASSERT_TRUE(receiver->Open(first.aad, HexBytes(first.sealed)));
  EXPECT_FALSE(receiver->Open(first.aad, HexBytes(first.sealed))) << "it was opened before";
  EXPECT_FALSE(receiver->Open(first.aad, HexBytes(second.sealed))) << "it is bound to other data";
  EXPECT_TRUE(receiver->Open(second.aad, HexBytes(second.sealed)));
}

TEST(Hpke, RefusesAnotherKeyInfoAndSuite) {
  const Bytes info = HexBytes("01");
  const X25519Key recipient = X25519Key::Generate();
  auto sender = HpkeSender::Create(AeadKind::kAes256Gcm, recipient.public_key(), info);
  ASSERT_TRUE(sender);
  const Bytes sealed = sender->Seal({}, AsBytes("text"));
  const auto opens = [&](AeadKind kind, const X25519Key& key, const Bytes& bound) {
    auto receiver = HpkeReceiver::Create(kind, key, sender->encapsulated_key(), bound);
    return receiver->Open({}, sealed).has_value();
  };
  EXPECT_TRUE(opens(AeadKind::kAes256Gcm, recipient, info));
  EXPECT_FALSE(opens(AeadKind::kAes256Gcm, X25519Key::Generate(), info));
  EXPECT_FALSE(opens(AeadKind::kAes256Gcm, recipient, HexBytes("02")));
  EXPECT_FALSE(opens(AeadKind::kChaCha20Poly1305, recipient, info));
}

TEST(Hpke, RefusesPointsOfLowOrderOnBothSides) {
  const X25519Public zero{};
  EXPECT_FALSE(HpkeSender::Create(AeadKind::kAes256Gcm, zero, {}));
  EXPECT_FALSE(HpkeReceiver::Create(AeadKind::kAes256Gcm, X25519Key::Generate(), zero, {}));
}

}  // namespace
}  // namespace rondo
