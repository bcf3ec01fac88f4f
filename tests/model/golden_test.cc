#include <gtest/gtest.h>
#include <torch/torch.h>

#include "common/model/encoder.h"
#include "common/model/local_training.h"
#include "common/model/losses.h"
#include "common/model/packs.h"
#include "tests/model/fixture.h"

namespace rondo {
namespace {

using testing::Golden;
using testing::OwnedClient;

constexpr std::size_t kClients = 3;

ModelConfig ConfigOf(const Golden& golden, const std::string& kind) {
  const std::vector<ItemRow> sizes = golden.Rows("items_width_heads_blocks_history_negatives");
  return {.width = sizes[1],
          .blocks = sizes[3],
          .heads = sizes[2],
          .history = sizes[4],
          .attention = {kind}};
}

std::vector<OwnedClient> ClientsOf(const Golden& golden) {
  std::vector<OwnedClient> clients;
  for (std::size_t c = 0; c < kClients; ++c) {
    const std::string name = "client" + std::to_string(c);
    OwnedClient client{.id = name};
    for (int s = 0; golden.Has(name + ".rows" + std::to_string(s)); ++s) {
      client.sequences.push_back(golden.Rows(name + ".rows" + std::to_string(s)));
      client.negatives.push_back(golden.Rows(name + ".negatives" + std::to_string(s)));
    }
    clients.push_back(std::move(client));
  }
  return clients;
}

void ExpectNear(std::span<const float> got,
                const std::vector<double>& want,
                const std::string& what,
                double tolerance = 1e-5) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], want[i], tolerance * std::max(1.0, std::abs(want[i])))
        << what << " at " << i;
  }
}

class GoldenModel : public ::testing::TestWithParam<std::string> {
 protected:
  GoldenModel()
      : golden_(GetParam()),
        config_(ConfigOf(golden_, GetParam())),
        owned_(ClientsOf(golden_)) {
    const std::vector<ItemRow> sizes = golden_.Rows("items_width_heads_blocks_history_negatives");
    items_ = sizes[0];
    layout_ = ModelLayout(config_, items_).value();
    // Each client has weights of its own: [3, ...] tensors.
    for (const ParameterEntry& entry : layout_->entries()) {
      std::vector<std::int64_t> shape = {kClients};
      shape.insert(shape.end(), entry.shape.begin(), entry.shape.end());
      at::Tensor tensor = at::empty(shape, at::kFloat);
      for (std::size_t c = 0; c < kClients; ++c) {
        const std::vector<float> flat = golden_.Floats("client" + std::to_string(c) + ".weights");
        std::copy_n(flat.begin() + static_cast<std::ptrdiff_t>(entry.offset),
                    entry.size,
                    tensor.data_ptr<float>() + c * entry.size);
      }
      weights_.push_back(tensor.requires_grad_(true));
    }
  }

  TrainTask Task(const std::string& loss) const {
    TrainTask task;
    task.client.loss = loss;
    task.client.negatives = golden_.Rows("items_width_heads_blocks_history_negatives")[5];
    task.client.shuffle = false;
    task.client.weight_decay = 1e-30;  // whole tables, so that rows are those of the catalogue
    return task;
  }

  Golden golden_;
  ModelConfig config_;
  std::vector<OwnedClient> owned_;
  std::int64_t items_ = 0;
  std::shared_ptr<const ParameterLayout> layout_;
  std::vector<at::Tensor> weights_;
};

at::Tensor Longs(const std::vector<std::int64_t>& values, std::vector<std::int64_t> shape) {
  return torch::tensor(values, at::kLong).view(shape);
}

