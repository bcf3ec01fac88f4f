#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "common/config/scenario.h"
#include "common/data/dataset.h"
#include "common/io/checkpoint.h"
#include "coordinator/checkpoint_sink.h"
#include "coordinator/run_recorder.h"

/// The files of a run directory that a simulation and a federation write alike.
namespace rondo::coordinator {

/// What is fixed for the whole run and written into its checkpoints.
RunIdentity IdentityOf(const Scenario& scenario,
                       const Catalogue& catalogue,
                       std::int64_t feature_values);

/// Version, seeds, trust mode and catalogue; a simulation adds its data and libraries.
boost::json::object MetaJson(const Scenario& scenario, const Catalogue& catalogue);

/// A model with the metadata that lets other programs use it alone.
Result<Bytes> EncodeModelFile(RoundId round, const ParameterVector& model, const RunIdentity& run);

/// The selected model as WriteSelectedModel writes it.
Result<Bytes> EncodeSelectedModel(const RunIdentity& run, const RunState& state);

/// Writes the selected model as `model.safetensors`, and `catalogue.tsv` beside it. Returns the
/// SHA-256 of the model file.
Result<std::string> WriteSelectedModel(const std::filesystem::path& folder,
                                       const RunIdentity& run,
                                       const Catalogue& catalogue,
                                       const RunState& state);

struct SummaryInput {
  const Scenario& scenario;
  const Catalogue& catalogue;
  const RunState& state;
  std::size_t clients = 0;
  std::string model_sha256;                ///< of model.safetensors
  boost::json::value test = nullptr;       ///< {"full": {"users", "ndcg@10", ...}, ...}
  boost::json::value baselines = nullptr;  ///< null where no pooled data exist
  RunTotals totals;                        ///< of the whole run
  std::string blas;                        ///< empty: no LibTorch in this program
  std::string device;
};

/// "privacy" of summary.json: mode, epsilon and delta (null without noise), and what they are of.
boost::json::object PrivacySummary(const PrivacyConfig& config, const RunState& state);

/// The same in one line for people; empty without noise.
std::string PrivacyText(const PrivacyConfig& config, const RunState& state);

/// summary.json.
boost::json::object SummaryJson(SummaryInput input);

/// "full/ndcg@10" becomes {"full": {"users", "ndcg@10": ...}}; null without a table.
boost::json::value MetricsByProtocol(const std::optional<MetricTable>& table);

}  // namespace rondo::coordinator
