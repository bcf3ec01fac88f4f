#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/core/ids.h"
#include "common/federated/local_round.h"

namespace rondo::sim {

/// What simulated clients keep between rounds, in memory, and in files above a limit.
///
/// The vectors of a finished round wait until the round's result says whether they count. Files
/// hold the state of a client as of a checkpoint:
///
///     FOLDER/XX/KEY.ROUND.safetensors     KEY = beginning of the SHA-256 of the id, XX its first
///                                         two digits; ROUND = 1 + the checkpoint before the change
///     FOLDER/XX/KEY.staged.safetensors    waits for the result of its round
///
/// so a run that goes on from the checkpoint of round R takes the newest file of at most R, and
/// forgets later ones. Not thread-safe.
class ClientStore {
 public:
  struct Options {
    std::shared_ptr<const ParameterLayout> model;
    std::filesystem::path folder;  ///< empty: everything stays in memory, and nothing outlives it
    std::uint64_t memory = 0;      ///< bytes of vectors in memory above which files are used
    RoundId kept_rounds = 0;       ///< a checkpoint may be so many rounds older than the newest
  };

  /// Reads the state of `round` without changing a file.
  static Result<ClientStore> OpenToRead(Options options, RoundId round);

  /// `round` is that of the checkpoint from which the run goes on; 0: a fresh run.
  /// Errors  kIo.
  static Result<ClientStore> Open(Options options, RoundId round);

  /// Empty for a client that keeps nothing yet. Valid until the next call.
  /// Errors  kIo; kCorrupt, with the file.
  Result<const ClientVectors*> Of(const ClientId& client);

  /// What a client would keep if its answer to the offer of `round` counts.
  /// Errors  kIo, of files above the memory limit.
  Status Stage(const ClientId& client, RoundId round, ClientVectors next);

  /// The result of the offer of `round`: what was staged on it is kept, or forgotten.
  /// Errors  kIo, of files above the memory limit.
  Status Resolve(const ClientId& client, RoundId round, bool included);

  /// Clients with something staged, and the rounds of their offers.
  std::vector<std::pair<ClientId, RoundId>> Staged() const;

  /// Before the checkpoint of `round`: puts every change into files. Errors  kIo.
  Status Flush(RoundId round);

  /// After it: removes files that no kept checkpoint needs.
  void Prune();

 private:
  struct Kept {
    ClientVectors vectors;
    bool changed = false;  ///< since the last Flush
    std::uint64_t touched = 0;
  };

  struct Waiting {
    RoundId round = 0;
    ClientVectors vectors;
    bool in_file = false;
  };

  explicit ClientStore(Options options) : options_(std::move(options)) {}

  std::filesystem::path FileOf(const std::string& key, const std::string& version) const;
  Status Keep(const std::string& key, Waiting waiting);
  void NoteFile(const std::string& key, RoundId version);
  Status Scan(RoundId round, bool forget_later);
  Status Write(const std::string& key, Kept& kept);
  Status MakeRoom(const std::string& except);
  void Put(const std::string& key, ClientVectors vectors, bool changed);

  Options options_;
  RoundId saved_ = 0;  ///< round of the newest checkpoint
  std::map<std::string, Kept> kept_;
  std::map<std::string, std::vector<RoundId>> files_;  ///< versions, ascending
  std::map<ClientId, Waiting> staged_;
  std::uint64_t bytes_ = 0;  ///< of kept_ and staged_
  std::uint64_t clock_ = 0;
};

}  // namespace rondo::sim
