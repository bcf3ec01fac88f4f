#include <algorithm>
#include <cmath>

#include "client/masked_round.h"
#include "common/core/file.h"
#include "tests/masked/federation.h"

/// Masked rounds of real client sessions and the real coordinator.
namespace rondo::testing {
namespace {

using MaskedRoundsTest = MaskedFederation;

TEST_F(MaskedRoundsTest, TheModelMovesByTheWeighedMeanOfEverybody) {
  const auto outcome = Run();
  ASSERT_TRUE(outcome) << outcome.error().message;

  ASSERT_EQ(observer.rounds.size(), 2U);
  for (const coordinator::RoundReport& round : observer.rounds) {
    EXPECT_FALSE(round.is_void);
    EXPECT_EQ(round.contributors, 5U);
    EXPECT_EQ(round.weight, 1U + 4U + 7U + 10U + 13U);
    EXPECT_NEAR(round.loss, 1.25, 1e-6);
    EXPECT_TRUE(round.dropped.empty());
  }
  ExpectMovedBy(*outcome, 2.0 * ExpectedStep(Everyone()));
  for (const client::ClientRecord& record : records) {
    EXPECT_EQ(record.rounds_included, 2U);
    EXPECT_FALSE(record.pending.has_value());
  }
}

TEST_F(MaskedRoundsTest, TheSameBitsAsInTheClearOnEitherGrid) {
  for (const char* grid : {"ring", "exact"}) {
    scenario.privacy.grid = grid;
    scenario.privacy.mode = "masked";
    const auto masked = Run();
    ASSERT_TRUE(masked) << grid << ": " << masked.error().message;
    scenario.privacy.mode = "channel";
    const auto clear = Run();
    ASSERT_TRUE(clear) << grid << ": " << clear.error().message;

    EXPECT_EQ(masked->state.model.values, clear->state.model.values) << grid;
    EXPECT_NE(masked->state.model.values, InitialParameters(layout, scenario.seed).values);
  }
}

/// Six users with one item each to validate on.
LoadedData SixUsers(std::shared_ptr<const Catalogue> catalogue, std::size_t member) {
  LoadedData data;
  data.dataset.catalogue = std::move(catalogue);
  std::vector<TestRows> test;
  for (std::size_t user = 0; user < 6; ++user) {
    const auto last = static_cast<ItemRow>((user + member) % 6 + 1);
    data.dataset.users.push_back(
        client::testing::MakeUser("u" + std::to_string(user), {1, 2, 3, last}, 3));
    test.push_back({.rows = {5}, .times = {9.0}});
  }
  data.test = HeldOutTest(std::move(test));
  return data;
}

TEST_F(MaskedRoundsTest, MetricsAreMaskedTooAndTheSame) {
  scenario.evaluation.every = 1;
  scenario.evaluation.protocols = {"full"};
  log = [this](std::size_t member) {
    return SixUsers(catalogue, member);
  };
  const auto masked = Run();
  ASSERT_TRUE(masked) << masked.error().message;
  const std::vector<coordinator::ValidationReport> under_masks = observer.validations;
  EXPECT_EQ(persisted.size(), 4U);  // Two rounds, two validations.
  scenario.privacy.mode = "channel";
  const auto clear = Run();
  ASSERT_TRUE(clear) << clear.error().message;

  ASSERT_EQ(under_masks.size(), 2U);
  ASSERT_EQ(observer.validations.size(), 2U);
  for (std::size_t i = 0; i < under_masks.size(); ++i) {
    ASSERT_TRUE(under_masks[i].metrics && observer.validations[i].metrics);
    EXPECT_EQ(under_masks[i].metrics->users, 30U);
    EXPECT_EQ(under_masks[i].metrics->names, observer.validations[i].metrics->names);
    EXPECT_EQ(under_masks[i].metrics->means, observer.validations[i].metrics->means);
    EXPECT_GT(under_masks[i].metrics->Find("full/ndcg@10").value_or(0.0), 0.0);
  }
}

TEST_F(MaskedRoundsTest, EveryClientAddsItsShareOfTheNoise) {
  scenario.strategy.rounds = 1;
  scenario.strategy.cohort = 5;
  scenario.strategy.weighting = "uniform";
  scenario.privacy.clip_norm = 0.5;
  scenario.privacy.noise_multiplier = 2.0;
  for (client::testing::TrainerScript& trainer : trainers) {
    trainer.step = 0.0F;
    trainer.weight = 1;
  }

  const auto outcome = Run();

  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->state.ledger.releases(), 1);
  ASSERT_EQ(observer.rounds.size(), 1U);
  EXPECT_TRUE(std::isnan(observer.rounds[0].loss));
  // The shares of three would do; all five are there.
  const double sigma = 2.0 * 0.5 * std::sqrt(5.0 / 3.0);
  const std::vector<float> before = InitialParameters(layout, scenario.seed).values;
  double squares = 0.0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double noise = 5.0 * (outcome->state.model.values[i] - before[i]);
    squares += noise * noise / (sigma * sigma);
  }
  // Chi-square; six standard deviations are one in 10^8 at this size.
  const auto numbers = static_cast<double>(before.size());
  EXPECT_GT(numbers, 100.0);
  EXPECT_NEAR(squares, numbers, 6.0 * std::sqrt(2.0 * numbers));
}

