#include "client/worth.h"

#include <map>
#include <spdlog/spdlog.h>
#include <utility>

#include "common/core/check.h"
#include "common/metrics/baselines/baseline.h"
#include "common/metrics/metrics_block.h"

namespace rondo::client {
namespace {

constexpr std::string_view kSelect = "full/ndcg@10";
constexpr std::string_view kHits = "full/hr@10";
constexpr const char* kFederated = "federated";
constexpr std::uint64_t kScratchSeed = 1;

EvaluationOptions FullRanking() {
  return {.protocols = {"full"}, .k = {10}};
}

struct Metrics {
  std::vector<double> ndcg;
  std::vector<double> hit_rate;
};

Result<Metrics> ScoreUsers(Scorer& scorer,
                           const Dataset& dataset,
                           Split split,
                           const std::vector<TestRows>* test) {
  const EvaluationOptions options = FullRanking();
  RONDO_TRY(const std::vector<std::string> names, MetricNames(options));
  const std::vector<std::uint32_t> all = AllUsers(dataset);
  RONDO_TRY(const auto users, EvaluateUsers(scorer, dataset, all, split, test, options));
  Metrics metrics;
  RONDO_TRY(metrics.ndcg, Column(names, users, kSelect));
  RONDO_TRY(metrics.hit_rate, Column(names, users, kHits));
  return metrics;
}

double Mean(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) {
    sum += value;
  }
  return values.empty() ? 0.0 : sum / static_cast<double>(values.size());
}

/// Trains on the own log for as long as the validation split gets better: one training from the
/// first epoch to the last, so that Adam keeps its moments, with a look at the split now and then.
class LocalTraining {
 public:
  LocalTraining(const WorthOptions& options,
                const Dataset& dataset,
                const ScorerFactory& scorers,
                CohortTrainer& trainer)
      : options_(options),
        dataset_(dataset),
        scorers_(scorers),
        trainer_(trainer) {}

  Result<ParameterVector> Run(const ParameterVector& start, int most_looks, const char* name) {
    RONDO_TRY(double best_score, Validate(start));
    ParameterVector best = start;
    Status judged;
    int since_best = 0;
    const auto watch = [&](int epochs, const ParameterVector& model) {
      const Result<double> score = Validate(model);
      if (!score) {
        judged = Fail(score.error());
        return false;
      }
      spdlog::info("{}: {} epochs, validation NDCG@10 {:.4f}", name, epochs, *score);
      ++since_best;
      if (*score > best_score) {
        best_score = *score;
        best = model;
        since_best = 0;
      }
      return since_best < options_.patience;
    };
    RONDO_TRY_STATUS(Train(start, most_looks, watch));
    RONDO_TRY_STATUS(judged);
    return best;
  }

 private:
  Result<double> Validate(const ParameterVector& model) {
    RONDO_TRY(const auto scorer, scorers_(options_.model, model));
    RONDO_TRY(const Metrics metrics, ScoreUsers(*scorer, dataset_, Split::kValidation, nullptr));
    return Mean(metrics.ndcg);
  }

  Status Train(const ParameterVector& start, int most_looks, const EpochWatch& watch) {
    TrainTask task{.round = 1,
                   .seed = options_.seed,
                   .data_seed = options_.seed,
                   .client = options_.training,
                   .dropout = options_.model.model.dropout};
    task.client.epochs = most_looks * options_.epochs_a_look;
    const ClientData rows = AllTrainingRows("local", dataset_);
    return trainer_.Fit({.model = start}, rows, task, options_.epochs_a_look, watch, {});
  }

