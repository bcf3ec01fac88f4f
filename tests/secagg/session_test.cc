#include <chrono>
#include <tuple>

#include "tests/secagg/world.h"

namespace rondo::secagg {
namespace {

TEST(SecaggSessionTest, TheSumIsThatOfTheVectors) {
  for (const int bits : {16, 24, 32, 64}) {
    World world(5, OneSegment(1000, bits, 5));
    ASSERT_NO_FATAL_FAILURE(world.Run());
    EXPECT_EQ(world.contributors, world.ids);
    EXPECT_TRUE(world.server->dropped().empty());
    const auto sum = world.Sum();
    ASSERT_TRUE(sum) << sum.error().message;
    EXPECT_EQ(world.Numbers(*sum), world.PlainSum(world.ids)) << bits;
  }
}

TEST(SecaggSessionTest, BlocksOfManyWidthsGoUnderOneMask) {
  World world(4,
              {.segments = {{"delta", 3000, 32, 1 << 20},
                            {"steps", 1, 16, 1000},
                            {"metrics", 77, 64, std::uint64_t{1} << 60},
                            {"rows", 19, 24, 100}},
               .most_clients = 4});
  ASSERT_NO_FATAL_FAILURE(world.Run());
  const auto sum = world.Sum();
  ASSERT_TRUE(sum);
  EXPECT_EQ(world.Numbers(*sum), world.PlainSum(world.ids));
}

TEST(SecaggSessionTest, AVectorOfManyPiecesArrivesWhole) {
  World world(3, OneSegment(700'000, 32, 3));
  world.silent[2] = {};
  int pieces = 0;
  world.up = [&](std::size_t /*client*/, ClientMessage& message) {
    pieces += std::holds_alternative<MaskedChunk>(message) ? 1 : 0;
    return true;
  };
  ASSERT_NO_FATAL_FAILURE(world.Run());
  EXPECT_EQ(pieces, 9);  // Three a client.
  const auto sum = world.Sum();
  ASSERT_TRUE(sum);
  EXPECT_EQ(world.Numbers(*sum), world.PlainSum(world.ids));
}

TEST(SecaggSessionTest, ClientsPersistTheSessionBeforeTheirFirstWord) {
  World world(3, OneSegment(4, 32, 3));
  Client client = world.MakeClient(0);
  const auto step = client.Start();
  ASSERT_TRUE(step);
  EXPECT_EQ(step->persist, world.terms.serial);
  EXPECT_FALSE(client.Start());
}

/// Clients of one step vanish: those that vanish before they advertise are never missed, later the
/// threshold of those who did decides.
class DropGridTest : public ::testing::TestWithParam<std::tuple<int, std::size_t>> {};

TEST_P(DropGridTest, CompletesDownToTheThreshold) {
  const auto [step, gone] = GetParam();
  World world(100, OneSegment(50, 32, 100));
  world.tell = gone != 33;  // Or nobody tells, and the step ends at its time.
  for (std::size_t i = 0; i < gone; ++i) {
    world.silent[step].insert(i * 3);
  }
  ASSERT_NO_FATAL_FAILURE(world.Run());
  // From step 3 on the vectors of the vanished are in the sum.
  std::vector<ClientId> expected;
  for (std::size_t i = 0; i < 100; ++i) {
    if (step >= 3 || !world.silent[step].contains(i)) {
      expected.push_back(NameOf(i));
    }
  }
  EXPECT_EQ(world.contributors, expected);
  const auto sum = world.Sum();
  ASSERT_TRUE(sum) << sum.error().message;
  EXPECT_EQ(world.Numbers(*sum), world.PlainSum(expected));
}

INSTANTIATE_TEST_SUITE_P(AllSteps,
                         DropGridTest,
                         ::testing::Combine(::testing::Range(0, 5),
                                            ::testing::Values(0U, 5U, 33U)));

TEST(SecaggSessionTest, BelowTheThresholdTheSessionIsVoidAtItsDeadline) {
  for (int step = 1; step < 5; ++step) {
    World world(31, OneSegment(10, 32, 31));
    world.tell = false;
    for (std::size_t i = 0; i < 11; ++i) {
      world.silent[step].insert(i);
    }
    ASSERT_NO_FATAL_FAILURE(world.Run());
    EXPECT_TRUE(world.contributors.empty());
    EXPECT_LE(world.now, TimePoint{} + world.whole) << step;
    EXPECT_EQ(world.now,
              Schedule::Of(TimePoint{}, world.whole).ends[static_cast<std::size_t>(step)]);
    const auto sum = world.Sum();
    ASSERT_FALSE(sum) << step;
    EXPECT_EQ(sum.error().code, ErrorCode::kTooFewClients);
    EXPECT_NE(sum.error().message.find("needs 21"), std::string::npos) << sum.error().message;
  }
}

TEST(SecaggSessionTest, FewerThanTheMinimumAreNeverSummed) {
  World world(5, OneSegment(10, 32, 5));
  world.terms.min_clients = 5;
  world.silent[2] = {3};
  ASSERT_NO_FATAL_FAILURE(world.Run());
  EXPECT_FALSE(world.Sum());
  EXPECT_TRUE(world.unmasked.empty());
}

TEST(SecaggSessionTest, AboveTheCompleteGraphNeighboursSuffice) {
  World world(257, OneSegment(20, 32, 257));
  Rng rng({.purpose = Purpose::kGenerator});
  for (int i = 0; i < 25; ++i) {
    world.silent[static_cast<int>(1 + rng.Below(4))].insert(rng.Below(257));
  }
  ASSERT_NO_FATAL_FAILURE(world.Run());
  const auto sum = world.Sum();
  ASSERT_TRUE(sum) << sum.error().message;
  EXPECT_GE(world.contributors.size(), 232U);
  EXPECT_EQ(world.Numbers(*sum), world.PlainSum(world.contributors));
}

/// Small sessions of every shape, with drop-outs anywhere: either void, or the sum of exactly those
/// whose vectors arrived. Ten thousand, in five parts that run side by side.
class RandomSessionsTest : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomSessionsTest, NeverGiveAWrongSum) {
  Rng rng({.seed = GetParam(), .purpose = Purpose::kGenerator});
  int sums = 0;
  int voids = 0;
  for (std::uint64_t round = 0; round < 2000; ++round) {
    const std::size_t clients = 3 + rng.Below(1 + rng.Below(10));
    const std::uint64_t size = 1 + rng.Below(64);
    const int bits = std::array{16, 24, 32, 64}[rng.Below(4)];
    World world(clients, OneSegment(size, bits, static_cast<std::uint32_t>(clients)), round);
    world.tell = rng.Below(2) == 0;
    std::set<std::size_t> out;
    for (std::size_t i = 0; i < clients; ++i) {
      if (rng.Below(12) == 0) {
        const int step = static_cast<int>(rng.Below(5));
        world.silent[step].insert(i);
        if (step <= 2) {
          out.insert(i);
        }
      }
    }
    ASSERT_NO_FATAL_FAILURE(world.Run());
    const auto sum = world.Sum();
    if (!sum) {
      ++voids;
      ASSERT_EQ(sum.error().code, ErrorCode::kTooFewClients);
      continue;
    }
    ++sums;
    ASSERT_EQ(world.contributors.size(), clients - out.size());
    ASSERT_EQ(world.Numbers(*sum), world.PlainSum(world.contributors)) << round;
  }
  EXPECT_GT(sums, 1000);
  EXPECT_GT(voids, 50);
}

INSTANTIATE_TEST_SUITE_P(Parts, RandomSessionsTest, ::testing::Range<std::uint64_t>(1, 6));

TEST(SecaggSessionTest, StrangersOnThePhoneAreNotAwaited) {
  World world(4, OneSegment(10, 32, 5));
  world.roster.entries.erase(world.roster.entries.begin() + 1);
  world.terms.roster_sha256 = world.roster.sha256();
  world.silent[0] = {1};
  ASSERT_NO_FATAL_FAILURE(world.Run());
  const auto sum = world.Sum();
  ASSERT_TRUE(sum);
  EXPECT_EQ(world.now, TimePoint{});
  EXPECT_EQ(world.server->dropped().front().first, NameOf(1));
  EXPECT_EQ(world.server->dropped().front().second.code, ErrorCode::kUnauthenticated);
}

/// What a faulty client may send at each step; it alone is dropped, and the sum is of the others
/// or, once its vector is in, of all.
TEST(SecaggSessionTest, AWrongMessageDropsItsSenderAlone) {
  struct Case {
    const char* name;
    std::function<bool(ClientMessage&)> spoil;  // false: not this message
    bool summed = false;
  };

  const auto flip = [](auto& bytes) {
    bytes[bytes.size() / 2] ^= 1U;
  };
  const std::vector<Case> cases = {
      {"forged keys",
       [&](ClientMessage& m) {
         auto* keys = std::get_if<AdvertiseKeys>(&m);
         return keys != nullptr && (flip(keys->mask_key), true);
       }},
      {"one key for both",
       [&](ClientMessage& m) {
         auto* keys = std::get_if<AdvertiseKeys>(&m);
         if (keys == nullptr) {
           return false;
         }
         keys->share_key = keys->mask_key;
         keys->signature = IdentityOf(2).Sign(
             AdvertiseStatement(keys->session, NameOf(2), keys->share_key, keys->mask_key));
         return true;
       }},
      {"a share is missing",
       [&](ClientMessage& m) {
         auto* shares = std::get_if<ShareKeys>(&m);
         return shares != nullptr && (shares->shares.pop_back(), true);
       }},
      {"a share of another length",
       [&](ClientMessage& m) {
         auto* shares = std::get_if<ShareKeys>(&m);
         return shares != nullptr && (shares->shares[0].sealed.pop_back(), true);
       }},
      {"unsigned shares",
       [&](ClientMessage& m) {
         auto* shares = std::get_if<ShareKeys>(&m);
         return shares != nullptr && (flip(shares->shares[0].sealed), true);
       }},
      {"a gap in the vector",
       [&](ClientMessage& m) {
         auto* chunk = std::get_if<MaskedChunk>(&m);
         return chunk != nullptr && (chunk->offset += 4, true);
       }},
      {"too long a vector",
       [&](ClientMessage& m) {
         auto* chunk = std::get_if<MaskedChunk>(&m);
         return chunk != nullptr && (chunk->bytes.push_back(0), true);
       }},
      {"an unsigned set",
       [&](ClientMessage& m) {
         auto* signature = std::get_if<ConsistencySignature>(&m);
         return signature != nullptr && (flip(signature->signature), true);
       },
       true},
      {"shares that nobody asked for",
       [&](ClientMessage& m) {
         auto* opened = std::get_if<UnmaskShares>(&m);
         if (opened == nullptr) {
           return false;
         }
         opened->mask_keys.push_back(opened->seeds.back());
         return true;
       },
       true},
      {"a share twice",
       [&](ClientMessage& m) {
         auto* opened = std::get_if<UnmaskShares>(&m);
         return opened != nullptr && (opened->seeds.push_back(opened->seeds.back()), true);
       },
       true},
      {"a message out of order",
       [&](ClientMessage& m) {
         auto* shares = std::get_if<ShareKeys>(&m);
         if (shares == nullptr) {
           return false;
         }
         m = UnmaskShares{.session = shares->session};
         return true;
       }},
  };
  for (const Case& spoiled : cases) {
    World world(6, OneSegment(30, 32, 6));
    bool met = false;
    world.up = [&](std::size_t client, ClientMessage& message) {
      met |= client == 2 && spoiled.spoil(message);
      return true;
    };
    ASSERT_NO_FATAL_FAILURE(world.Run()) << spoiled.name;
    EXPECT_TRUE(met) << spoiled.name;
    ASSERT_EQ(world.server->dropped().size(), 1U) << spoiled.name;
    EXPECT_EQ(world.server->dropped()[0].first, NameOf(2)) << spoiled.name;
    EXPECT_EQ(world.now, TimePoint{}) << spoiled.name;
    EXPECT_EQ(world.contributors.size(), spoiled.summed ? 6U : 5U) << spoiled.name;
    const auto sum = world.Sum();
    ASSERT_TRUE(sum) << spoiled.name;
    EXPECT_EQ(world.Numbers(*sum), world.PlainSum(world.contributors)) << spoiled.name;
  }
}

TEST(SecaggSessionTest, AClientThatOpensWrongSharesIsNamedAndDoesNoHarm) {
  World world(9, OneSegment(30, 32, 9));
  world.silent[2] = {7};
  world.up = [&](std::size_t client, ClientMessage& message) {
    if (auto* opened = std::get_if<UnmaskShares>(&message); opened != nullptr && client == 4) {
      for (OpenedShare& share : opened->seeds) {
        share.share[0] ^= 1U;
      }
      for (OpenedShare& share : opened->mask_keys) {
        share.share[9] ^= 1U;
      }
    }
    return true;
  };
  ASSERT_NO_FATAL_FAILURE(world.Run());
  const auto sum = world.Sum();
  ASSERT_TRUE(sum) << sum.error().message;
  EXPECT_EQ(world.Numbers(*sum), world.PlainSum(world.contributors));
  EXPECT_EQ(world.contributors.size(), 8U);
  ASSERT_EQ(world.server->dropped().size(), 2U);
  EXPECT_EQ(world.server->dropped()[1].first, NameOf(4));
  EXPECT_NE(world.server->dropped()[1].second.message.find("wrong shares"), std::string::npos);
}

TEST(SecaggSessionTest, AShareThatDoesNotOpenMakesNobodyLeave) {
  World world(6, OneSegment(30, 32, 6));
  world.down = [&](std::size_t client, ServerMessage& message) {
    if (auto* delivery = std::get_if<ShareDelivery>(&message); delivery != nullptr && client != 0) {
      delivery->shares[0].sealed[5] ^= 1U;
    }
    return true;
  };
  ASSERT_NO_FATAL_FAILURE(world.Run());
  // Nobody but itself can help with the seed of the first client, which is in the sum.
  const auto sum = world.Sum();
  ASSERT_FALSE(sum);
  EXPECT_EQ(sum.error().code, ErrorCode::kTooFewClients);
  for (const auto& error : world.errors) {
    EXPECT_FALSE(error.has_value());
  }
}

}  // namespace
}  // namespace rondo::secagg
