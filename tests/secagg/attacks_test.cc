// Twelve lies of a coordinator that wants one client's vector. Each is refused with a reason of its
// own, and the client that refuses opens no share and says nothing more.
#include "tests/secagg/liar.h"
#include "tests/support/hex.h"
#include "tests/support/low_order_points.h"

namespace rondo::secagg {
namespace {

class AttackTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kClients = 6;  // of which 5 are needed

  /// Refused with the reason, and silent from then on.
  void ExpectRefused(Client& client, const ServerMessage& message, Reason reason) {
    const auto step = client.Receive(message);
    ASSERT_FALSE(step) << ReasonName(reason);
    EXPECT_NE(step.error().message.find("(" + std::string(ReasonName(reason)) + ")"),
              std::string::npos)
        << step.error().message;
    ASSERT_TRUE(client.refused().has_value());
    EXPECT_EQ(client.refused()->reason, reason) << client.refused()->detail;
    EXPECT_FALSE(client.done());
    const auto again = client.Receive(message);
    ASSERT_FALSE(again);
    EXPECT_NE(again.error().message.find("(over)"), std::string::npos);
  }

  void ExpectNotStarted(Reason reason) {
    Client client = world.MakeClient(0);
    const auto step = client.Start();
    ASSERT_FALSE(step);
    EXPECT_EQ(client.refused()->reason, reason) << client.refused()->detail;
  }

  /// Signed again, as a client that works for the coordinator would.
  void SignAgain(std::size_t client, DirectoryEntry& entry) const {
    entry.signature = IdentityOf(client).Sign(
        AdvertiseStatement(SessionId(world.terms), entry.id, entry.share_key, entry.mask_key));
  }

