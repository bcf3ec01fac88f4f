#include "simulations/bench_remote.h"

#include <chrono>
#include <cstdlib>
#include <optional>

#include <boost/json.hpp>

#include "common/core/file.h"
#include "common/io/json.h"
#include "simulations/federation_processes.h"
#include "simulations/interrupt.h"

namespace rondo::sim {
namespace {

constexpr std::int64_t kItems = 3706;

/// A folder that goes when the measurement is over.
class WorkFolder {
 public:
  WorkFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rondo-bench-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data()) != nullptr ? pattern : std::string();
  }

  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  ~WorkFolder() {
    std::error_code ignored;
    if (!path_.empty()) {
      std::filesystem::remove_all(path_, ignored);
    }
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Scenario ScenarioOf(const std::string& workload) {
  Scenario scenario;
  scenario.name = "bench-" + workload;
  scenario.model = {.width = 64, .blocks = 2, .heads = 1, .history = 50, .dropout = 0.0};
  scenario.client = {.epochs = 1,
                     .batch_size = 32,
                     .shuffle = false,
                     .learning_rate = 0.1,
                     .loss = "bce",
                     .negatives = 1};
  if (workload == "noop") {
    scenario.client.learning_rate = 1e-30;  // Nothing that a float32 weight can show.
  }
  scenario.data.min_user_events = 1;  // The one user of noop has two training rows.
  scenario.strategy.rounds = workload == "noop" ? 150 : 20;
  scenario.strategy.weighting = "uniform";
  scenario.privacy.mode = "channel";
  scenario.evaluation.every = 0;
  return scenario;
}

std::string CatalogueText() {
  std::string text = "item_id\n";
  for (std::int64_t item = 1; item <= kItems; ++item) {
    text += std::to_string(item) + "\n";
  }
  return text;
}

/// A log whose training rows are `sequences`: two more events a user are what the split holds out.
std::string LogText(const std::vector<std::vector<ItemRow>>& sequences) {
  std::string text = "user_id:token\titem_id:token\ttimestamp:float\n";
  for (std::size_t user = 0; user < sequences.size(); ++user) {
    std::vector<ItemRow> rows = sequences[user];
    rows.insert(rows.end(), {1, 2});
    for (std::size_t time = 0; time < rows.size(); ++time) {
      text += std::to_string(user) + "\t" + std::to_string(rows[time]) + "\t" + std::to_string(time)
              + "\n";
    }
  }
  return text;
}

/// Client i's sequences: an even share of the workload, or one user with one position.
std::vector<std::vector<ItemRow>> ShareOf(const BenchWorkload* workload,
                                          std::size_t client,
                                          std::size_t clients) {
  if (workload == nullptr) {
    return {{3, 4}};
  }
  const std::size_t size = workload->sequences.size() / clients;
  const auto begin = workload->sequences.begin() + static_cast<std::ptrdiff_t>(client * size);
  return {begin, begin + static_cast<std::ptrdiff_t>(size)};
}

Result<FederationProcesses::Options> WriteInputs(const RemoteBenchOptions& bench,
                                                 const BenchWorkload* workload,
                                                 const std::filesystem::path& folder) {
  FederationProcesses::Options options{.folder = folder,
                                       .scenario = folder / "scenario.toml",
                                       .catalogue = folder / "catalogue.tsv"};
  RONDO_TRY_STATUS(WriteTextFile(options.scenario, ScenarioToToml(ScenarioOf(bench.workload))));
  RONDO_TRY_STATUS(WriteTextFile(options.catalogue, CatalogueText()));
  const auto clients = static_cast<std::size_t>(bench.clients);
  for (std::size_t i = 0; i < clients; ++i) {
    const std::string id = "client-" + std::to_string(i);
    const auto log = folder / (id + ".inter");
    RONDO_TRY_STATUS(WriteTextFile(log, LogText(ShareOf(workload, i, clients))));
    options.clients[id] = {"--set", "data.path=" + log.string(), "--set", "client.threads=1"};
  }
  return options;
}

Status ReadSeconds(const std::filesystem::path& summary, BenchResult& result) {
  RONDO_TRY(const std::string text, ReadTextFile(summary));
  RONDO_TRY(const boost::json::value json, ParseJson(text));
  const boost::json::value* seconds = json.as_object().if_contains("round_seconds");
  if (seconds == nullptr || !seconds->is_array() || seconds->as_array().size() < 2) {
    return Fail(ErrorCode::kCorrupt, "'" + summary.string() + "' holds no times of rounds");
  }
  for (std::size_t i = 1; i < seconds->as_array().size();
       ++i) {  // The first round starts everything up.
    result.seconds.push_back(seconds->as_array()[i].to_number<double>());
  }
  return Ok();
}

}  // namespace

Result<BenchResult> RunRemoteBench(const RemoteBenchOptions& options) {
  if (options.workload != "w2" && options.workload != "noop") {
    return Fail(ErrorCode::kInvalidArgument,
                "the remote pool runs w2 and noop, not '" + options.workload + "'");
  }
  std::optional<BenchWorkload> workload;
  if (options.workload == "w2") {
    RONDO_TRY(workload, LoadBenchWorkload("w2", options.data));
  }
  const InterruptWatcher interrupt;
  const WorkFolder folder;
  if (folder.path().empty()) {
    return Fail(ErrorCode::kIo, "cannot make a temporary folder; check TMPDIR and the space there");
  }
  RONDO_TRY(auto inputs, WriteInputs(options, workload ? &*workload : nullptr, folder.path()));
  inputs.stop = interrupt.token();
  RONDO_TRY(FederationProcesses federation, FederationProcesses::Start(inputs));
  RONDO_TRY_STATUS(federation.Finish(std::chrono::seconds(300)));
  BenchResult result{.workload = options.workload};
  result.units_per_round =
      workload ? workload->units_per_round : static_cast<std::uint64_t>(options.clients);
  RONDO_TRY_STATUS(ReadSeconds(folder.path() / "federation" / "state" / "summary.json", result));
  return result;
}

}  // namespace rondo::sim