TEST_F(MaskedRoundsTest, AClientThatWantsMoreToHideAmongLeavesAndTheOthersGoOn) {
  scenario.strategy.rounds = 1;
  limits[2].min_clients = 4;

  const auto outcome = Run();

  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(observer.rounds.at(0).contributors, 4U);
  EXPECT_EQ(observer.rounds.at(0).dropped.at(0).first, ids[2]);
  EXPECT_EQ(records[2].tasks_declined, 2U);  // The round, and the validation at the end.
  EXPECT_EQ(records[2].rounds_trained, 0U);
}

TEST_F(MaskedRoundsTest, OneThatTheRosterDoesNotNameIsNotAskedForAnything) {
  scenario.strategy.rounds = 1;
  roster.entries.erase(roster.entries.begin() + 1);

  const auto outcome = Run();

  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(observer.rounds.at(0).invited, 4U);
  EXPECT_EQ(observer.rounds.at(0).contributors, 4U);
  EXPECT_FALSE(std::filesystem::exists(MaskedFile(1)));
}

TEST_F(MaskedRoundsTest, ARecordAndAReceiptAreOnDiskBeforeAnythingLeaves) {
  std::vector<std::string> persisted_at_start;
  const std::filesystem::path file = MaskedFile(0);
  std::size_t seen = 0;
  watches[0] = [&](const secagg::ClientMessage& message) {
    const auto record = client::ReadMaskedRecord(file);
    EXPECT_TRUE(record.has_value() && record->has_value());
    if (record.has_value() && record->has_value()) {
      const client::MaskedRecord& kept = **record;
      EXPECT_EQ(std::to_string(kept.serial) + "\n", persisted.back());
      if (const auto* signature = std::get_if<secagg::ConsistencySignature>(&message)) {
        EXPECT_EQ(kept.survivors_signature, ToHex(signature->signature));
      }
      if (std::holds_alternative<secagg::UnmaskShares>(message)) {
        EXPECT_EQ(kept.opened_sha256, Sha256Hex(wire::EncodeSecagg(message)));
      }
    }
    if (std::holds_alternative<secagg::MaskedChunk>(message)) {
      const auto receipts = ReadTextFile(StateOf(0) / "receipts.jsonl");
      EXPECT_TRUE(receipts.has_value());
      seen = receipts
                 ? static_cast<std::size_t>(std::count(receipts->begin(), receipts->end(), '\n'))
                 : 0;
    }
    return true;
  };

  const auto outcome = Run();

  ASSERT_TRUE(outcome) << outcome.error().message;
  // Two rounds, and the validation at the end.
  EXPECT_EQ(seen, 3U);
  ASSERT_EQ(persisted.size(), 3U);
  EXPECT_LT(std::stoull(persisted[0]), std::stoull(persisted[1]));
  EXPECT_LT(std::stoull(persisted[1]), std::stoull(persisted[2]));
}

}  // namespace
}  // namespace rondo::testing
