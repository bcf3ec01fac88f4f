#include "client/job.h"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "common/federated/control_variates.h"
#include "common/federated/packing.h"
#include "common/federated/steps_block.h"
#include "common/wire/chunks.h"
#include "tests/client/fakes.h"

namespace rondo::client::testing {
namespace {

/// The fakes' client: weight 7, two local steps.
constexpr double kWeight = 7.0;
constexpr double kSteps = 2.0;

ParameterVector Filled(std::shared_ptr<const ParameterLayout> layout, float value) {
  const std::size_t size = layout->size();
  return {.layout = std::move(layout), .values = std::vector<float>(size, value)};
}

class JobTest : public ::testing::Test {
 protected:
  void Use(const ModelConfig& model) {
    layout_ = ModelLayout(model, catalogue_->items()).value();
    broadcast_.model = InitialParameters(layout_, 1);
    work_.Configure(model, catalogue_->items());
  }

  void SetUp() override { Use(Model({})); }

  static ModelConfig Model(std::vector<std::string> personal) {
    return {.width = 4,
            .blocks = 1,
            .heads = 1,
            .history = 5,
            .dropout = 0.0,
            .personal = std::move(personal)};
  }

  JobResult Train(const TrainTask& task) {
    Offer offer{.kind = OfferKind::kTrain, .round = task.round, .train = task};
    return Run(std::move(offer));
  }

  JobResult Evaluate(int fine_tune) {
    Offer offer{.kind = OfferKind::kEvaluate, .round = 2};
    offer.evaluate = {.round = 2, .protocols = {"full"}, .k = {5}, .fine_tune = fine_tune};
    offer.evaluate.client = {.epochs = 9, .steps = 4, .learning_rate = 0.25};
    return Run(std::move(offer));
  }

  JobResult Run(Offer offer) {
    return RunJob(work_,
                  {.offer = std::move(offer),
                   .model = std::make_shared<const Broadcast>(broadcast_),
                   .own = own_},
                  {});
  }

  static wire::Contribution Read(const JobResult& result) {
    wire::ChunkAssembler assembler(1 << 20);
    for (const Bytes& frame : result.frames) {
      const wire::Message message = wire::Decode(frame).value();
      const auto& chunk = std::get<wire::ContributionChunk>(message);
      if (assembler.Add(chunk.total, chunk.offset, AsBytes(chunk.bytes)).value()) {
        return wire::DecodeContribution(assembler.Take(), 1 << 20).value();
      }
    }
    ADD_FAILURE() << "no whole contribution: " << result.note;
    return {};
  }

  std::shared_ptr<const Catalogue> catalogue_ = SmallCatalogue();
  FakeSource source_{SmallLog(catalogue_)};
  TrainerScript trainer_;
  ScorerScript scorers_;
  LocalWork work_ = MakeWork(source_, trainer_, &scorers_);
  std::shared_ptr<const ParameterLayout> layout_;
  Broadcast broadcast_;
  ClientVectors own_;
};

// -- SCAFFOLD: c = 0.125, c_i = 0.25, delta = 0.5 in 2 steps at rate 0.5. The new c_i is
// c_i - c - delta / (2 * 0.5) = -0.375, so its change is -0.625.

class ControlVariates : public JobTest {
 protected:
  void SetUp() override {
    JobTest::SetUp();
    SetVector(broadcast_.extra, kControlVector, Filled(layout_, 0.125F));
    SetVector(own_, kControlVector, Filled(layout_, 0.25F));
  }

