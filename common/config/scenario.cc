#include "common/config/scenario.h"

#include "common/config/binder.h"
#include "common/config/presets.h"
#include "common/config/validate.h"

namespace rondo {
namespace {

constexpr double kMillion = 1e6;

void BindData(DataConfig& data, Binder& binder) {
  binder.Section("data");
  binder.Path("path", data.path);
  binder.Choice("format", data.format, {"auto", "recbole", "movielens", "csv"});
  binder.TextMap("columns", data.columns);
  binder.TextMap("events", data.events, {"input", "target", "both", "negative", "ignore"});
  binder.Choice("order", data.order, {"time", "sequence", "none"});
  binder.Choice("ties", data.ties, {"file", "hash"});
  binder.Choice("split", data.split, {"leave_one_out", "global_time", "user_ratio"});
  binder.Number("validation_ratio", data.validation_ratio, {.min = 0, .max = 0.9});
  binder.Number("test_ratio", data.test_ratio, {.min = 0, .max = 0.9});
  binder.Number("validation_from", data.validation_from, {.min = 0});
  binder.Number("test_from", data.test_from, {.min = 0});
  binder.Integer("min_user_events", data.min_user_events, {.min = 1, .max = kMillion});
  binder.Integer("min_item_events", data.min_item_events, {.min = 1, .max = kMillion});
  binder.Number("min_rating", data.min_rating);
  binder.Text("clients", data.clients);
  binder.Integer("institutions", data.institutions, {.min = 1, .max = kMillion});
  binder.Path("catalogue", data.catalogue);
  binder.Path("mapping", data.mapping);
  binder.Integer("seed", data.seed);
  binder.Integer("max_bad_rows", data.max_bad_rows, {.min = 0});
}

void BindModel(ModelConfig& model, Binder& binder) {
  binder.Section("model");
  binder.Integer("width", model.width, {.min = 1, .max = 65536});
  binder.Integer("blocks", model.blocks, {.min = 0, .max = 256});
  binder.Integer("heads", model.heads, {.min = 1, .max = 65536});
  binder.Integer("history", model.history, {.min = 1, .max = 65536});
  binder.TextList(
      "attention", model.attention, {"multi_head", "dot", "additive", "bilinear", "uniform"});
  binder.Number("dropout", model.dropout, {.min = 0, .max = 0.99});
  binder.TextList("features", model.features);
  binder.Choice("fusion", model.fusion, {"sum", "gate", "concat"});
  binder.Flag("positions", model.positions);
  binder.Flag("causal", model.causal);
  binder.TextList("personal", model.personal);
  binder.TextList("frozen", model.frozen);
  binder.Choice("encoder", model.encoder, {"self_attention", "gru", "target_attention"});
  binder.TextList("forms", model.forms, {"window", "top_k", "gated", "relative"});
  binder.Integer("window", model.window, {.min = 1, .max = 65536});
  binder.Integer("top_k", model.top_k, {.min = 1, .max = 65536});
}

void BindClient(ClientConfig& client, Binder& binder) {
  binder.Section("client");
  binder.Integer("epochs", client.epochs, {.min = 0, .max = kMillion});
  binder.Integer("steps", client.steps, {.min = 0, .max = kMillion});
  binder.Integer("batch_size", client.batch_size, {.min = 1, .max = kMillion});
  binder.Flag("shuffle", client.shuffle);
  binder.Choice("optimizer", client.optimizer, {"sgd", "adam"});
  binder.Number("learning_rate", client.learning_rate, {.min = 0, .above_min = true});
  binder.Number("gradient_clip", client.gradient_clip, {.min = 0});
  binder.Choice("loss", client.loss, {"softmax", "sampled_softmax", "bce", "bpr", "gbce"});
  binder.Integer("negatives", client.negatives, {.min = 1, .max = kMillion});
  binder.Number("feedback_share", client.feedback_share, {.min = 0, .max = 1});
  binder.Number("calibration", client.calibration, {.min = 0, .max = 1});
  binder.Number("weight_decay", client.weight_decay, {.min = 0});
  binder.Choice("device", client.device, {"auto", "cpu", "cuda"});
}

void BindStrategy(StrategyConfig& strategy, Binder& binder) {
  binder.Section("strategy");
  binder.Choice("name", strategy.name, StrategyPresetNames());
  binder.Choice("objective",
                strategy.objective,
                {"plain", "proximal", "normalised", "control_variates", "dynamic"});
  binder.Number("proximal_mu", strategy.proximal_mu, {.min = 0});
  binder.Number("dynamic_alpha", strategy.dynamic_alpha, {.min = 0});
  binder.Choice("aggregator",
                strategy.aggregator,
                {"mean",
                 "median",
                 "trimmed_mean",
                 "krum",
                 "multi_krum",
                 "bulyan",
                 "geometric_median",
                 "centered_clipping",
                 "mda",
                 "meamed",
                 "norm_bounding",
                 "row_median"});
  binder.Integer("f", strategy.f, {.min = 0, .max = kMillion});
  binder.TextList("pre", strategy.pre, {"nnm", "bucketing"});
  binder.Integer("bucket_size", strategy.bucket_size, {.min = 1, .max = kMillion});
  binder.Number("nu", strategy.nu, {.min = 0, .above_min = true});
  binder.Number("tau", strategy.tau, {.min = 0, .above_min = true});
  binder.Integer("iterations", strategy.iterations, {.min = 0, .max = 10000});
  binder.Number("row_clip", strategy.row_clip, {.min = 0});
  binder.Integer("row_contributors", strategy.row_contributors, {.min = 0, .max = kMillion});
  binder.Integer("buffer", strategy.buffer, {.min = 0, .max = kMillion});
  binder.Number("staleness_exponent", strategy.staleness_exponent, {.min = 0, .max = 10});
  binder.Integer("max_staleness", strategy.max_staleness, {.min = 0, .max = kMillion});
  binder.Choice("server_optimizer", strategy.server_optimizer, {"sgd", "adam", "yogi", "adagrad"});
  binder.Number(
      "server_learning_rate", strategy.server_learning_rate, {.min = 0, .above_min = true});
  binder.Choice("schedule", strategy.schedule, {"constant", "linear", "cosine"});
  binder.Integer("warmup", strategy.warmup, {.min = 0, .max = 1e9});
  binder.Number("server_momentum", strategy.server_momentum, {.min = 0, .max = 0.9999});
  binder.Number("beta1", strategy.beta1, {.min = 0, .max = 0.999999});
  binder.Number("beta2", strategy.beta2, {.min = 0, .max = 0.999999});
  binder.Number("epsilon", strategy.epsilon, {.min = 0, .above_min = true});
  binder.Integer("rounds", strategy.rounds, {.min = 1, .max = 1e9});
  binder.Integer("cohort", strategy.cohort, {.min = 0});
  binder.Number("over_selection", strategy.over_selection, {.min = 1, .max = 10});
  binder.Integer("quorum", strategy.quorum, {.min = 1});
  binder.Number("deadline_s", strategy.deadline_s, {.min = 0, .max = kMillion, .above_min = true});
  binder.Integer("max_void_rounds", strategy.max_void_rounds, {.min = 1});
  binder.Choice("weighting", strategy.weighting, {"positions", "uniform"});
  binder.Integer("max_weight", strategy.max_weight, {.min = 1, .max = 1 << 20});
  binder.Integer("weight_reference", strategy.weight_reference, {.min = 1, .max = 1e9});
}

void BindPrivacy(PrivacyConfig& privacy, Binder& binder) {
  binder.Section("privacy");
  binder.Choice("mode", privacy.mode, {"in_process", "channel", "sealed", "masked"});
  binder.Choice("grid", privacy.grid, {"exact", "ring"});
  binder.Integer("ring_bits", privacy.ring_bits, {.min = 8, .max = 62});
  binder.Number("ring_range", privacy.ring_range, {.min = 0, .above_min = true});
  binder.Number("clip_norm", privacy.clip_norm, {.min = 0});
  binder.Integer("min_clients", privacy.min_clients, {.min = 3, .max = 4096});
  binder.Number("noise_multiplier", privacy.noise_multiplier, {.min = 0, .max = kMillion});
  binder.Number("target_epsilon", privacy.target_epsilon, {.min = 0, .max = kMillion});
  binder.Number("delta", privacy.delta, {.min = 0, .max = 0.1, .above_min = true});
  binder.Choice("unit", privacy.unit, {"client", "user"});
  binder.Choice("sampling", privacy.sampling, {"fixed", "poisson"});
  binder.Choice("accountant", privacy.accountant, {"pld", "rdp"});
  binder.Number("clip_quantile", privacy.clip_quantile, {.min = 0, .max = 0.99});
  binder.Number(
      "clip_learning_rate", privacy.clip_learning_rate, {.min = 0, .max = 10, .above_min = true});
}

void BindCompression(CompressionConfig& compression, Binder& binder) {
  binder.Section("compression");
  binder.TextList("stages", compression.stages, {"low_rank", "top_k", "quantise"});
  binder.Integer("rank", compression.rank, {.min = 1, .max = 65536});
  binder.Number("top_k", compression.top_k, {.min = 0, .max = 1, .above_min = true});
  binder.Integer("bits", compression.bits, {.min = 2, .max = 16});
}

void BindDevices(DevicesConfig& devices, Binder& binder) {
  binder.Section("devices");
  binder.Flag("virtual_clock", devices.virtual_clock);
  binder.Number("positions_per_s", devices.positions_per_s, {.min = 0, .above_min = true});
  binder.Number("speed_sigma", devices.speed_sigma, {.min = 0, .max = 5});
  binder.Number("down_mbit", devices.down_mbit, {.min = 0, .above_min = true});
  binder.Number("up_mbit", devices.up_mbit, {.min = 0, .above_min = true});
  binder.Number("bandwidth_sigma", devices.bandwidth_sigma, {.min = 0, .max = 5});
  binder.Number("available", devices.available, {.min = 0, .max = 1, .above_min = true});
  binder.Number("drop_out", devices.drop_out, {.min = 0, .max = 0.999});
}

void BindAttack(AttackConfig& attack, Binder& binder) {
  binder.Section("attack");
  binder.Choice("name",
                attack.name,
                {"none",
                 "sign_flip",
                 "scaling",
                 "gaussian",
                 "nan",
                 "inf",
                 "ipm",
                 "alie",
                 "min_max",
                 "min_sum",
                 "mimic",
                 "zero",
                 "replay",
                 "label_flip",
                 "random_items",
                 "popular_items",
                 "bandwagon",
                 "promotion"});
  binder.Number("share", attack.share, {.min = 0, .max = 0.999});
  binder.Number("strength", attack.strength, {.min = 0});
  binder.Text("target", attack.target);
  binder.Integer("from_round", attack.from_round, {.min = 1});
}

void BindEvaluation(EvaluationConfig& evaluation, Binder& binder) {
  binder.Section("evaluation");
  binder.Integer("every", evaluation.every, {.min = 0});
  binder.Integer("patience", evaluation.patience, {.min = 0});
  binder.TextList("protocols", evaluation.protocols);
  binder.IntegerList("k", evaluation.k, {.min = 1, .max = 10000});
  binder.TextList(
      "baselines", evaluation.baselines, {"popularity", "markov1", "item_knn", "bpr_mf"});
  binder.Flag("filter_seen", evaluation.filter_seen);
  binder.Integer("fine_tune", evaluation.fine_tune, {.min = 0, .max = 10000});
}

}  // namespace

void BindModelConfig(ModelConfig& model, Binder& binder) {
  BindModel(model, binder);
}

void BindDataConfig(DataConfig& data, Binder& binder) {
  BindData(data, binder);
}

void BindScenario(Scenario& scenario, Binder& binder) {
  binder.Section("");
  binder.Text("name", scenario.name);
  binder.Integer("seed", scenario.seed);
  BindData(scenario.data, binder);
  BindModel(scenario.model, binder);
  BindClient(scenario.client, binder);
  BindStrategy(scenario.strategy, binder);
  BindPrivacy(scenario.privacy, binder);
  BindCompression(scenario.compression, binder);
  BindDevices(scenario.devices, binder);
  BindAttack(scenario.attack, binder);
  BindEvaluation(scenario.evaluation, binder);
  binder.Section("engine");
  binder.Integer("threads", scenario.engine.threads, {.min = 0, .max = 4096});
  binder.Integer("memory_mib", scenario.engine.memory_mib, {.min = 16});
  binder.Choice("device", scenario.engine.device, {"auto", "cpu", "cuda"});
  binder.Choice("precision", scenario.engine.precision, {"float32", "tf32", "bfloat16"});
  binder.Section("checkpoint");
  binder.Integer("every", scenario.checkpoint.every, {.min = 1});
  binder.Integer("keep", scenario.checkpoint.keep, {.min = 1, .max = 10000});
}

Result<Scenario> LoadScenario(const ScenarioSources& sources) {
  RONDO_TRY(Layers layers, Layers::Load(sources));
  std::string preset_name = Scenario().strategy.name;
  if (const ConfigEntry* entry = layers.Find("strategy.name")) {
    if (const auto* text = std::get_if<std::string>(&entry->value.data)) {
      preset_name = *text;
    }
  }
  for (const StrategyPreset& preset : StrategyPresets()) {
    if (preset.name == preset_name) {
      for (const auto& [key, value] : preset.values) {
        RONDO_TRY_STATUS(layers.AddDefault(key, value, "preset " + preset.name));
      }
    }
  }
  Scenario scenario;
  RONDO_TRY_STATUS(ReadFields(layers, [&](Binder& binder) { BindScenario(scenario, binder); }));
  if (const std::optional<ScenarioFault> fault = FindScenarioFault(scenario)) {
    return Fail(fault->code, layers.Origin(fault->key) + fault->key + ": " + fault->message);
  }
  return scenario;
}

Status ValidateScenario(const Scenario& scenario) {
  Scenario copy = scenario;
  RONDO_TRY_STATUS(CheckFields([&](Binder& binder) { BindScenario(copy, binder); }));
  if (const std::optional<ScenarioFault> fault = FindScenarioFault(scenario)) {
    return Fail(fault->code, fault->key + ": " + fault->message);
  }
  return Ok();
}

std::string ScenarioToToml(const Scenario& scenario) {
  return ConfigToToml(scenario, BindScenario);
}

}  // namespace rondo
