#pragma once

#include <memory>
#include <optional>
#include <string>

#include "client/state.h"
#include "common/core/clock.h"
#include "common/data/dataset.h"
#include "common/federated/task.h"
#include "common/wire/chunks.h"

namespace rondo::client {

/// The newest model of a session: put together from chunks, checked, ready for tasks, and stored in
/// the state folder. Storing waits for the disk, so while rounds go on it happens every few seconds
/// at most.
class ModelShelf {
 public:
  /// Both outlive the shelf.
  ModelShelf(ClientState& state, const Catalogue& catalogue)
      : state_(state),
        catalogue_(catalogue) {}

  /// SHA-256 of the model stored by an earlier session, so that it need not be sent again; empty if
  /// there is none, it is not whole, or it belongs to another catalogue.
  std::string StoredSha256();

  /// Fixes the model of the federation. Takes the stored weights up if they fit its layout.
  /// Errors  kIo.
  Status Open(const ModelConfig& model, std::shared_ptr<const ParameterLayout> layout);

  /// Errors  kCorrupt for chunks out of order, another digest than promised or another layout.
  Status Add(const wire::ModelChunk& chunk);

  /// The newest model if it has this digest, else null.
  std::shared_ptr<const Broadcast> Find(const std::string& sha256) const;

  /// Stores the newest model, if the last time is long enough ago.
  Status StoreIfDue(TimePoint now);
  Status Store();

 private:
  Status TakeUp(Bytes file, const std::string& sha256);

  ClientState& state_;
  const Catalogue& catalogue_;
  std::shared_ptr<const ParameterLayout> layout_;
  std::optional<wire::ModelAssembler> assembler_;
  std::shared_ptr<const Broadcast> model_;
  Bytes file_;          ///< model_ as it came
  bool stored_ = true;  ///< model_ lies in the state folder
  std::optional<TimePoint> last_stored_;
};

}  // namespace rondo::client