  static TrainTask Task() {
    TrainTask task{.round = 4, .normalise = true, .control_variates = true};
    task.client.learning_rate = 0.5;
    return task;
  }
};

TEST_F(ControlVariates, CorrectEveryGradientAndGoOutBesideTheDelta) {
  const JobResult result = Train(Task());

  EXPECT_EQ(trainer_.correction, std::vector<float>(layout_->size(), -0.125F));
  const wire::Contribution sent = Read(result);
  ASSERT_EQ(sent.blocks.size(), 3U);
  EXPECT_EQ(sent.blocks[0].reals, std::vector<float>(layout_->size(), 0.5F));
  EXPECT_EQ(sent.blocks[0].scaling, Scaling::kByWeight);
  EXPECT_EQ(sent.blocks[1].name, kStepsBlock);
  EXPECT_EQ(sent.blocks[1].reals, std::vector<float>{StepsValue(2)});
  EXPECT_EQ(sent.blocks[2].name, kControlVector);
  EXPECT_EQ(sent.blocks[2].scaling, Scaling::kPerClient);
  EXPECT_EQ(sent.blocks[2].reals, std::vector<float>(layout_->size(), -0.625F));
  ASSERT_TRUE(result.next.has_value());
  EXPECT_EQ(FindVector(*result.next, kControlVector)->values,
            std::vector<float>(layout_->size(), -0.375F));
}

TEST_F(ControlVariates, OnTheRingOnlyTheDeltaIsWeighted) {
  TrainTask task = Task();
  task.grid = MakeGrid({.grid = "ring", .ring_bits = 32, .ring_range = 2.0}, 8, 2).value();

  const wire::Contribution sent = Read(Train(task));

  ASSERT_EQ(sent.blocks.size(), 3U);
  const std::vector<std::pair<std::shared_ptr<const ParameterLayout>, double>> expected = {
      {layout_, 0.5 * kWeight}, {StepsLayout(), kSteps / kStepsUnit * kWeight}, {layout_, -0.625}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const GridBlock block{.name = sent.blocks[i].name,
                          .layout = expected[i].first,
                          .grid = task.grid,
                          .scaling = sent.blocks[i].scaling,
                          .values = sent.blocks[i].integers};
    for (const double value : GridToReal(block)) {
      EXPECT_NEAR(value, expected[i].second, task.grid.step) << block.name;
    }
  }
  EXPECT_EQ(sent.saturated, 0U);
}

TEST_F(ControlVariates, ThatDidNotComeWithTheModelAreAReasonToDecline) {
  broadcast_.extra.clear();

  const JobResult result = Train(Task());

  EXPECT_TRUE(result.frames.empty());
  EXPECT_NE(result.refusal.find("came without the control variate"), std::string::npos)
      << result.refusal;
  EXPECT_EQ(trainer_.calls, 0);
}

// -- FedDyn and tasks without client state

TEST_F(JobTest, FedDynTakesItsVectorOffEveryGradientAndMovesIt) {
  SetVector(own_, "dynamic", Filled(layout_, 0.25F));

  const JobResult result = Train({.round = 1, .dynamic_alpha = 0.5});

  EXPECT_EQ(trainer_.correction, std::vector<float>(layout_->size(), -0.25F));
  ASSERT_EQ(Read(result).blocks.size(), 1U);
  // g_i - alpha * delta = 0.25 - 0.5 * 0.5.
  EXPECT_EQ(FindVector(*result.next, "dynamic")->values, std::vector<float>(layout_->size(), 0.0F));
}

TEST_F(JobTest, PlainTasksKeepNothing) {
  const JobResult result = Train({.round = 1});

  EXPECT_FALSE(result.next.has_value());
  EXPECT_TRUE(trainer_.correction.empty());
  EXPECT_TRUE(trainer_.personal.empty());
}

// -- compression

TEST_F(JobTest, CompressedUpdatesTravelPackedAndLeaveAResidual) {
  trainer_.change = [](ParameterVector& delta) {
    std::fill(delta.values.begin(), delta.values.end(), 0.001F);
    delta.values[5] = 3.0F;
    delta.values[9] = -2.0F;
  };
  TrainTask task{.round = 1};
  task.compression = {
      .stages = {"top_k"}, .top_k = 2.0 / static_cast<double>(layout_->size()), .bits = 8};

  const JobResult result = Train(task);
  const wire::Contribution sent = Read(result);

  ASSERT_EQ(sent.blocks.size(), 1U);
  EXPECT_TRUE(sent.blocks[0].reals.empty());
  EXPECT_TRUE(sent.blocks[0].integers.empty());
  const auto received = UnpackUpdate(task.compression, *layout_, sent.blocks[0].packed);
  ASSERT_TRUE(received) << received.error().message;
  std::vector<float> largest(layout_->size(), 0.0F);
  largest[5] = 3.0F;
  largest[9] = -2.0F;
  EXPECT_EQ(*received, largest);
  std::vector<float> rest(layout_->size(), 0.001F);
  rest[5] = 0.0F;
  rest[9] = 0.0F;
  EXPECT_EQ(FindVector(*result.next, "residual")->values, rest);
}

TEST_F(JobTest, PackedUpdatesOnTheRingAreDeclined) {
  TrainTask task{.round = 1};
  task.compression.stages = {"quantise"};
  task.grid = MakeGrid({.grid = "ring"}, 8, 2).value();

  const JobResult result = Train(task);

  EXPECT_TRUE(result.frames.empty());
  EXPECT_EQ(result.refusal, "this client does not support the task");
}

// -- personal parameters

bool Holds(const std::vector<Bytes>& frames, float value) {
  std::uint8_t pattern[sizeof value];
  std::memcpy(pattern, &value, sizeof value);
  return std::any_of(frames.begin(), frames.end(), [&](const Bytes& frame) {
    return std::search(frame.begin(), frame.end(), std::begin(pattern), std::end(pattern))
           != frame.end();
  });
}

class PersonalParameters : public JobTest {
 protected:
  static constexpr float kOwn = 0x1.53A7C2p-3F;
  static constexpr float kMoved = 0x1.0B3D96p-5F;

