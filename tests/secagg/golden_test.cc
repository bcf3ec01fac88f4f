// Compares with what hashlib, the Python package cryptography and plain integers make of the same
// inputs: scripts/reference/secagg_golden.py.
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/crypto/sha256.h"
#include "common/secagg/graph.h"
#include "common/secagg/mask_stream.h"
#include "common/secagg/session.h"
#include "common/secagg/shamir.h"

namespace rondo::secagg {
namespace {

/// The lines of the golden file under the words before their last one.
std::map<std::string, std::string> ReadGolden() {
  std::map<std::string, std::string> golden;
  std::ifstream in(RONDO_GOLDEN_DIR "/secagg.txt");
  std::string line;
  while (std::getline(in, line)) {
    const bool numbered = line.starts_with("shamir_share") || line.starts_with("graph_bound");
    const std::size_t space = line.find(' ', numbered ? line.find(' ') + 1 : 0);
    golden[line.substr(0, space)] = line.substr(space + 1);
  }
  return golden;
}

Bytes FromHex(const std::string& hex) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

Digest Fixed(const std::string& label) {
  Sha256 hash;
  hash.Update("secagg golden " + label);
  return hash.Finish();
}

class SecaggGoldenTest : public ::testing::Test {
 protected:
  std::map<std::string, std::string> golden = ReadGolden();

  SessionTerms terms{
      .federation = "fed",
      .run = "run-1",
      .round = 7,
      .serial = 1234,
      .nonce = Fixed("nonce"),
      .roster_sha256 = std::string(64, 'a'),
      .model_sha256 = std::string(64, 'b'),
      .vector = {.segments = {{"delta", 70000, 32, 1000}, {"tail", 3, 64, std::uint64_t{1} << 40}},
                 .most_clients = 20}};
  Digest session = SessionId(terms);
  std::vector<std::string> ids = {"acme", "borealis", "cygnus"};

  X25519Key ShareKeyOf(std::size_t client) const {
    return X25519Key::FromPrivate(Fixed("share " + ids[client])).value();
  }

  X25519Key MaskKeyOf(std::size_t client) const {
    return X25519Key::FromPrivate(Fixed("mask " + ids[client])).value();
  }

  Digest Directory() const {
    std::vector<DirectoryEntry> entries;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      entries.push_back({.id = ids[i],
                         .share_key = ShareKeyOf(i).public_key(),
                         .mask_key = MaskKeyOf(i).public_key()});
    }
    return DirectoryHash(session, entries);
  }

