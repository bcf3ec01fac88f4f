#include "common/wire/secagg_messages.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/secagg/graph.h"

namespace rondo::wire {
namespace {

template <std::size_t N>
std::array<std::uint8_t, N> Filled(int byte) {
  std::array<std::uint8_t, N> bytes{};
  bytes.fill(static_cast<std::uint8_t>(byte));
  return bytes;
}

std::vector<secagg::ClientMessage> ClientMessages() {
  const auto session = Filled<32>(1);
  const Bytes sealed(secagg::kSealedShareSize, 9);
  return {
      secagg::AdvertiseKeys{session, Filled<32>(2), Filled<32>(3), Filled<64>(4)},
      secagg::ShareKeys{session, Filled<32>(5), {{0, sealed}, {7, sealed}}, Filled<64>(6)},
      secagg::MaskedChunk{session, 1000, {1, 2, 3}},
      secagg::ConsistencySignature{session, Filled<64>(9)},
      secagg::UnmaskShares{session, {{0, Filled<40>(1)}, {1, Filled<40>(2)}}, {{2, Filled<40>(3)}}},
  };
}

std::vector<secagg::ServerMessage> ServerMessages() {
  const auto session = Filled<32>(1);
  const Bytes sealed(secagg::kSealedShareSize, 9);
  return {
      secagg::KeyDirectory{session,
                           3,
                           {{"acme", Filled<32>(2), Filled<32>(3), Filled<64>(4)},
                            {"borealis", Filled<32>(5), Filled<32>(6), Filled<64>(7)}}},
      secagg::ShareDelivery{session, {0, 1, 300}, {{1, sealed}, {300, sealed}}},
      secagg::SurvivorSet{session, {0, 300}},
      secagg::ConsistencyProof{session, {{0, Filled<64>(1)}, {300, Filled<64>(2)}}},
      secagg::SessionOffer{session, OfferKind::kEvaluate, 7, 12, Filled<32>(8), 3, 300},
  };
}

Result<Bytes> Again(const secagg::ClientMessage& /*kind*/, ByteView bytes) {
  RONDO_TRY(const secagg::ClientMessage message, DecodeSecaggFromClient(bytes));
  return EncodeSecagg(message);
}

Result<Bytes> Again(const secagg::ServerMessage& /*kind*/, ByteView bytes) {
  RONDO_TRY(const secagg::ServerMessage message, DecodeSecaggFromServer(bytes));
  return EncodeSecagg(message);
}

template <typename Message>
void ExpectSameBytes(const std::vector<Message>& messages) {
  for (const Message& message : messages) {
    const Bytes bytes = EncodeSecagg(message);
    const auto again = Again(message, bytes);
    ASSERT_TRUE(again) << message.index() << ": " << again.error().message;
    EXPECT_EQ(*again, bytes) << message.index();
  }
}

template <typename Message>
void ExpectCutsRefused(const std::vector<Message>& messages) {
  for (const Message& message : messages) {
    const Bytes bytes = EncodeSecagg(message);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      EXPECT_FALSE(Again(message, ByteView(bytes).first(length)))
          << message.index() << ' ' << length;
    }
  }
}

/// A flipped bit gives another message or an error, never one that is taken for the same.
template <typename Message>
void ExpectFlipsSeen(const std::vector<Message>& messages) {
  for (const Message& message : messages) {
    const Bytes bytes = EncodeSecagg(message);
    for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
      Bytes flipped = bytes;
      flipped[i / 8] ^= static_cast<std::uint8_t>(1U << (i % 8));
      const auto again = Again(message, flipped);
      if (again) {
        EXPECT_NE(*again, bytes) << message.index() << ' ' << i;
      }
    }
  }
}

TEST(SecaggMessagesTest, EveryMessageComesBack) {
  ExpectSameBytes(ClientMessages());
  ExpectSameBytes(ServerMessages());
}

TEST(SecaggMessagesTest, FieldsComeBack) {
  const auto keys = DecodeSecaggFromServer(EncodeSecagg(ServerMessages()[0]));
  ASSERT_TRUE(keys);
  const auto& directory = std::get<secagg::KeyDirectory>(*keys);
  EXPECT_EQ(directory.threshold, 3U);
  EXPECT_EQ(directory.session, Filled<32>(1));
  ASSERT_EQ(directory.entries.size(), 2U);
  EXPECT_EQ(directory.entries[1].id, "borealis");
  EXPECT_EQ(directory.entries[1].mask_key, Filled<32>(6));
  EXPECT_EQ(directory.entries[1].signature, Filled<64>(7));
  const auto opened = DecodeSecaggFromClient(EncodeSecagg(ClientMessages()[4]));
  ASSERT_TRUE(opened);
  EXPECT_EQ(std::get<secagg::UnmaskShares>(*opened).seeds[1].owner, 1U);
  EXPECT_EQ(std::get<secagg::UnmaskShares>(*opened).mask_keys[0].share, Filled<40>(3));
}

TEST(SecaggMessagesTest, CutMessagesAreRefused) {
  ExpectCutsRefused(ClientMessages());
  ExpectCutsRefused(ServerMessages());
}

TEST(SecaggMessagesTest, FlippedBitsAreSeen) {
  ExpectFlipsSeen(ClientMessages());
  ExpectFlipsSeen(ServerMessages());
}

TEST(SecaggMessagesTest, WhatIsBeyondItsBoundIsRefused) {
  const auto session = Filled<32>(1);
  const Bytes sealed(secagg::kSealedShareSize - 1, 9);
  EXPECT_FALSE(DecodeSecaggFromClient(
      EncodeSecagg(secagg::ShareKeys{session, Filled<32>(5), {{0, sealed}}, Filled<64>(6)})));
  EXPECT_FALSE(DecodeSecaggFromClient(EncodeSecagg(secagg::MaskedChunk{session, 0, {}})));
  EXPECT_FALSE(DecodeSecaggFromClient(
      EncodeSecagg(secagg::MaskedChunk{session, 0, Bytes(secagg::kMaskedChunk + 1)})));
  EXPECT_TRUE(DecodeSecaggFromClient(
      EncodeSecagg(secagg::MaskedChunk{session, 0, Bytes(secagg::kMaskedChunk)})));
  EXPECT_FALSE(DecodeSecaggFromServer(EncodeSecagg(secagg::SurvivorSet{session, {}})));
  EXPECT_FALSE(DecodeSecaggFromServer(EncodeSecagg(secagg::KeyDirectory{session, 1, {}})));
  const std::vector<secagg::Place> many(secagg::kMostSessionClients + 1, 0);
  EXPECT_FALSE(DecodeSecaggFromServer(EncodeSecagg(secagg::SurvivorSet{session, many})));
  EXPECT_FALSE(DecodeSecaggFromClient({}));
  EXPECT_FALSE(DecodeSecaggFromServer({}));
}

}  // namespace
}  // namespace rondo::wire