  void SetUp() override {
    Use(Model({"norm."}));
    own_ = {{.name = "personal", .vector = Filled(PersonalLayout(*layout_), kOwn)}};
    trainer_.change = [](ParameterVector& delta) {
      for (const ParameterEntry& entry : delta.layout->entries()) {
        const float moved = entry.group == ParameterGroup::kPersonal ? kMoved : 0.5F;
        const std::span<float> values = delta.Tensor(entry.name);
        std::fill(values.begin(), values.end(), moved);
      }
    };
  }
};

TEST_F(PersonalParameters, NeverLeaveTheClient) {
  for (const char* grid : {"exact", "ring"}) {
    TrainTask task{.round = 1};
    task.grid = MakeGrid({.grid = grid, .ring_bits = 32}, 8, 2).value();

    const JobResult result = Train(task);

    const wire::Contribution sent = Read(result);
    const auto shared = SharedLayout(layout_);
    ASSERT_EQ(sent.blocks.size(), 1U);
    EXPECT_EQ(sent.blocks[0].layout_digest, shared->digest());
    EXPECT_EQ(sent.blocks[0].reals.size() + sent.blocks[0].integers.size(), shared->size());
    for (const float value : {kOwn, kMoved, kOwn + kMoved}) {
      EXPECT_FALSE(Holds(result.frames, value)) << grid << ' ' << value;
    }
    EXPECT_EQ(FindVector(*result.next, "personal")->values,
              std::vector<float>(PersonalLayout(*layout_)->size(), kOwn + kMoved));
  }
  TrainTask exact{.round = 1};
  EXPECT_TRUE(Holds(Train(exact).frames, 0.5F)) << "the search finds what is sent";
}

TEST_F(PersonalParameters, AreWhereTrainingStartsAndWhatIsEvaluated) {
  ParameterVector expected = broadcast_.model;
  for (const ParameterEntry& entry : layout_->entries()) {
    if (entry.group == ParameterGroup::kPersonal) {
      const std::span<float> values = expected.Tensor(entry.name);
      std::fill(values.begin(), values.end(), kOwn);
    }
  }

  Train({.round = 1});
  EXPECT_EQ(trainer_.personal, expected.values);
  EXPECT_EQ(trainer_.model, broadcast_.model.values);

  EXPECT_FALSE(Evaluate(0).frames.empty());
  ASSERT_EQ(scorers_.models.size(), 1U);
  EXPECT_EQ(scorers_.models[0], expected.values);
}

TEST_F(PersonalParameters, OfAnotherModelAreNotUsed) {
  own_ = {{.name = "personal", .vector = Filled(layout_, kOwn)}};

  EXPECT_TRUE(Train({.round = 1}).frames.empty());
  EXPECT_TRUE(Evaluate(0).frames.empty());
  EXPECT_EQ(trainer_.calls, 0);
  EXPECT_TRUE(scorers_.models.empty());
}

// -- fine-tuning before an evaluation

TEST_F(JobTest, ATunedModelIsEvaluatedAndForgotten) {
  const std::vector<float> before = broadcast_.model.values;

  const JobResult tuned = Evaluate(3);

  EXPECT_EQ(trainer_.calls, 1);
  EXPECT_EQ(trainer_.task.client.epochs, 3);
  EXPECT_EQ(trainer_.task.client.steps, 0);
  EXPECT_EQ(trainer_.task.client.learning_rate, 0.25);
  EXPECT_FALSE(tuned.next.has_value());
  ASSERT_EQ(Read(tuned).blocks.size(), 1U);
  EXPECT_FALSE(Evaluate(0).frames.empty());
  EXPECT_EQ(trainer_.calls, 1);
  ASSERT_EQ(scorers_.models.size(), 2U);
  std::vector<float> moved = before;
  for (float& value : moved) {
    value += 0.5F;
  }
  EXPECT_EQ(scorers_.models[0], moved);
  EXPECT_EQ(scorers_.models[1], before);
}

TEST_F(JobTest, AClientWithoutTrainingRowsIsEvaluatedAsItIs) {
  LoadedData data = SmallLog(catalogue_);
  data.dataset.users = {MakeUser("cid", {4, 6}, 1)};
  data.test = HeldOutTest({{.rows = {2}, .times = {9.0}}});
  source_.Replace(std::move(data));

  EXPECT_FALSE(Evaluate(3).frames.empty());

  EXPECT_EQ(trainer_.calls, 0);
  EXPECT_EQ(scorers_.models, std::vector<std::vector<float>>{broadcast_.model.values});
}

TEST_F(JobTest, FineTuningThatDivergesIsDeclined) {
  trainer_.error = Error{ErrorCode::kDiverged, "loss is NaN in step 3"};

  const JobResult result = Evaluate(3);

  EXPECT_TRUE(result.frames.empty());
  EXPECT_EQ(result.refusal, "local training diverged");
}

}  // namespace
}  // namespace rondo::client::testing