  SecretBytes PairMaskKey() const {
    return MaskKeyBetween(MaskKeyOf(1), MaskKeyOf(0).public_key(), Directory(), ids[1], ids[0])
        .value();
  }
};

TEST_F(SecaggGoldenTest, SharesAreThoseOfPlainPolynomials) {
  const std::vector<std::uint64_t> xs = {1, 2, 5, 9, 300};
  std::vector<Bytes> shares;
  for (const std::uint64_t x : xs) {
    shares.push_back(FromHex(golden.at("shamir_share " + std::to_string(x))));
    EXPECT_TRUE(IsShare(shares.back()));
  }
  const Interpolation of_three(std::vector<std::uint64_t>{300, 2, 9});
  const std::vector<ByteView> three = {shares[4], shares[1], shares[3]};

  const auto secret = of_three.Secret(three);

  ASSERT_TRUE(secret);
  EXPECT_EQ(ToHex(secret->view()), golden.at("shamir_secret"));
  EXPECT_EQ(ToHex(of_three.At(5, three)), golden.at("shamir_share 5"));
}

TEST_F(SecaggGoldenTest, NamesAndSignaturesAgree) {
  EXPECT_EQ(ToHex(session), golden.at("session"));
  EXPECT_EQ(ToHex(Directory()), golden.at("directory"));
  const SigningKey signer = SigningKey::FromPrivate(Fixed("identity acme")).value();
  EXPECT_EQ(ToHex(signer.Sign(AdvertiseStatement(
                session, ids[0], ShareKeyOf(0).public_key(), MaskKeyOf(0).public_key()))),
            golden.at("advertise_signature"));
  EXPECT_EQ(ToHex(signer.Sign(ConsistencyStatement(Directory(), {0, 1, 2}, {0, 2}))),
            golden.at("consistency_signature"));
}

TEST_F(SecaggGoldenTest, KeysAndSealedSharesAgree) {
  const auto key =
      ShareKeyBetween(ShareKeyOf(0), ShareKeyOf(1).public_key(), Directory(), ids[0], ids[1]);
  ASSERT_TRUE(key);
  EXPECT_EQ(ToHex(key->view()), golden.at("share_key"));
  EXPECT_EQ(ToHex(PairMaskKey().view()), golden.at("mask_key"));
  EXPECT_EQ(ToHex(OwnMaskKey(Fixed("seed"), session, ids[0]).view()), golden.at("own_mask_key"));
  EXPECT_EQ(ToHex(SeedCommitment(Fixed("seed"), session, ids[0])), golden.at("seed_commitment"));
  Bytes plain;
  for (const char* label : {"first", "second", "third"}) {
    const Digest part = Fixed(label);
    plain.insert(plain.end(), part.begin(), part.end());
  }
  plain.resize(2 * kShareSize);
  EXPECT_EQ(ToHex(SealShares(key->view(), Directory(), ids[0], ids[1], plain)),
            golden.at("sealed_up"));
  EXPECT_EQ(ToHex(SealShares(key->view(), Directory(), ids[1], ids[0], plain)),
            golden.at("sealed_down"));
}

TEST_F(SecaggGoldenTest, MasksAgree) {
  const SecretBytes key = PairMaskKey();
  EXPECT_EQ(Sha256Hex(MaskStream(key.view(), 0, 280000).view()), golden.at("stream_sha256"));
  EXPECT_EQ(ToHex(MaskStream(key.view(), 1, 24).view()), golden.at("stream_segment"));

  Bytes packed;
  for (const Segment& segment : terms.vector.segments) {
    std::vector<std::int64_t> numbers(segment.size);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = static_cast<std::int64_t>(i % 2001) - 1000;
    }
    Pack(numbers, segment.bits, packed);
  }
  std::vector<Mask> masks;
  masks.push_back({.key = OwnMaskKey(Fixed("seed"), session, ids[0])});
  masks.push_back({.key = PairMaskKey()});
  Workers workers(2);
  ApplyMasks(terms.vector, packed, masks, workers);
  EXPECT_EQ(Sha256Hex(packed), golden.at("masked_sha256"));
}

TEST_F(SecaggGoldenTest, NarrowRingsAgree) {
  Workers workers(1);
  for (const int bits : {16, 24}) {
    std::vector<std::int64_t> numbers(50000);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = static_cast<std::int64_t>(i % 2001) - 1000;
    }
    Bytes packed;
    Pack(numbers, bits, packed);
    std::vector<Mask> masks;
    masks.push_back({.key = PairMaskKey(), .subtract = true});
    const VectorSpec spec{.segments = {{"delta", numbers.size(), bits, 1000}}, .most_clients = 3};
    ApplyMasks(spec, packed, masks, workers);
    EXPECT_EQ(Sha256Hex(packed), golden.at("subtracted_" + std::to_string(bits) + "_sha256"));
  }
}

TEST_F(SecaggGoldenTest, NeighboursFollowFromTheDirectory) {
  const Graph graph(300, Fixed("directory"));
  std::string text;
  for (const std::uint32_t neighbour : graph.Neighbours(17)) {
    text += (text.empty() ? "" : " ") + std::to_string(neighbour);
    EXPECT_TRUE(graph.AreNeighbours(17, neighbour));
    EXPECT_TRUE(graph.AreNeighbours(neighbour, 17));
  }
  EXPECT_EQ(text, golden.at("neighbours_of_17"));
  EXPECT_FALSE(graph.AreNeighbours(17, 17));
}

TEST_F(SecaggGoldenTest, RingsHoldAgainstAThirdOfLiarsAndOfDropOuts) {
  int rows = 0;
  for (const auto& [name, value] : golden) {
    if (!name.starts_with("graph_bound ")) {
      continue;
    }
    std::istringstream in(value);
    std::uint32_t degree = 0;
    std::uint32_t threshold = 0;
    double betrayed = 0.0;
    double lost = 0.0;
    in >> degree >> threshold >> betrayed >> lost;
    const auto clients = static_cast<std::uint32_t>(std::stoul(name.substr(12)));
    EXPECT_EQ(RingParametersFor(clients).degree, degree) << clients;
    EXPECT_EQ(RingParametersFor(clients).threshold, threshold) << clients;
    EXPECT_LE(betrayed, -40.0) << clients;
    EXPECT_LE(lost, -20.0) << clients;
    ++rows;
  }
  EXPECT_EQ(rows, 7);
}

}  // namespace
}  // namespace rondo::secagg
