#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/federated/local_round.h"

namespace rondo::client {

/// What a client keeps of its own from round to round, in its state folder:
///
///     vectors.safetensors           valid: of the last round that included this client
///     vectors.pending.safetensors   of the contribution that was uploaded last, until the result
///                                   of its round says whether it is valid
///     vectors.previous.safetensors  of the run before this one; nothing reads it
///
/// Tensors are named as in common/io/vectors.h; the metadata say of which run, layout and round the
/// vectors are, and their digest. Personal parameters are among them, so only the owner may read
/// the files. Every change is one rename: a crash leaves a file or does not, never half of it.
class VectorFiles {
 public:
  explicit VectorFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path valid_path() const { return folder_ / "vectors.safetensors"; }

  std::filesystem::path pending_path() const { return folder_ / "vectors.pending.safetensors"; }

  std::filesystem::path previous_path() const { return folder_ / "vectors.previous.safetensors"; }

  /// Fixes the run and the model that vectors are of, and reads them once, so that a damaged file
  /// shows before any work. What another run or model left behind is put aside; what is pending
  /// goes unless it is of `pending`, the round that was uploaded last (0: none).
  /// Errors  kCorrupt, with the file and what to do; kIo.
  Status Join(const std::string& run_id,
              const std::shared_ptr<const ParameterLayout>& model,
              RoundId pending);

  /// The valid vectors; none if there is no file. Errors  kCorrupt for a damaged file or one of
  /// another model; kIo.
  Result<ClientVectors> Read(const std::shared_ptr<const ParameterLayout>& model) const;

  /// On disk when this returns. After Join. Errors  kIo.
  Status WritePending(ClientVectors vectors, RoundId round) const;

  /// Makes what is pending valid; nothing if nothing is.
  Status Keep() const;

  /// Removes what is pending.
  Status Discard() const;

 private:
  std::filesystem::path folder_;
  std::string run_id_;
  std::string layout_digest_;
};

}  // namespace rondo::client
