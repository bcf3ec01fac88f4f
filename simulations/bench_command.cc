#include "simulations/bench_command.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <sys/resource.h>

#include <boost/json.hpp>

#include "common/core/workers.h"
#include "coordinator/strategy.h"
#include "simulations/bench_aggregate.h"
#include "simulations/bench_remote.h"
#include "simulations/bench_result.h"
#include "simulations/bench_secagg.h"
#include "simulations/bench_workload.h"
#include "simulations/mpi_ranks.h"

namespace rondo::sim {
namespace {

using Seconds = std::chrono::duration<double>;

double PeakRssMib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

/// Runs the rounds of a workload on virtual clients: train a cohort, fold, server step.
class VirtualBench {
 public:
  static Result<VirtualBench> Create(BenchWorkload workload,
                                     const EngineConfig& engine,
                                     MpiRanks* ranks) {
    VirtualBench bench;
    bench.ranks_ = ranks;
    Scenario scenario;
    scenario.strategy = workload.strategy;
    RONDO_TRY(bench.strategy_, coordinator::Strategy::Create(scenario));
    bench.options_ = {.model = workload.model, .items = workload.items, .engine = engine};
    CohortTrainer::Options shared = bench.options_;
    shared.ranks = ranks;
    RONDO_TRY(bench.trainer_, CohortTrainer::Create(shared));
    bench.broadcast_.model = workload.initial;
    bench.workload_ = std::move(workload);
    return bench;
  }

  /// Makes the data of a round, which is not timed: in a federation they are there already.
  void Prepare(std::size_t round) {
    if (ranks_ != nullptr && ranks_->IsFirst()) {
      ranks_->Share(Bytes{1});
    }
    workload_.task.round = static_cast<RoundId>(round + 1);
    cohort_ = workload_.cohort(round);
  }

  /// Does this rank's share of every round that the first plays.
  Status Serve() {
    for (std::size_t round = 0; !ranks_->Share(Bytes()).empty(); ++round) {
      Prepare(round);
      RONDO_TRY(const CohortOutcome outcome, Train());
    }
    return Ok();
  }

  /// Trains the clients of the round, folds, and applies the server step.
  Status Play() {
    RONDO_TRY(CohortOutcome outcome, Train());
    train_loss_ = 0.0;
    for (const ClientReport& client : outcome.clients) {
      train_loss_ += client.loss / static_cast<double>(outcome.clients.size());
    }
    const std::unique_ptr<coordinator::Aggregator> aggregator =
        strategy_->NewAggregator({.round = workload_.task.round,
                                  .model = broadcast_.model.layout,
                                  .population = outcome.clients.size()});
    RONDO_TRY_STATUS(aggregator->Accumulate(std::move(outcome.sum)));
    RONDO_TRY(const ParameterVector delta, std::move(*aggregator).Report());
    return strategy_->optimizer().Step(broadcast_.model, delta);
  }

  const ParameterVector& model() const { return broadcast_.model; }

  double train_loss() const { return train_loss_; }

  bool HasLoss() const { return !workload_.loss_batches.empty(); }

  Result<double> Loss() const {
    RONDO_TRY(const std::unique_ptr<CohortTrainer> alone, CohortTrainer::Create(options_));
    return ClosingLoss(*alone, workload_, broadcast_.model);
  }

 private:
  Result<CohortOutcome> Train() {
    if (ranks_ != nullptr) {
      ranks_->Share(std::span(broadcast_.model.values));
    }
    return trainer_->Train(broadcast_, cohort_, workload_.task, UpdateVisibility::kSumOnly, {});
  }