TEST_P(GoldenModel, HiddenStatesLossesAndGradientsAreThoseOfPyTorch) {
  for (const std::string loss : {"softmax", "sampled_softmax", "bce"}) {
    if (!golden_.Has("client0." + loss + ".loss")) {
      continue;
    }
    const TrainTask task = Task(loss);
    std::vector<ClientPlan> plans;
    const std::vector<ClientData> clients = testing::Views(owned_);
    for (std::size_t c = 0; c < kClients; ++c) {
      plans.push_back(PlanClient(clients[c], c, config_, task, items_).value());
    }
    const std::vector<const ClientPlan*> members = {&plans[0], &plans[1], &plans[2]};
    Pack pack(members, false, items_, task);
    const StepBatch batch = pack.Batch(0);

    const EncoderWeights bound = BindWeights(config_, *layout_, weights_).value();
    const at::Tensor hidden =
        Encode(config_,
               bound,
               {.input = Longs(batch.input, {batch.groups, batch.sequences, batch.length})});
    const at::Tensor chosen = GatherRows(hidden.view({-1, config_.width}), Longs(batch.place, {-1}))
                                  .view({batch.groups, batch.slots, config_.width});
    const LossInput in{
        .hidden = chosen,
        .item = bound.item,
        .target = Longs(batch.target, {batch.groups, batch.slots}),
        .negatives = Longs(batch.negatives, {batch.groups, batch.slots, batch.negatives_a_slot}),
        .coefficient = torch::tensor(batch.coefficient).view({batch.groups, batch.slots}),
        .items = items_};
    const LossOutput out = FindLoss(loss).value()(in);
    const at::Tensor objective = (out.each * in.coefficient).sum(1);
    const auto gradients = torch::autograd::grad({out.objective}, weights_);

    for (std::size_t c = 0; c < kClients; ++c) {
      const std::string name = "client" + std::to_string(c);
      const float* state = chosen[static_cast<std::int64_t>(c)].data_ptr<float>();
      for (int s = 0; golden_.Has(name + ".hidden" + std::to_string(s)); ++s) {
        const std::vector<double>& want = golden_.At(name + ".hidden" + std::to_string(s));
        ExpectNear({state, want.size()}, want, name + " hidden states");
        state += want.size();
      }
      EXPECT_NEAR(objective[static_cast<std::int64_t>(c)].item<float>(),
                  golden_.At(name + "." + loss + ".loss")[0],
                  1e-5);
      std::vector<float> flat;
      for (const at::Tensor& gradient : gradients) {
        const at::Tensor own = gradient[static_cast<std::int64_t>(c)].contiguous();
        flat.insert(flat.end(), own.data_ptr<float>(), own.data_ptr<float>() + own.numel());
      }
      ExpectNear(flat, golden_.At(name + "." + loss + ".gradient"), name + " gradient of " + loss);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Attention,
                         GoldenModel,
                         ::testing::Values("multi_head", "dot", "additive", "bilinear"),
                         [](const auto& info) { return info.param; });

/// A key bias shifts all scores of a query alike, so its true gradient is zero and Adam follows
/// rounding noise.
void ForgetKeyBias(const ParameterLayout& layout,
                   std::vector<float>& got,
                   std::vector<double>& want) {
  for (const ParameterEntry& entry : layout.entries()) {
    if (entry.name.ends_with("key.bias")) {
      std::fill_n(got.begin() + static_cast<std::ptrdiff_t>(entry.offset), entry.size, 0.0F);
      std::fill_n(want.begin() + static_cast<std::ptrdiff_t>(entry.offset), entry.size, 0.0);
    }
  }
}

TEST(GoldenTraining, SgdAdamProximalTermDecayAndClippingAreThoseOfPyTorch) {
  const Golden golden("multi_head");
  const ModelConfig config = ConfigOf(golden, "multi_head");
  const std::int64_t items = golden.Rows("items_width_heads_blocks_history_negatives")[0];
  const auto layout = ModelLayout(config, items).value();
  const Broadcast broadcast{
      .model = {.layout = layout, .values = golden.Floats("client0.weights")}};
  const std::vector<OwnedClient> owned = ClientsOf(golden);
  auto trainer =
      CohortTrainer::Create({.model = config, .items = items, .engine = {.device = "cpu"}}).value();

  for (const std::string rule : {"sgd", "adam", "proximal", "decay", "clip"}) {
    TrainTask task;
    task.client = {.steps = 3,
                   .optimizer = rule == "adam" ? "adam" : "sgd",
                   .learning_rate = 0.05,
                   .loss = "softmax"};
    task.proximal_mu = rule == "proximal" ? 0.3 : 0.0;
    task.client.weight_decay = rule == "decay" ? 0.1 : 0.0;
    task.client.gradient_clip = rule == "clip" ? 0.5 : 0.0;

    const CohortOutcome outcome =
        trainer->Train(broadcast, testing::Views(owned), task, UpdateVisibility::kIndividual, {})
            .value();

    ASSERT_EQ(outcome.deltas.size(), kClients) << rule;
    for (std::size_t c = 0; c < kClients; ++c) {
      std::vector<float> got = outcome.deltas[c];
      std::vector<double> want = golden.At("client" + std::to_string(c) + "." + rule + ".delta");
      if (rule == "adam") {
        ForgetKeyBias(*layout, got, want);
      }
      // Adam divides by gradients near zero, which magnifies rounding.
      ExpectNear(got, want, rule, rule == "adam" ? 1e-4 : 1e-5);
    }
  }
}

}  // namespace
}  // namespace rondo
