#include <algorithm>

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
  const std::vector<float> before = InitialParameters(layout, scenario.seed).values;
  const double step = 2.0 * ExpectedStep(Everyone());
  for (std::size_t i = 0; i < before.size(); ++i) {
    ASSERT_NEAR(outcome->state.model.values[i], before[i] + step, 1e-6) << i;
  }
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
  EXPECT_EQ(seen, 2U);
  ASSERT_EQ(persisted.size(), 2U);
  EXPECT_LT(std::stoull(persisted[0]), std::stoull(persisted[1]));
}

}  // namespace
}  // namespace rondo::testing