  BenchWorkload workload_;
  std::vector<ClientData> cohort_;
  double train_loss_ = 0.0;
  std::unique_ptr<coordinator::Strategy> strategy_;
  CohortTrainer::Options options_;
  std::unique_ptr<CohortTrainer> trainer_;
  MpiRanks* ranks_ = nullptr;
  Broadcast broadcast_;
};

/// Nothing, on ranks that are not the first.
Result<std::optional<BenchResult>> RunVirtual(BenchWorkload workload,
                                              const EngineConfig& engine,
                                              MpiRanks* ranks) {
  constexpr std::size_t kCheckedRounds =
      6;  // One warm-up and five: the closing numbers are defined after them.
  const std::uint64_t units = workload.units_per_round;
  BenchResult result{.workload = workload.name};
  RONDO_TRY(VirtualBench bench, VirtualBench::Create(std::move(workload), engine, ranks));
  if (ranks != nullptr && !ranks->IsFirst()) {
    RONDO_TRY_STATUS(bench.Serve());
    return std::optional<BenchResult>();
  }
  bench.Prepare(0);
  RONDO_TRY_STATUS(bench.Play());
  double total = 0.0;
  for (std::size_t round = 1; round < kCheckedRounds || total < 2.0; ++round) {
    bench.Prepare(round);
    const auto start = std::chrono::steady_clock::now();
    RONDO_TRY_STATUS(bench.Play());
    result.seconds.push_back(Seconds(std::chrono::steady_clock::now() - start).count());
    total += result.seconds.back();
    if (round + 1 == kCheckedRounds) {
      if (bench.HasLoss()) {
        RONDO_TRY(result.loss, bench.Loss());
      }
      SetFingerprint(result, bench.model());
    }
  }
  result.train_loss = bench.train_loss();
  result.units_per_round = units;
  result.peak_rss_mib = PeakRssMib();
  if (ranks != nullptr) {
    ranks->Share(Bytes());  // the end
  }
  return std::optional(std::move(result));
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2.0;
}

boost::json::value NumberOrNull(const std::optional<double>& number) {
  return number ? boost::json::value(*number) : boost::json::value(nullptr);
}

void Print(const BenchResult& result,
           const DeviceInfo& device,
           const std::string& pool,
           int threads,
           int ranks) {
  const double seconds = Median(result.seconds);
  boost::json::object object{{"schema_version", 1},
                             {"workload", result.workload},
                             {"engine", "rondo"},
                             {"pool", pool},
                             {"device", device.device},
                             {"blas", device.blas},
                             {"threads", threads},
                             {"ranks", ranks},
                             {"rounds_timed", result.seconds.size()},
                             {"units_per_s", static_cast<double>(result.units_per_round) / seconds},
                             {"rounds_per_s", 1.0 / seconds},
                             {"seconds_per_round", seconds},
                             {"peak_rss_mib",
                              result.peak_rss_mib > 0.0 ? boost::json::value(result.peak_rss_mib)
                                                        : boost::json::value(nullptr)}};
  object["train_loss"] = NumberOrNull(result.train_loss);
  object["loss"] = NumberOrNull(result.loss);
  object["sum"] = NumberOrNull(result.sum);
  object["l2"] = NumberOrNull(result.l2);
  if (!result.strategy.empty()) {
    object["strategy"] = result.strategy;
    object["copy_seconds"] = NumberOrNull(result.copy_seconds);
  }
  std::cout << boost::json::serialize(object) << '\n';
}

void Print(const SecaggBench& bench, const SecaggBenchResult& result) {
  const boost::json::object object{{"schema_version", 1},
                                   {"workload", "secagg"},
                                   {"engine", "rondo"},
                                   {"clients", bench.clients},
                                   {"parameters", bench.parameters},
                                   {"dropped", bench.dropped},
                                   {"threads", bench.threads},
                                   {"client_seconds", result.client_seconds},
                                   {"server_seconds", result.server_seconds},
                                   {"bytes_up_ratio", result.bytes_up_ratio},
                                   {"exact", result.exact},
                                   {"peak_rss_mib", result.peak_rss_mib}};
  std::cout << boost::json::serialize(object) << '\n';
}

Status RunSecagg(const SecaggBench& bench) {
  RONDO_TRY(const SecaggBenchResult result, RunSecaggBench(bench));
  Print(bench, result);
  return Ok();
}

struct BenchFlags {
  std::string workload = "w1";
  std::string pool = "virtual";
  std::string data = "bench";
  std::string device = "cpu";
  std::string precision = "float32";
  std::string strategy = "mean";
  std::vector<std::string> sets;
  int clients = 0;
  int parameters = 1'000'000;
  int dropped = 0;
  int cohort = 0;
  int threads = 0;
  int memory_mib = 512;
  bool json = false;
};

Result<BenchWorkload> FindWorkload(const BenchFlags& flags) {
  const auto cohort = [&](std::size_t otherwise) {
    return flags.cohort > 0 ? static_cast<std::size_t>(flags.cohort) : otherwise;
  };
  if (flags.workload == "w3") {
    return MakeStreamedWorkload(cohort(1000));
  }
  if (flags.workload == "w4") {
    return MakeMovieLensWorkload(flags.data, cohort(128));
  }
  if (flags.cohort > 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "--cohort is for w3 and w4; the cohorts of '" + flags.workload + "' are fixed");
  }
  return LoadBenchWorkload(flags.workload, flags.data);
}

Status RunBench(const BenchFlags& flags) {
  EngineConfig engine{.threads = flags.threads,
                      .memory_mib = flags.memory_mib,
                      .device = flags.device,
                      .precision = flags.precision};
  if (engine.threads == 0) {
    engine.threads = UsableCores();
  }
  if (flags.workload == "secagg") {
    return RunSecagg({.clients = flags.clients > 0 ? flags.clients : 100,
                      .parameters = flags.parameters,
                      .dropped = flags.dropped,
                      .threads = engine.threads});
  }
  RONDO_TRY(const std::unique_ptr<MpiRanks> ranks, MpiRanks::Join());
  RONDO_TRY(DeviceInfo device, PrepareTorch(engine));
  if (ranks != nullptr) {
    device.device = DeviceOfRank(device.device, ranks->local_index());
  }
  engine.device = device.device;
  if (device.slow_blas) {
    return Fail(ErrorCode::kFailedPrecondition,
                "the reference BLAS serves sgemm, ten times slower than OpenBLAS; install "
                "libopenblas0-pthread");
  }
  const int clients = flags.clients > 0 ? flags.clients : flags.workload == "aggregate" ? 50 : 8;
  if (flags.workload == "aggregate") {
    RONDO_TRY(const BenchResult result,
              RunAggregateBench({.strategy = flags.strategy,
                                 .sets = flags.sets,
                                 .clients = clients,
                                 .parameters = flags.parameters,
                                 .threads = engine.threads}));
    Print(result, device, flags.pool, engine.threads, 1);
    return Ok();
  }
  if (flags.pool == "remote") {
    if (ranks != nullptr && ranks->count() > 1) {
      return Fail(ErrorCode::kInvalidArgument,
                  "--pool remote starts its own processes: leave out the launcher of ranks");
    }
    RONDO_TRY(const BenchResult result,
              RunRemoteBench({.workload = flags.workload, .data = flags.data, .clients = clients}));
    Print(result, device, flags.pool, 1, 1);
    return Ok();
  }
  if (flags.workload == "noop") {
    return Fail(ErrorCode::kInvalidArgument,
                "the workload noop times connections: use --pool remote");
  }
  RONDO_TRY(BenchWorkload workload, FindWorkload(flags));
  RONDO_TRY(const std::optional<BenchResult> result,
            RunVirtual(std::move(workload), engine, ranks.get()));
  if (result) {
    Print(*result, device, flags.pool, engine.threads, ranks == nullptr ? 1 : ranks->count());
  }
  return Ok();
}

}  // namespace

