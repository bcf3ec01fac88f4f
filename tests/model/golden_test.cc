#include <gtest/gtest.h>

#include "common/model/packs.h"
#include "tests/model/fixture.h"
#include "tests/model/step.h"

namespace rondo {
namespace {

using testing::Golden;
using testing::OwnedClient;

constexpr std::size_t kClients = 3;

/// A model of scripts/reference/model_golden.py, by its name there.
struct Spec {
  std::string name;
  std::string attention = "multi_head";
  std::vector<std::string> forms = {};
  std::string encoder = "self_attention";
};

ModelConfig ConfigOf(const Golden& golden, const Spec& spec) {
  const std::vector<ItemRow> sizes = golden.Rows("items_width_heads_blocks_history_negatives");
  return {.width = sizes[1],
          .blocks = sizes[3],
          .heads = sizes[2],
          .history = sizes[4],
          .attention = {spec.attention},
          .encoder = spec.encoder,
          .forms = spec.forms,
          .window = 2,
          .top_k = 2};
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
                const std::string& what) {
  constexpr double kTolerance = 1e-5;
  ASSERT_EQ(got.size(), want.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], want[i], kTolerance * std::max(1.0, std::abs(want[i])))
        << what << " at " << i;
  }
}

class GoldenModel : public ::testing::TestWithParam<Spec> {
 protected:
  GoldenModel() : golden_(GetParam().name), owned_(ClientsOf(golden_)) {
    const std::vector<ItemRow> sizes = golden_.Rows("items_width_heads_blocks_history_negatives");
    task_.client.negatives = sizes[5];
    task_.client.shuffle = false;
    task_.client.weight_decay = 1e-30;  // whole tables, so that rows are those of the catalogue
    std::vector<std::vector<float>> weights;
    for (const OwnedClient& client : owned_) {
      weights.push_back(golden_.Floats(client.id + ".weights"));
    }
    model_ = testing::MakeGroupModel(ConfigOf(golden_, GetParam()), sizes[0], weights);
  }

  testing::StepLook Look(const std::string& loss) {
    task_.client.loss = loss;
    const std::vector<ClientData> clients = testing::Views(owned_);
    std::vector<ClientPlan> plans;
    for (std::size_t c = 0; c < kClients; ++c) {
      plans.push_back(PlanClient(clients[c], c, model_.config, task_, model_.items).value());
    }
    const std::vector<const ClientPlan*> members = {&plans[0], &plans[1], &plans[2]};
    Pack pack(members, false, model_.items, task_);
    return testing::LookAtStep(model_, loss, 0.0, pack.Batch(0));
  }

  void ExpectHidden(const at::Tensor& hidden, std::size_t client) {
    const std::string name = owned_[client].id;
    const float* state = hidden[static_cast<std::int64_t>(client)].data_ptr<float>();
    for (int s = 0; golden_.Has(name + ".hidden" + std::to_string(s)); ++s) {
      const std::vector<double>& want = golden_.At(name + ".hidden" + std::to_string(s));
      ExpectNear({state, want.size()}, want, name + " hidden states");
      state += want.size();
    }
  }

  Golden golden_;
  std::vector<OwnedClient> owned_;
  TrainTask task_;
  testing::GroupModel model_;
};

TEST_P(GoldenModel, HiddenStatesLossesAndGradientsAreThoseOfPyTorch) {
  for (const std::string loss : {"softmax", "sampled_softmax", "bce", "bpr", "gbce"}) {
    if (!golden_.Has("client0." + loss + ".loss")) {
      EXPECT_EQ(GetParam().encoder + loss, "target_attentionsoftmax");
      continue;
    }
    const testing::StepLook look = Look(loss);
    for (std::size_t c = 0; c < kClients; ++c) {
      const std::string name = owned_[c].id + "." + loss;
      ExpectHidden(look.hidden, c);
      EXPECT_NEAR(look.loss[c], golden_.At(name + ".loss")[0], 1e-5);
      ExpectNear(look.gradient[c], golden_.At(name + ".gradient"), name + " gradient");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Attention,
    GoldenModel,
    ::testing::Values(Spec{"multi_head"},
                      Spec{"dot", "dot"},
                      Spec{"additive", "additive"},
                      Spec{"bilinear", "bilinear"},
                      Spec{"uniform", "uniform"},
                      Spec{"window", "multi_head", {"window"}},
                      Spec{"top_k", "multi_head", {"top_k"}},
                      Spec{"gated", "multi_head", {"gated"}},
                      Spec{"relative", "multi_head", {"relative"}},
                      Spec{"all_forms", "bilinear", {"relative", "window", "gated", "top_k"}},
                      Spec{"gru", "multi_head", {}, "gru"},
                      Spec{"target_attention", "multi_head", {"relative"}, "target_attention"}),
    [](const auto& info) { return info.param.name; });

/// Adam divides a gradient by its own size, so its step is as uncertain as the gradient's last bits
/// are against the smallest gradient of the coordinate's three steps. A key bias shifts all scores
/// of a query alike: its true gradient is zero, and no tolerance is left.
void ExpectAdam(std::span<const float> got, const Golden& golden, const std::string& client) {
  constexpr double kRounding = 1e-8;  // of a gradient
  constexpr double kFarthest = 0.15;  // steps times the learning rate
  const std::vector<double>& want = golden.At(client + ".adam.delta");
  const std::vector<double>& smallest = golden.At(client + ".adam.smallest_gradient");
  ASSERT_EQ(got.size(), want.size());
  std::size_t sharp = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double relative = smallest[i] > 0.0 ? std::min(1.0, kRounding / smallest[i]) : 1.0;
    const double tolerance = 1e-5 + kFarthest * relative;
    sharp += tolerance < 1e-4 ? 1 : 0;
    EXPECT_NEAR(got[i], want[i], tolerance) << client << " at " << i;
  }
  EXPECT_GT(sharp, got.size() * 2 / 3);
}

TEST(GoldenTraining, SgdAdamProximalTermDecayAndClippingAreThoseOfPyTorch) {
  const Golden golden("multi_head");
  const ModelConfig config = ConfigOf(golden, {"multi_head"});
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
      const std::string client = "client" + std::to_string(c);
      if (rule == "adam") {
        ExpectAdam(outcome.deltas[c], golden, client);
      } else {
        ExpectNear(outcome.deltas[c], golden.At(client + "." + rule + ".delta"), rule);
      }
    }
  }
}

}  // namespace
}  // namespace rondo
