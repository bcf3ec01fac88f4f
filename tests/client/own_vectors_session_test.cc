#include <algorithm>
#include <filesystem>
#include <span>

#include "client/session.h"
#include "common/core/file.h"
#include "common/federated/control_variates.h"
#include "common/io/vectors.h"
#include "tests/client/session_fixture.h"

namespace rondo::client::testing {
namespace {

using Kind = SessionEnd::Kind;

/// SCAFFOLD with personal norms: what a session keeps of its client's own, and when.
class OwnVectorsSession : public SessionFixture {
 protected:
  void SetUp() override {
    ModelConfig model = SmallModel();
    model.personal = {"norm."};
    UseModel(std::move(model));
    Broadcast broadcast{.model = InitialParameters(layout_, 1)};
    // Nobody sums what is personal, so the server's control variate is 0 there.
    ParameterVector control{.layout = layout_, .values = Shared(0.125F)};
    SetVector(broadcast.extra, kControlVector, std::move(control));
    file_ = EncodeBroadcast(broadcast).value();
  }

  /// `value` for every shared number, 0 for every personal one.
  std::vector<float> Shared(float value) const {
    ParameterVector vector{.layout = layout_, .values = std::vector<float>(layout_->size())};
    for (const ParameterEntry& entry : layout_->entries()) {
      const std::span<float> values = vector.Tensor(entry.name);
      std::fill(
          values.begin(), values.end(), entry.group == ParameterGroup::kShared ? value : 0.0F);
    }
    return std::move(vector.values);
  }

  Offer Scaffold(RoundId round) const {
    Offer offer = TrainOffer(round, file_);
    offer.train.control_variates = true;
    return offer;
  }

  RoundResult Result(RoundId round, bool included, bool is_void = false) const {
    return {
        .round = round, .is_void = is_void, .included = included, .model_sha256 = Sha256Hex(file_)};
  }

  /// Trains a round and hears its result. Every fake training moves each number by 0.5, so that the
  /// personal norms say how many rounds counted.
  SessionEnd PlayRound(const RoundResult& result) {
    return Serve([&](Channel& channel) -> Task<void> {
      co_await Open(channel, file_);
      Offer offer = Scaffold(result.round);
      co_await Work(channel, std::move(offer));
      RoundResult announced = result;
      co_await Announce(channel, std::move(announced));
      co_await Finish(channel, file_);
    });
  }

  /// How many rounds the client's own vectors are of.
  double RoundsKept() {
    const ClientVectors own = state_.Vectors(layout_).value();
    const ParameterVector* const personal = FindVector(own, "personal");
    if (personal == nullptr) {
      return 0;
    }
    const ParameterVector start = InitialParameters(layout_, 1);
    const ParameterEntry& entry = personal->layout->entries().front();
    return (personal->values.front() - start.Tensor(entry.name).front()) / 0.5;
  }

  Bytes file_;
};

TEST_F(OwnVectorsSession, KeepsWhatIncludedRoundsMakeAndForgetsTheRest) {
  EXPECT_EQ(PlayRound(Result(1, true)).kind, Kind::kFinished);
  EXPECT_EQ(RoundsKept(), 1.0);

  PlayRound(Result(2, false));
  EXPECT_EQ(RoundsKept(), 1.0);

  PlayRound(Result(3, true, true));
  EXPECT_EQ(RoundsKept(), 1.0);

  PlayRound(Result(4, true));
  EXPECT_EQ(RoundsKept(), 2.0);
}

TEST_F(OwnVectorsSession, TrainsTheNextRoundWithThem) {
  PlayRound(Result(1, true));
  PlayRound(Result(2, true));

  // c_i after round 1 is 0 - c - delta / (steps * rate) with c = 0.125, delta = 0.5, 2 steps, rate
  // 1, and the correction of round 2 is c - c_i.
  EXPECT_EQ(trainer_.correction, Shared(0.125F + 0.125F + 0.25F));
  const ParameterVector start = InitialParameters(layout_, 1);
  const std::string norm = PersonalLayout(*layout_)->entries().front().name;
  const ParameterVector trained_from{.layout = layout_, .values = trainer_.personal};
  EXPECT_EQ(trained_from.Tensor(norm).front(), start.Tensor(norm).front() + 0.5F);
}

TEST_F(OwnVectorsSession, AreOnDiskBeforeTheFirstFrameLeaves) {
  bool pending = false;
  Serve([&](Channel& channel) -> Task<void> {
    co_await Open(channel, file_);
    Offer offer = Scaffold(1);
    co_await Ask(channel, std::move(offer));
    co_await Next(channel);
    pending = std::filesystem::exists(folder_ / "state" / "vectors.pending.safetensors");
    channel.Close();
  });

  EXPECT_TRUE(pending);
}

TEST_F(OwnVectorsSession, AResultThatComesAfterARestartKeepsThem) {
  ContributionTo(Scaffold(1), file_);
  EXPECT_EQ(RoundsKept(), 0.0);
  state_ = ClientState::Open(folder_ / "state").value();  // Another process.

  Serve([&](Channel& channel) -> Task<void> {
    co_await Greet(channel);
    for (int times = 0; times < 2; ++times) {
      RoundResult result = Result(1, true);
      co_await Announce(channel, std::move(result));
    }
    co_await SendModel(channel, file_);
    co_await Finish(channel, file_);
  });

  EXPECT_EQ(RoundsKept(), 1.0);
  EXPECT_EQ(state_.record().rounds_included, 1U);
}

TEST_F(OwnVectorsSession, AnotherRunStartsWithoutThem) {
  PlayRound(Result(1, true));
  run_id_ = "another";

  PlayRound(Result(1, true));

  // Round 1 of the other run, not a second one.
  EXPECT_EQ(trainer_.correction, Shared(0.125F));
  EXPECT_EQ(RoundsKept(), 1.0);
}

TEST_F(OwnVectorsSession, ADamagedFileEndsTheClientWithTheWayOut) {
  PlayRound(Result(1, true));
  const auto path = folder_ / "state" / "vectors.safetensors";
  Bytes bytes = ReadFile(path, 1 << 20).value();
  bytes.back() ^= 0x40;
  ASSERT_TRUE(WriteFileAtomic(path, bytes));

  const SessionEnd end = Serve([&](Channel& channel) -> Task<void> {
    co_await Open(channel, file_);
    co_await Next(channel);
  });

  EXPECT_EQ(end.kind, Kind::kRefused);
  EXPECT_EQ(end.error.code, ErrorCode::kCorrupt);
  EXPECT_NE(end.error.message.find(path.string()), std::string::npos) << end.error.message;
  EXPECT_NE(end.error.message.find("move it away"), std::string::npos) << end.error.message;
  EXPECT_EQ(trainer_.calls, 1);
}

}  // namespace
}  // namespace rondo::client::testing