  World world{kClients, OneSegment(8, 32, kClients)};
};

TEST_F(AttackTest, HonestMovesAreAnswered) {
  Liar liar(world);
  const ConsistencyProof proof = liar.Agree({liar.All()});
  for (const auto& client : liar.clients) {
    const auto step = client->Receive(proof);
    ASSERT_TRUE(step) << step.error().message;
    const auto& opened = std::get<UnmaskShares>(step->send.at(0));
    EXPECT_EQ(opened.seeds.size(), kClients);
    EXPECT_TRUE(opened.mask_keys.empty());
    EXPECT_TRUE(client->done());
  }
}

// 1. An id that would be opened both ways. There is no request that names ids to be opened: a
// client opens one share for each, by the set that it signed, so the set is all that could name one
// twice.
TEST_F(AttackTest, TheSameIdInBothListsIsRefused) {
  Liar liar(world);
  ASSERT_NO_FATAL_FAILURE(liar.Mask());
  ExpectRefused(*liar.clients[0], liar.Survivors({0, 1, 1, 2, 3, 4, 5}), Reason::kDuplicateId);
}

TEST_F(AttackTest, EveryIdIsOpenedOneWayOnly) {
  Liar liar(world);
  ASSERT_NO_FATAL_FAILURE(liar.Mask());
  ConsistencyProof proof{.session = SessionId(world.terms)};
  for (Place place = 0; place < 5; ++place) {
    const auto step = liar.clients[place]->Receive(liar.Survivors({0, 1, 2, 3, 4}));
    ASSERT_TRUE(step);
    proof.signatures.push_back(
        {.member = place, .signature = std::get<ConsistencySignature>(step->send.at(0)).signature});
  }
  const auto step = liar.clients[0]->Receive(proof);
  ASSERT_TRUE(step) << step.error().message;
  const auto& opened = std::get<UnmaskShares>(step->send.at(0));
  EXPECT_EQ(opened.seeds.size(), 5U);
  ASSERT_EQ(opened.mask_keys.size(), 1U);
  EXPECT_EQ(opened.mask_keys[0].owner, 5U);
}

// 2. Two sets of survivors: their difference would be one client's vector.
TEST_F(AttackTest, ASecondSetOfSurvivorsIsRefused) {
  Liar liar(world);
  ASSERT_NO_FATAL_FAILURE(liar.Mask());
  ASSERT_TRUE(liar.clients[0]->Receive(liar.All()));
  ASSERT_TRUE(liar.clients[0]->Receive(liar.All())) << "the same set may be asked for again";
  ExpectRefused(*liar.clients[0], liar.Survivors({0, 1, 2, 3, 4}), Reason::kSecondSet);
}

TEST_F(AttackTest, DifferentSetsForDifferentClientsAreRefused) {
  Liar liar(world);
  const SurvivorSet all = liar.All();
  const SurvivorSet without = liar.Survivors({0, 1, 2, 3, 4});
  ASSERT_NO_FATAL_FAILURE(liar.Mask());
  ConsistencyProof proof{.session = SessionId(world.terms)};
  for (Place place = 0; place < 5; ++place) {
    const auto step = liar.clients[place]->Receive(place < 3 ? all : without);
    ASSERT_TRUE(step);
    proof.signatures.push_back(
        {.member = place, .signature = std::get<ConsistencySignature>(step->send.at(0)).signature});
  }
  for (Place place = 0; place < 5; ++place) {
    ExpectRefused(*liar.clients[place], proof, Reason::kBadSignature);
  }
}

// 3. A set of so few that nobody could hide in their sum.
TEST_F(AttackTest, TooSmallASetIsRefused) {
  Liar liar(world);
  ASSERT_NO_FATAL_FAILURE(liar.Mask());
  ExpectRefused(*liar.clients[0], liar.Survivors({0, 1, 2, 3}), Reason::kTooFew);
  ExpectRefused(*liar.clients[1], liar.Survivors({1}), Reason::kTooFew);
  ExpectRefused(*liar.clients[2], liar.Survivors({0, 1, 3, 4, 5}), Reason::kLeftOut);
  Liar second(world);
  ASSERT_NO_FATAL_FAILURE(second.Share());
  ShareDelivery few = second.DeliveryFor(0);
  few.sharers.resize(4);
  few.shares.resize(3);
  ExpectRefused(*second.clients[0], few, Reason::kTooFew);
}

TEST_F(AttackTest, TooFewSignaturesAreRefused) {
  Liar liar(world);
  ConsistencyProof proof = liar.Agree({liar.All()});
  proof.signatures.resize(4);
  ExpectRefused(*liar.clients[0], proof, Reason::kTooFew);
}

// 4. Another key in the place of a client's: the coordinator would know what that pair shares.
TEST_F(AttackTest, ASubstitutedKeyIsRefused) {
  Liar liar(world);
  KeyDirectory directory = liar.Advertise();
  directory.entries[2].mask_key = X25519Key::Generate().public_key();
  ExpectRefused(*liar.clients[0], directory, Reason::kBadSignature);
  ExpectRefused(*liar.clients[2], directory, Reason::kOwnKeyChanged);
}

TEST_F(AttackTest, ASubstitutedOwnKeyIsRefusedThoughItIsSigned) {
  Liar liar(world);
  KeyDirectory directory = liar.Advertise();
  directory.entries[0].share_key = X25519Key::Generate().public_key();
  SignAgain(0, directory.entries[0]);
  ExpectRefused(*liar.clients[0], directory, Reason::kOwnKeyChanged);
}

// 5. One key for two clients: their masks with a third would be the same.
TEST_F(AttackTest, ADuplicatedKeyIsRefused) {
  for (const bool share : {false, true}) {
    Liar liar(world);
    KeyDirectory directory = liar.Advertise();
    DirectoryEntry& copy = directory.entries[3];
    (share ? copy.share_key : copy.mask_key) = directory.entries[1].mask_key;
    SignAgain(3, copy);
    ExpectRefused(*liar.clients[0], directory, Reason::kDuplicateKey);
  }
}

// 6. Participants that the coordinator invented: it would subtract their vectors.
TEST_F(AttackTest, AnInventedParticipantIsRefused) {
  Liar liar(world);
  KeyDirectory directory = liar.Advertise();
  DirectoryEntry invented = directory.entries[5];
  invented.id = "site-zzz";
  invented.share_key = X25519Key::Generate().public_key();
  invented.mask_key = X25519Key::Generate().public_key();
  SignAgain(5, invented);
  directory.entries.pop_back();
  directory.entries.push_back(invented);
  ExpectRefused(*liar.clients[0], directory, Reason::kUnknownId);
}

TEST_F(AttackTest, ARosterOfTheCoordinatorsOwnIsRefused) {
  world.terms.roster_sha256 = std::string(64, 'e');
  ExpectNotStarted(Reason::kOtherRoster);
}

TEST_F(AttackTest, AnIdTwiceInTheDirectoryIsRefused) {
  Liar liar(world);
  KeyDirectory directory = liar.Advertise();
  directory.entries[4] = directory.entries[5];
  ExpectRefused(*liar.clients[0], directory, Reason::kDuplicateId);
}

// 7. Signatures that are missing or not of whom they should be.
TEST_F(AttackTest, MissingAndForgedSignaturesAreRefused) {
  for (const bool missing : {false, true}) {
    Liar liar(world);
    KeyDirectory directory = liar.Advertise();
    if (missing) {
      directory.entries[4].signature = {};
    } else {
      SignAgain(3, directory.entries[4]);
    }
    ExpectRefused(*liar.clients[0], directory, Reason::kBadSignature);
  }
  for (const bool missing : {false, true}) {
    Liar liar(world);
    ConsistencyProof proof = liar.Agree({liar.All()});
    proof.signatures[4].signature = missing ? Signature{} : proof.signatures[3].signature;
    ExpectRefused(*liar.clients[0], proof, Reason::kBadSignature);
  }
}

TEST_F(AttackTest, OneSignatureForManyIsRefused) {
  Liar liar(world);
  ConsistencyProof proof = liar.Agree({liar.All()});
  for (MemberSignature& signature : proof.signatures) {
    signature = proof.signatures[0];
  }
  ExpectRefused(*liar.clients[0], proof, Reason::kDuplicateId);
}

// 8. An old session again: its masks have been opened.
TEST_F(AttackTest, AnOldSessionIsRefused) {
  world.policy.last_serial = world.terms.serial;
  ExpectNotStarted(Reason::kReplay);
  world.policy.last_serial = world.terms.serial - 1;
  Client client = world.MakeClient(0);
  EXPECT_TRUE(client.Start());
}

TEST_F(AttackTest, MessagesOfAnOldSessionAreRefused) {
  Liar old(world);
  const KeyDirectory directory = old.Advertise();
  world.terms.serial += 1;
  Liar now(world);
  now.Advertise();
  ExpectRefused(*now.clients[0], directory, Reason::kWrongSession);
}

TEST_F(AttackTest, KeysOfAnOldSessionAreRefused) {
  Liar old(world);
  const KeyDirectory before = old.Advertise();
  world.terms.serial += 1;
  Liar now(world);
  KeyDirectory directory = now.Advertise();
  directory.entries[3] = before.entries[3];
  ExpectRefused(*now.clients[0], directory, Reason::kBadSignature);
}

// 9. A lower bar than the client was promised.
TEST_F(AttackTest, AReducedThresholdIsRefused) {
  for (const std::uint32_t threshold : {0U, 1U, 4U, 6U}) {
    Liar liar(world);
    KeyDirectory directory = liar.Advertise();
    directory.threshold = threshold;
    ExpectRefused(*liar.clients[0], directory, Reason::kWrongThreshold);
  }
}

TEST_F(AttackTest, AReducedMinimumIsRefused) {
  world.terms.min_clients = 2;
  ExpectNotStarted(Reason::kTooFewAsked);
  world.terms.min_clients = 4;
  world.policy.min_clients = 5;
  ExpectNotStarted(Reason::kTooFewAsked);
}

TEST_F(AttackTest, ADirectoryBelowTheMinimumIsRefused) {
  world.terms.min_clients = 6;
  Liar liar(world);
  KeyDirectory directory = liar.Advertise();
  directory.entries.pop_back();
  directory.threshold = CompleteThreshold(5);
  ExpectRefused(*liar.clients[0], directory, Reason::kTooFew);
}

// 10. Another model for the client under attack, so that its update can be told from the others'.
TEST_F(AttackTest, AnotherModelForOneClientIsRefused) {
  world.TermsOf = [](std::size_t client, SessionTerms terms) {
    if (client == 2) {
      terms.model_sha256 = std::string(64, 'c');
    }
    return terms;
  };
  Liar liar(world);
  KeyDirectory directory = liar.Advertise();
  // Its keys are signed for a session of another name.
  ExpectRefused(*liar.clients[0], directory, Reason::kBadSignature);
  ExpectRefused(*liar.clients[2], directory, Reason::kWrongSession);
  directory.session = SessionId(world.TermsOf(2, world.terms));
  // That it is told its own name of the session does not help: the others' keys are not signed for
  // it.
  Liar again(world);
  directory.entries = again.Advertise().entries;
  ExpectRefused(*again.clients[2], directory, Reason::kBadSignature);
}

// 11. Keys with which everybody agrees on the same secret.
TEST_F(AttackTest, KeysOfLowOrderAreRefused) {
  for (const std::string_view point : testing::kLowOrderPoints) {
    const X25519Public key = HexArray<32>(point);
    Liar liar(world);
    KeyDirectory directory = liar.Advertise();
    directory.entries[3].share_key = key;
    SignAgain(3, directory.entries[3]);
    ExpectRefused(*liar.clients[0], directory, Reason::kLowOrderPoint);

    Liar masks(world);
    KeyDirectory of_masks = masks.Advertise();
    of_masks.entries[3].mask_key = key;
    SignAgain(3, of_masks.entries[3]);
    ASSERT_TRUE(masks.clients[0]->Receive(of_masks));
    ExpectRefused(*masks.clients[0],
                  ShareDelivery{.session = SessionId(world.terms), .sharers = {0, 1, 2, 3, 4, 5}},
                  Reason::kLowOrderPoint);
  }
}

// 12. The shares once more, of another set or of the same.
TEST_F(AttackTest, ASecondOpeningIsRefused) {
  Liar liar(world);
  const ConsistencyProof proof = liar.Agree({liar.All()});
  ASSERT_TRUE(liar.clients[0]->Receive(proof));
  for (const ServerMessage& message : {ServerMessage(proof),
                                       ServerMessage(liar.All()),
                                       ServerMessage(liar.Survivors({0, 1, 2, 3, 4}))}) {
    const auto step = liar.clients[0]->Receive(message);
    ASSERT_FALSE(step);
    EXPECT_NE(step.error().message.find("(over)"), std::string::npos);
    EXPECT_TRUE(liar.clients[0]->done());
  }
}

TEST_F(AttackTest, MessagesOutOfOrderAreRefused) {
  const Digest session = SessionId(world.terms);
  const std::vector<ServerMessage> early = {ShareDelivery{.session = session},
                                            SurvivorSet{.session = session},
                                            ConsistencyProof{.session = session}};
  for (const ServerMessage& message : early) {
    Liar liar(world);
    liar.Advertise();
    ExpectRefused(*liar.clients[0], message, Reason::kUnexpected);
  }
  Liar liar(world);
  const KeyDirectory directory = liar.Advertise();
  ASSERT_TRUE(liar.clients[0]->Receive(directory));
  ExpectRefused(*liar.clients[0], directory, Reason::kUnexpected);
}

TEST_F(AttackTest, SurvivorsThatSharedNothingAreRefused) {
  Liar liar(world);
  ASSERT_NO_FATAL_FAILURE(liar.Share());
  ShareDelivery delivery = liar.DeliveryFor(0);
  delivery.sharers.pop_back();
  delivery.shares.pop_back();
  ASSERT_TRUE(liar.clients[0]->Receive(delivery));
  ExpectRefused(*liar.clients[0], liar.All(), Reason::kUnknownId);
  ExpectRefused(*liar.clients[1], liar.Survivors({0, 1, 2, 3, 9}), Reason::kUnexpected);
}

TEST_F(AttackTest, SharesOfStrangersAndSharesTwiceAreRefused) {
  Liar liar(world);
  ASSERT_NO_FATAL_FAILURE(liar.Share());
  ShareDelivery twice = liar.DeliveryFor(0);
  twice.shares.push_back(twice.shares.back());
  ExpectRefused(*liar.clients[0], twice, Reason::kDuplicateId);
  ShareDelivery own = liar.DeliveryFor(1);
  own.shares[0].peer = 1;
  ExpectRefused(*liar.clients[1], own, Reason::kUnknownId);
  ShareDelivery unordered = liar.DeliveryFor(2);
  std::swap(unordered.sharers[0], unordered.sharers[1]);
  ExpectRefused(*liar.clients[2], unordered, Reason::kMalformed);
}

TEST_F(AttackTest, AVectorThatCouldOverflowIsNotMasked) {
  world.terms.vector.segments[0].most = 1U << 30U;
  ExpectNotStarted(Reason::kOverflow);
  world.terms.vector.segments[0].most = 1;
  ExpectNotStarted(Reason::kBadInput);
}

}  // namespace
}  // namespace rondo::secagg
