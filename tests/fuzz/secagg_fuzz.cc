#include "common/core/check.h"
#include "common/wire/secagg_messages.h"
#include "tests/fuzz/target.h"

namespace rondo::fuzz {
namespace {

template <std::size_t N>
std::array<std::uint8_t, N> Filled(int byte) {
  std::array<std::uint8_t, N> bytes{};
  bytes.fill(static_cast<std::uint8_t>(byte));
  return bytes;
}

template <typename Message>
bool Run(ByteView input, Result<Message> (*decode)(ByteView)) {
  const auto message = decode(input);
  if (!message) {
    return false;
  }
  const Bytes written = wire::EncodeSecagg(*message);
  const auto again = decode(written);
  RONDO_CHECK(again.has_value()) << "own bytes are refused: " << again.error().message;
  RONDO_CHECK(wire::EncodeSecagg(*again) == written) << "a message changes on its way";
  return true;
}

template <typename Message>
std::vector<Bytes> Encoded(const std::vector<Message>& messages) {
  std::vector<Bytes> seeds;
  seeds.reserve(messages.size());
  for (const Message& message : messages) {
    seeds.push_back(wire::EncodeSecagg(message));
  }
  return seeds;
}

std::vector<Bytes> ClientSeeds() {
  const auto session = Filled<32>(1);
  const Bytes sealed(secagg::kSealedShareSize, 9);
  return Encoded<secagg::ClientMessage>({
      secagg::AdvertiseKeys{session, Filled<32>(2), Filled<32>(3), Filled<64>(4)},
      secagg::ShareKeys{session, Filled<32>(5), {{0, sealed}, {7, sealed}}, Filled<64>(6)},
      secagg::MaskedChunk{session, 1000, {1, 2, 3}},
      secagg::ConsistencySignature{session, Filled<64>(9)},
      secagg::UnmaskShares{session, {{0, Filled<40>(1)}, {1, Filled<40>(2)}}, {{2, Filled<40>(3)}}},
  });
}

std::vector<Bytes> ServerSeeds() {
  const auto session = Filled<32>(1);
  const Bytes sealed(secagg::kSealedShareSize, 9);
  return Encoded<secagg::ServerMessage>({
      secagg::KeyDirectory{session,
                           3,
                           {{"acme", Filled<32>(2), Filled<32>(3), Filled<64>(4)},
                            {"borealis", Filled<32>(5), Filled<32>(6), Filled<64>(7)}}},
      secagg::ShareDelivery{session, {0, 1, 300}, {{1, sealed}, {300, sealed}}},
      secagg::SurvivorSet{session, {0, 300}},
      secagg::ConsistencyProof{session, {{0, Filled<64>(1)}, {300, Filled<64>(2)}}},
      secagg::SessionOffer{.session = session,
                           .round = 3,
                           .serial = 4,
                           .nonce = Filled<32>(5),
                           .min_clients = 3,
                           .most_clients = 7},
  });
}

}  // namespace

Target SecaggClientTarget() {
  return {"secagg_client",
          [](ByteView input) { return Run(input, wire::DecodeSecaggFromClient); },
          ClientSeeds};
}

Target SecaggServerTarget() {
  return {"secagg_server",
          [](ByteView input) { return Run(input, wire::DecodeSecaggFromServer); },
          ServerSeeds};
}

}  // namespace rondo::fuzz