void AddBenchCommand(CLI::App& parent, Action& action) {
  CLI::App* command =
      parent.add_subcommand("bench",
                            "Examples:\n"
                            "  rondo-sim bench --workload w1 --data BENCH\n"
                            "  rondo-sim bench --workload w3 --cohort 10000\n"
                            "  rondo-sim bench --workload w4 --data data/ml-1m\n"
                            "  mpirun -n 2 rondo-sim bench --workload w3\n"
                            "  rondo-sim bench --workload aggregate --strategy krum --set f=10\n"
                            "  rondo-sim bench --workload secagg --clients 100 --dropped 10\n"
                            "  rondo-sim bench --workload noop --pool remote --clients 2\n\n"
                            "Times a fixed workload; prints one JSON object.");
  auto flags = std::make_shared<BenchFlags>();
  command
      ->add_option("--workload", flags->workload, "w1, w1c, w2, w3, w4, aggregate, secagg or noop")
      ->capture_default_str();
  command->add_option("--pool", flags->pool, "virtual, or remote: real client processes over TLS")
      ->check(CLI::IsMember({"virtual", "remote"}))
      ->capture_default_str();
  command->add_option("--data", flags->data, "folder with the workload's files; w3 needs none");
  command
      ->add_option("--clients",
                   flags->clients,
                   "client processes of the remote pool (8), updates of aggregate (50), "
                   "clients of secagg (100)")
      ->check(CLI::PositiveNumber);
  command->add_option("--strategy", flags->strategy, "rule of aggregate")->capture_default_str();
  command->add_option("--set", flags->sets, "numbers of the rule: f=10; may be repeated");
  command
      ->add_option(
          "--parameters", flags->parameters, "numbers of an update of aggregate and secagg")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--dropped", flags->dropped, "clients of secagg that vanish before they upload")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--cohort", flags->cohort, "clients a round, for w3 (1000) and w4 (128)")
      ->check(CLI::PositiveNumber);
  command->add_option("--threads", flags->threads, "0: one a core");
  command->add_option("--memory-mib", flags->memory_mib, "bound on a pack's working memory");
  command->add_option("--device", flags->device, "auto, cpu or cuda")->capture_default_str();
  command->add_option("--precision", flags->precision, "of products on a GPU")
      ->check(CLI::IsMember({"float32", "tf32", "bfloat16"}))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "accepted for uniformity: the output is always JSON");
  command->callback([flags, &action] {
    action = [flags] {
      return RunBench(*flags);
    };
  });
}

}  // namespace rondo::sim
