#pragma once

#include <filesystem>
#include <optional>

#include "common/io/checkpoint.h"
#include "coordinator/checkpoint_sink.h"

namespace rondo::coordinator {

/// Run states as checkpoint files. The model of the best round travels in the same file, so that
/// one atomic write holds all that a resumed run needs.
class RunCheckpoints : public CheckpointSink {
 public:
  /// `run` goes into every file.
  /// Errors  kIo.
  static Result<RunCheckpoints> Open(CheckpointStore::Options options, RunIdentity run);

  /// As CheckpointStore::Own.
  Status Own() { return store_.Own(); }

  Status Save(const RunState& state) override;

  /// The newest whole state, or nothing in an empty folder.
  /// Errors  kCorrupt; kFailedPrecondition if the files belong to another model, catalogue or seed.
  Result<std::optional<RunState>> Latest() const;

  const CheckpointStore& store() const { return store_; }

 private:
  RunCheckpoints(CheckpointStore store, RunIdentity run)
      : store_(std::move(store)),
        run_(std::move(run)) {}

  CheckpointStore store_;
  RunIdentity run_;
};

/// The two halves, for programs that read a checkpoint on its own.
Checkpoint CheckpointOf(const RunState& state, RunIdentity run);
Result<RunState> RunStateOf(Checkpoint checkpoint);

}  // namespace rondo::coordinator
