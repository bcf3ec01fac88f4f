#pragma once

#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/folder_lock.h"
#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/federated/parameters.h"
#include "common/io/safetensors.h"

/// A checkpoint is a safetensors file: the model's tensors under their own names, those of the
/// server optimiser as `server.STATE/NAME`, everything else in the metadata. So Python reads the
/// model directly.
namespace rondo {

/// What stays the same for a whole run and says what the model belongs to.
struct RunIdentity {
  std::string name;
  std::uint64_t seed = 1;
  std::uint64_t data_seed = 1;
  ModelConfig model;
  std::string catalogue_sha256;  ///< of catalogue.tsv
  std::int64_t items = 0;        ///< rows 1 .. items of the catalogue
  std::int64_t feature_values = 0;
  std::string scenario;  ///< config.toml
};

struct Checkpoint {
  RoundId round = 0;  ///< the model after this round; 0: initial
  ParameterVector model;
  std::vector<std::pair<std::string, ParameterVector>> optimizer;  ///< each in the model's layout
  std::uint64_t optimizer_steps = 0;
  RoundId best_round = 0;  ///< best validation so far; its checkpoint is kept
  double best_score =
      std::numeric_limits<double>::quiet_NaN();  ///< NaN before the first validation
  int stale_validations = 0;                     ///< validations since the best
  RunIdentity run;
  Metadata extra;  ///< whatever else a resumed run needs: counters, history
};

/// Errors  kInvalidArgument for text that is not UTF-8 or state in another layout.
Result<Bytes> EncodeCheckpoint(const Checkpoint& checkpoint);

/// Without a layout, the one of the model configuration in the metadata is taken.
/// Errors  kCorrupt; kFailedPrecondition if the file has another layout.
Result<Checkpoint> DecodeCheckpoint(ByteView bytes,
                                    std::shared_ptr<const ParameterLayout> layout = nullptr);
Result<Checkpoint> ReadCheckpoint(const std::filesystem::path& path,
                                  std::shared_ptr<const ParameterLayout> layout = nullptr);

/// The folder `checkpoints/` of a run: round-000123.safetensors, and catalogue.tsv beside them.
///
/// Not thread-safe; one store a folder.
class CheckpointStore {
 public:
  struct Options {
    std::filesystem::path folder;
    int keep = 2;                                   ///< newest ones kept, beside the best
    std::shared_ptr<const ParameterLayout> layout;  ///< null: of the metadata
  };

  /// Makes the folder. Any number of processes may read it.
  /// Errors  kIo.
  static Result<CheckpointStore> Open(Options options);

  /// For the one process that saves: keeps others from saving too, and removes what a crash left
  /// half written. Errors  kFailedPrecondition if another process owns the folder; kIo.
  Status Own();

  /// Writes atomically, then removes checkpoints that are neither among the newest nor the best.
  /// Errors  kIo (disk full); all older checkpoints are then still there.
  Status Save(const Checkpoint& checkpoint);

  /// The newest whole checkpoint, or nothing in an empty folder. A broken one is skipped with a
  /// warning. Errors  kCorrupt if there are checkpoints but none is whole.
  Result<std::optional<Checkpoint>> Latest() const;

  /// Errors  kNotFound; kCorrupt.
  Result<Checkpoint> Load(RoundId round) const;

  /// Rounds with a file, ascending.
  std::vector<RoundId> rounds() const;
  std::filesystem::path PathOf(RoundId round) const;

  /// Errors  kIo.
  Status SaveCatalogue(std::string_view tsv) const;

 private:
  explicit CheckpointStore(Options options) : options_(std::move(options)) {}

  void Prune(RoundId newest, RoundId best) const;

  Options options_;
  std::optional<FolderLock> lock_;
};

}  // namespace rondo
