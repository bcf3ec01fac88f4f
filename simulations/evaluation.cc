#include "simulations/evaluation.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>

#include "common/core/check.h"
#include "common/core/workers.h"

namespace rondo::sim {
namespace {

// Users are cut by their number alone, so that batches, and with them the last bits of scores, are
// the same for any number of threads. Few parts bound what their exposures hold.
constexpr std::size_t kUsersAPart = 128;
constexpr std::size_t kMostParts = 64;

struct Part {
  std::span<const std::uint32_t> users;
  std::optional<Exposure> exposure;
  Result<std::vector<UserMetrics>> metrics = std::vector<UserMetrics>();
};

std::vector<Part> CutUsers(const ModelEvaluation& what) {
  const std::size_t size = std::max(kUsersAPart, (what.users.size() + kMostParts - 1) / kMostParts);
  std::vector<Part> parts;
  for (std::size_t begin = 0; begin < what.users.size(); begin += size) {
    Part& part = parts.emplace_back();
    part.users = what.users.subspan(begin, std::min(size, what.users.size() - begin));
    if (const Exposure* whole = what.evaluation.exposure) {
      part.exposure.emplace(std::ssize(whole->shown()) - 1, whole->k());
    }
  }
  return parts;
}

void ScorePart(const ModelEvaluation& what,
               const Result<std::unique_ptr<Scorer>>& scorer,
               Part& part) {
  if (!scorer) {
    part.metrics = Fail(scorer.error());
    return;
  }
  if (what.stop.stop_requested()) {
    part.metrics = Fail(ErrorCode::kCancelled, "evaluation was stopped before its end");
    return;
  }
  EvaluationOptions options = what.evaluation;
  options.exposure = part.exposure ? &*part.exposure : nullptr;
  part.metrics = EvaluateUsers(**scorer, what.dataset, part.users, what.split, what.test, options);
}

int ThreadsFor(const CohortTrainer::Options& options, std::size_t parts) {
  // One stream of kernels fills a GPU, and each scorer would hold its own copy of the model there.
  const int wanted = options.engine.device != "cpu" ? 1 : options.engine.threads;
  return std::clamp(wanted, 1, static_cast<int>(std::max<std::size_t>(1, parts)));
}

/// Brings what other ranks scored to the first. A user was scored by one of them and is zero
/// elsewhere, so that sums of numbers are exact. `own` is in the order of the users.
Result<std::vector<UserMetrics>> Join(const ModelEvaluation& what,
                                      const std::vector<UserMetrics>& own) {
  RONDO_TRY(const std::vector<std::string> names, MetricNames(what.evaluation));
  const std::size_t columns = names.size() + 2;  // after targets and NaN scores
  std::vector<double> table(what.users.size() * columns, 0.0);
  std::size_t next = 0;
  for (std::size_t i = 0; i < what.users.size() && next < own.size(); ++i) {
    if (what.users[i] == own[next].user) {
      const UserMetrics& metrics = own[next++];
      double* const row = table.data() + i * columns;
      row[0] = metrics.targets;
      row[1] = static_cast<double>(metrics.nans);
      std::copy(metrics.values.begin(), metrics.values.end(), row + 2);
    }
  }
  what.ranks->Sum(std::span(table));
  std::vector<UserMetrics> all;
  for (std::size_t i = 0; i < what.users.size() && what.ranks->IsFirst(); ++i) {
    const double* const row = table.data() + i * columns;
    if (row[0] > 0.0) {
      all.push_back({.user = what.users[i],
                     .targets = static_cast<std::uint32_t>(row[0]),
                     .nans = static_cast<std::uint64_t>(row[1]),
                     .values = std::vector<double>(row + 2, row + columns)});
    }
  }
  return all;
}

}  // namespace

Result<std::vector<UserMetrics>> EvaluateModel(const ModelEvaluation& what) {
  RONDO_CHECK(what.ranks == nullptr || what.evaluation.exposure == nullptr)
      << "exposure is not shared among ranks";
  std::vector<Part> parts = CutUsers(what);
  std::atomic<std::size_t> next = 0;
  Workers workers(ThreadsFor(what.options, parts.size()));
  workers.Run([&] {
    const Result<std::unique_ptr<Scorer>> scorer = MakeModelScorer(what.options, what.model);
    for (std::size_t i = next++; i < parts.size(); i = next++) {
      if (what.ranks == nullptr || what.ranks->Has(i)) {
        ScorePart(what, scorer, parts[i]);
      }
    }
  });
  std::vector<UserMetrics> all;
  for (Part& part : parts) {
    RONDO_TRY(const std::vector<UserMetrics> metrics, std::move(part.metrics));
    all.insert(all.end(), metrics.begin(), metrics.end());
    if (part.exposure) {
      what.evaluation.exposure->Merge(*part.exposure);
    }
  }
  return what.ranks == nullptr ? all : Join(what, all);
}

}  // namespace rondo::sim
