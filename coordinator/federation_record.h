#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include <boost/json/object.hpp>

#include "common/io/run_directory.h"
#include "coordinator/federation.h"
#include "coordinator/remote_clients.h"
#include "coordinator/run_recorder.h"

namespace rondo::coordinator {

/// The state folder of a federation as a run directory: config.toml, meta.json, rounds.jsonl,
/// TensorBoard events, summary.json, report.html, and model.safetensors with catalogue.tsv.
/// Checkpoints lie in it already. A restarted coordinator goes on with the same files.
class FederationRecord {
 public:
  /// `federation` outlives the record.
  /// Errors  kIo; kCorrupt if rounds.jsonl is broken before its last line.
  static Result<FederationRecord> Open(const Federation& federation, const RunState& start);

  RoundObserver& observer() { return recorder_; }

  /// What is known when a run ends, by itself or before its time.
  struct End {
    const RunState& state;
    std::optional<MetricTable> test;
    std::vector<RemoteClientStatus> clients;
    std::uint64_t bytes_up = 0;
    std::uint64_t bytes_down = 0;
  };

  /// Whether summary.json holds the test of the model that this state selects: the test split is
  /// not scored again then.
  bool HasTest(const RunState& state) const;

  /// Writes the selected model, summary.json and report.html; returns the summary. The test split
  /// is scored once: a summary that holds the test of this model stays as it is.
  /// Errors  kIo, also of an earlier line that could not be written; the files are there then.
  Result<boost::json::object> Finish(const End& end);

  /// Writes report.html alone: the run stopped or failed because of `why`, and may go on.
  Status Interrupt(const End& end, const Error& why);

 private:
  FederationRecord(const Federation& federation,
                   std::unique_ptr<RunDirectory> directory,
                   RunRecorder recorder)
      : federation_(&federation),
        directory_(std::move(directory)),
        recorder_(std::move(recorder)) {}

  /// The summary on disk if it holds the test of this very model.
  std::optional<boost::json::object> TestedSummary(const std::string& model_sha256) const;

  Result<boost::json::object> WriteResults(const End& end) const;
  RunTotals TotalsOf(const End& end) const;
  Status WriteReport(const End& end, std::vector<std::string> warnings) const;

  const Federation* federation_;
  std::unique_ptr<RunDirectory> directory_;  // The recorder refers to it.
  RunRecorder recorder_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace rondo::coordinator
