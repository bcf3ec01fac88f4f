#include "simulations/compare_runs.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string_view>

#include <boost/json/object.hpp>

#include "common/config/number_text.h"
#include "common/core/file.h"
#include "common/core/suggest.h"
#include "common/io/json.h"
#include "common/io/run_directory.h"

namespace rondo::sim {
namespace {

/// What does not change a result, or is compared by its content.
constexpr std::string_view kPlaces[] = {"engine.",
                                        "checkpoint.",
                                        "data.path",
                                        "data.catalogue",
                                        "data.mapping",
                                        "data.format",
                                        "data.columns",
                                        "data.max_bad_rows"};

/// What decides which events are held out and how they are scored.
constexpr std::string_view kProtocol[] = {"data.split",
                                          "data.validation_ratio",
                                          "data.test_ratio",
                                          "data.validation_from",
                                          "data.test_from",
                                          "data.seed",
                                          "data.order",
                                          "data.ties",
                                          "data.events",
                                          "data.min_user_events",
                                          "data.min_item_events",
                                          "data.min_rating",
                                          "evaluation.filter_seen"};

constexpr std::size_t kFixedColumns = 3;  // user_id, method, client_id

bool SetsApart(const std::string& key) {
  return key != "seed" && key != "name"
         && std::none_of(std::begin(kPlaces), std::end(kPlaces), [&](std::string_view place) {
              return key.starts_with(place);
            });
}

double NumberOf(const boost::json::object& object, std::string_view key) {
  const boost::json::value* value = object.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0.0;
}

std::string TextOf(const boost::json::object& object, std::string_view key) {
  const boost::json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Result<boost::json::object> ReadObject(const std::filesystem::path& path) {
  RONDO_TRY(const std::string text, ReadTextFile(path));
  RONDO_TRY(boost::json::value value, ParseJson(text));
  if (!value.is_object()) {
    return Fail(ErrorCode::kCorrupt, "'" + path.string() + "' holds no JSON object");
  }
  return std::move(value.get_object());
}

std::vector<std::string> SplitTabs(std::string_view line) {
  std::vector<std::string> cells;
  while (true) {
    const std::size_t tab = line.find('\t');
    cells.emplace_back(line.substr(0, tab));
    if (tab == std::string_view::npos) {
      return cells;
    }
    line.remove_prefix(tab + 1);
  }
}

/// Reads per_user.tsv: the model comes first, its baselines after it.
class PerUserReader {
 public:
  PerUserReader(RunRecord& run, std::string file) : run_(run), file_(std::move(file)) {}

  Status Read(std::string_view text) {
    int number = 0;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::vector<std::string> cells = SplitTabs(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      ++number;
      const Status read = number == 1 ? Header(cells) : Row(cells);
      if (!read) {
        return Fail(
            ErrorCode::kCorrupt,
            "'" + file_ + "', line " + std::to_string(number) + ": " + read.error().message);
      }
    }
    for (auto& [name, means] : run_.baselines) {
      for (double& mean : means) {
        mean /= static_cast<double>(rows_of_[name]);
      }
    }
    return run_.users.empty() ? Fail(ErrorCode::kCorrupt, "'" + file_ + "' has no users") : Ok();
  }

 private:
  Status Header(const std::vector<std::string>& cells) {
    if (cells.size() <= kFixedColumns || cells[0] != "user_id" || cells[1] != "method"
        || cells[2] != "client_id") {
      return Fail(ErrorCode::kCorrupt,
                  "expected the columns user_id, method, client_id and metrics; the run was made "
                  "by another version, repeat it");
    }
    run_.metrics.assign(cells.begin() + kFixedColumns, cells.end());
    run_.values.resize(run_.metrics.size());
    return Ok();
  }

  Status Row(const std::vector<std::string>& cells) {
    if (cells.size() != run_.metrics.size() + kFixedColumns) {
      return Fail(ErrorCode::kCorrupt, "has another number of cells than the header");
    }
    model_ = model_.empty() ? cells[1] : model_;
    const bool of_model = cells[1] == model_;
    if (of_model) {
      run_.users.push_back(cells[0]);
      run_.clients.push_back(cells[2]);
    } else if (++rows_of_[cells[1]] == 1) {
      run_.baselines.emplace_back(cells[1], std::vector<double>(run_.metrics.size(), 0.0));
    }
    for (std::size_t metric = 0; metric < run_.metrics.size(); ++metric) {
      const std::optional<double> value = ParseNumber(cells[metric + kFixedColumns]);
      if (!value) {
        return Fail(ErrorCode::kCorrupt, "'" + cells[metric + kFixedColumns] + "' is no number");
      }
      if (of_model) {
        run_.values[metric].push_back(*value);
      } else {
        run_.baselines.back().second[metric] += *value;
      }
    }
    return Ok();
  }

  RunRecord& run_;
  std::string file_;
  std::string model_;
  std::map<std::string, std::uint64_t> rows_of_;
};

Status ReadPerUser(RunRecord& run) {
  const std::filesystem::path file = run.path / "per_user.tsv";
  const Result<std::string> text = ReadTextFile(file);
  if (!text) {
    return Fail(ErrorCode::kFailedPrecondition,
                "'" + run.path.string()
                    + "' has no per_user.tsv: its test split was left closed, or it is a "
                      "federation, which never sees single users");
  }
  return PerUserReader(run, file.string()).Read(*text);
}

Failure Unlike(const RunRecord& a,
               const RunRecord& b,
               const std::string& what,
               const std::string& of_a,
               const std::string& of_b) {
  return Fail(ErrorCode::kInvalidArgument,
              "'" + a.path.string() + "' and '" + b.path.string() + "' cannot be paired: " + what
                  + " differs, " + of_a + " and " + of_b
                  + "; compare runs on the same data, split and catalogue");
}

/// The settings of a run without what sets nothing apart.
ScenarioKeys Signature(const RunRecord& run) {
  ScenarioKeys keys = run.keys;
  if (!run.training.empty()) {
    keys["training"] = run.training;
  }
  std::erase_if(keys, [](const auto& item) { return !SetsApart(item.first); });
  return keys;
}

struct Group {
  ScenarioKeys signature;
  Arm arm;
};

/// "server_learning_rate = 0.002, f = 1": the keys in which groups of one strategy differ.
std::string WhatSetsApart(const Group& group, const std::vector<Group>& groups) {
  constexpr std::size_t kMostKeys = 3;
  std::set<std::string> keys;
  for (const Group& other : groups) {
    for (const auto& [key, value] : group.signature) {
      const auto found = other.signature.find(key);
      if (other.arm.name == group.arm.name
          && (found == other.signature.end() || found->second != value)) {
        keys.insert(key);
      }
    }
  }
  std::string text;
  for (const std::string& key : keys) {
    text += (text.empty() ? "" : ", ") + key.substr(key.rfind('.') + 1) + " = "
            + group.signature.at(key);
  }
  return keys.size() <= kMostKeys ? text : "";
}

}  // namespace

Result<std::vector<CurvePoint>> ReadCurve(const std::filesystem::path& run) {
  RONDO_TRY(const RunDirectory directory, RunDirectory::Open(run));
  RONDO_TRY(const std::vector<boost::json::object> lines, directory.ReadRounds());
  std::vector<CurvePoint> curve;
  CurvePoint now;
  for (const boost::json::object& line : lines) {
    const boost::json::value* validation = line.if_contains("validation");
    if (TextOf(line, "event") == "round") {
      now.bytes += NumberOf(line, "bytes_up") + NumberOf(line, "bytes_down");
      now.seconds += NumberOf(line, "seconds");
      now.simulated_seconds += NumberOf(line, "simulated_seconds");
    } else if (validation != nullptr && validation->is_object()
               && validation->get_object().contains(kValidationMetric)) {
      now.round = static_cast<RoundId>(NumberOf(line, "round"));
      now.score = NumberOf(validation->get_object(), kValidationMetric);
      curve.push_back(now);
    }
  }
  return curve;
}

Result<std::vector<double>> RunRecord::Column(const std::string& metric) const {
  const auto found = std::find(metrics.begin(), metrics.end(), metric);
  if (found == metrics.end()) {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + path.string() + "' has no metric '" + metric + "'"
                    + DidYouMean(metric, metrics) + "; it has " + JoinChoices(metrics));
  }
  return values[static_cast<std::size_t>(found - metrics.begin())];
}

Result<RunRecord> ReadRun(const std::filesystem::path& path) {
  RONDO_TRY(const RunDirectory directory, RunDirectory::Open(path));
  RunRecord run{.path = path};
  std::error_code ignored;  // What cannot be looked at cannot be read either.
  if (!std::filesystem::exists(path / "summary.json", ignored)) {
    return Fail(ErrorCode::kFailedPrecondition,
                "'" + path.string() + "' has not ended; go on with: rondo-sim run --resume "
                    + path.string());
  }
  RONDO_TRY(run.scenario, LoadScenario({.file = directory.config_file()}));
  run.keys = KeysOf(run.scenario);
  RONDO_TRY(const boost::json::object meta, ReadObject(path / "meta.json"));
  RONDO_TRY(const boost::json::object summary, ReadObject(path / "summary.json"));
  run.training = TextOf(summary, "training");
  run.fingerprint = TextOf(meta, "data_fingerprint");
  run.catalogue_sha256 = TextOf(meta, "catalogue_sha256");
  run.rounds = NumberOf(summary, "rounds");
  run.bytes = NumberOf(summary, "bytes_up") + NumberOf(summary, "bytes_down");
  run.seconds = NumberOf(summary, "seconds");
  run.simulated_seconds = NumberOf(summary, "simulated_seconds");
  RONDO_TRY_STATUS(ReadPerUser(run));
  RONDO_TRY(run.curve, ReadCurve(path));
  return run;
}

Status CheckComparable(std::span<const RunRecord* const> runs) {
  for (const RunRecord* const other : runs) {
    const RunRecord& first = *runs.front();
    const RunRecord& run = *other;
    for (const std::string_view key : kProtocol) {
      const std::string name(key);
      if (first.keys.at(name) != run.keys.at(name)) {
        return Unlike(first, run, name, first.keys.at(name), run.keys.at(name));
      }
    }
    const auto shown = [](const std::string& hash) {
      return hash.substr(0, 12);
    };
    if (first.catalogue_sha256 != run.catalogue_sha256) {
      return Unlike(first,
                    run,
                    "the catalogue (SHA-256)",
                    shown(first.catalogue_sha256),
                    shown(run.catalogue_sha256));
    }
    if (first.fingerprint != run.fingerprint) {
      return Unlike(
          first, run, "the data fingerprint", shown(first.fingerprint), shown(run.fingerprint));
    }
    if (first.users != run.users) {
      return Unlike(first,
                    run,
                    "the list of scored users",
                    std::to_string(first.users.size()),
                    std::to_string(run.users.size()));
    }
  }
  return Ok();
}

std::vector<Arm> ArmsOf(std::vector<RunRecord> runs) {
  std::vector<Group> groups;
  for (RunRecord& run : runs) {
    ScenarioKeys signature = Signature(run);
    const auto fits = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
      const std::vector<RunRecord>& others = group.arm.runs;
      return group.signature == signature
             && std::none_of(others.begin(), others.end(), [&](const RunRecord& other) {
                  return other.scenario.seed == run.scenario.seed;
                });
    });
    if (fits != groups.end()) {
      fits->arm.runs.push_back(std::move(run));
    } else {
      Arm arm{.name = run.training.empty() ? run.scenario.strategy.name : run.training};
      arm.runs.push_back(std::move(run));
      groups.push_back({.signature = std::move(signature), .arm = std::move(arm)});
    }
  }
  std::vector<Arm> arms;
  for (const Group& group : groups) {
    const auto twins = std::count_if(groups.begin(), groups.end(), [&](const Group& other) {
      return other.arm.name == group.arm.name;
    });
    Arm arm = group.arm;
    if (twins > 1) {
      const std::string apart = WhatSetsApart(group, groups);
      arm.name += apart.empty() ? "" : " (" + apart + ")";
    }
    std::sort(arm.runs.begin(), arm.runs.end(), [](const RunRecord& a, const RunRecord& b) {
      return a.scenario.seed < b.scenario.seed;
    });
    arms.push_back(std::move(arm));
  }
  // Twins of equal settings are told apart by their folders, and one folder given twice by a
  // number.
  std::map<std::string, int> twins;
  for (const Arm& arm : arms) {
    ++twins[arm.name];
  }
  std::map<std::string, int> named;
  for (Arm& arm : arms) {
    arm.name += twins[arm.name] > 1 ? " (" + arm.runs.front().path.string() + ")" : "";
    const int times = ++named[arm.name];
    arm.name += times > 1 ? " #" + std::to_string(times) : "";
  }
  return arms;
}

}  // namespace rondo::sim