  const WorthOptions& options_;
  const Dataset& dataset_;
  const ScorerFactory& scorers_;
  CohortTrainer& trainer_;
};

/// Who trains alone shares nothing, so what the federation leaves to each client or freezes is
/// trained like the rest.
WorthOptions Unshared(WorthOptions options) {
  options.model.model.personal.clear();
  options.model.model.frozen.clear();
  return options;
}

std::shared_ptr<const ParameterLayout> UnsharedLayout(const ParameterLayout& layout) {
  std::vector<ParameterEntry> entries = layout.entries();
  for (ParameterEntry& entry : entries) {
    entry.group = ParameterGroup::kShared;
  }
  auto unshared = ParameterLayout::Create(std::move(entries));
  RONDO_CHECK(unshared.has_value()) << "only the groups of a layout changed";
  return std::move(unshared).value();
}

struct NamedScorer {
  std::string name;
  std::unique_ptr<Scorer> scorer;
};

Result<std::vector<NamedScorer>> PrepareMethods(const ParameterVector& federated,
                                                const Dataset& dataset,
                                                const TrainerFactory& trainers,
                                                const ScorerFactory& scorers,
                                                const WorthOptions& options) {
  const WorthOptions unshared = Unshared(options);
  RONDO_TRY(const auto own_trainer, trainers(unshared.model));
  LocalTraining own_training(unshared, dataset, scorers, *own_trainer);
  const ParameterVector scratch =
      InitialParameters(UnsharedLayout(*federated.layout), kScratchSeed);
  RONDO_TRY(const ParameterVector alone,
            own_training.Run(scratch, options.most_looks_alone, "local only"));
  RONDO_TRY(const auto trainer, trainers(options.model));
  LocalTraining training(options, dataset, scorers, *trainer);
  RONDO_TRY(const ParameterVector tuned,
            training.Run(federated, options.most_looks_tuned, "fine-tuning"));
  std::vector<NamedScorer> methods;
  RONDO_TRY(auto local_scorer, scorers(unshared.model, alone));
  methods.push_back({"local only", std::move(local_scorer)});
  RONDO_TRY(auto federated_scorer, scorers(options.model, federated));
  methods.push_back({kFederated, std::move(federated_scorer)});
  RONDO_TRY(auto tuned_scorer, scorers(options.model, tuned));
  methods.push_back({"federated + fine-tuned", std::move(tuned_scorer)});
  for (const char* name : {"popularity", "markov1"}) {
    auto baseline = MakeBaseline(name, dataset, options.seed);
    if (baseline) {
      methods.push_back({name, std::move(baseline).value()});
    } else if (baseline.error().code != ErrorCode::kUnsupported) {
      return Fail(std::move(baseline).error());
    }
  }
  return methods;
}

/// The federated model is used as it came or fine-tuned; everything else needs no federation.
bool NeedsFederation(const std::string& name) {
  return name.starts_with(kFederated);
}

/// The better validated side of the choice. Choosing by the test split would flatter the winner.
const MethodScore& BestValidated(const std::vector<MethodScore>& methods, bool joined) {
  const MethodScore* best = nullptr;
  for (const MethodScore& method : methods) {
    const bool candidate = NeedsFederation(method.name) == joined;
    if (candidate && (best == nullptr || method.validation_ndcg > best->validation_ndcg)) {
      best = &method;
    }
  }
  RONDO_CHECK(best != nullptr) << "both sides have a method";
  return *best;
}

}  // namespace

Result<WorthReport> MeasureWorth(const ParameterVector& federated,
                                 LoadedData& data,
                                 const TrainerFactory& trainers,
                                 const ScorerFactory& scorers,
                                 const WorthOptions& options) {
  RONDO_TRY(auto methods, PrepareMethods(federated, data.dataset, trainers, scorers, options));
  std::map<std::string, double> validated;
  for (const NamedScorer& method : methods) {
    RONDO_TRY(const Metrics metrics,
              ScoreUsers(*method.scorer, data.dataset, Split::kValidation, nullptr));
    validated[method.name] = Mean(metrics.ndcg);
  }
  const std::vector<TestRows>& test = data.test.Open();
  std::map<std::string, Metrics> measured;
  for (const NamedScorer& method : methods) {
    RONDO_TRY(measured[method.name], ScoreUsers(*method.scorer, data.dataset, Split::kTest, &test));
  }
  const Metrics& reference = measured[kFederated];
  if (reference.ndcg.empty()) {
    return Fail(ErrorCode::kFailedPrecondition,
                "no user of the log has a held-out event to score; see data.split");
  }
  const BootstrapOptions bootstrap{.seed = options.seed, .resamples = options.resamples};
  WorthReport report{.users = reference.ndcg.size(), .noisy = reference.ndcg.size() < kFewestUsers};
  for (const NamedScorer& method : methods) {
    const Metrics& own = measured[method.name];
    MethodScore score{.name = method.name, .validation_ndcg = validated[method.name]};
    RONDO_TRY(score.ndcg, BootstrapMean(own.ndcg, bootstrap));
    RONDO_TRY(score.hit_rate, BootstrapMean(own.hit_rate, bootstrap));
    RONDO_TRY(score.behind_federated, BootstrapDifference(reference.ndcg, own.ndcg, bootstrap));
    report.methods.push_back(std::move(score));
  }
  const MethodScore& alone = BestValidated(report.methods, false);
  const MethodScore& joined = BestValidated(report.methods, true);
  report.choice = {.alone = alone.name, .joined = joined.name, .alone_ndcg = alone.ndcg.mean};
  RONDO_TRY(report.choice.gain,
            BootstrapDifference(measured[joined.name].ndcg, measured[alone.name].ndcg, bootstrap));
  report.verdict = Verdict(report.choice);
  return report;
}

}  // namespace rondo::client
