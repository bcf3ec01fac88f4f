#include "simulations/evaluation.h"

#include <algorithm>
#include <thread>

namespace rondo::sim {

Result<std::vector<UserMetrics>> EvaluateModel(const CohortTrainer::Options& options,
                                               const ParameterVector& model,
                                               const Dataset& dataset,
                                               std::span<const std::uint32_t> users,
                                               Split split,
                                               const std::vector<TestRows>* test,
                                               const EvaluationOptions& evaluation) {
  // An exposure counter is shared state, so only one thread may fill it.
  const std::size_t wanted =
      evaluation.exposure != nullptr ? 1 : static_cast<std::size_t>(options.engine.threads);
  const std::size_t threads =
      std::clamp<std::size_t>(wanted, 1, std::max<std::size_t>(1, users.size()));
  const std::size_t share = (users.size() + threads - 1) / threads;
  std::vector<Result<std::vector<UserMetrics>>> parts(threads, std::vector<UserMetrics>{});
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < threads; ++i) {
      const std::size_t begin = std::min(users.size(), i * share);
      const auto part = users.subspan(begin, std::min(share, users.size() - begin));
      workers.emplace_back([&, i, part] {
        Result<std::unique_ptr<Scorer>> scorer = MakeModelScorer(options, model);
        parts[i] = scorer ? EvaluateUsers(**scorer, dataset, part, split, test, evaluation)
                          : Result<std::vector<UserMetrics>>(Fail(scorer.error()));
      });
    }
  }
  std::vector<UserMetrics> all;
  for (Result<std::vector<UserMetrics>>& part : parts) {
    RONDO_TRY(const std::vector<UserMetrics> metrics, std::move(part));
    all.insert(all.end(), metrics.begin(), metrics.end());
  }
  return all;
}

}  // namespace rondo::sim
