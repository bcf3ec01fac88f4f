#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "client/vector_files.h"
#include "common/config/scenario.h"
#include "common/core/bytes.h"
#include "common/core/clock.h"
#include "common/core/ids.h"
#include "common/core/result.h"

namespace rondo::client {

/// What the client remembers between runs about its part in a federation. Never holds rows or item
/// ids.
struct ClientRecord {
  std::uint64_t rounds_trained = 0;    ///< contributions uploaded
  std::uint64_t rounds_included = 0;   ///< of these, part of the announced model
  std::uint64_t rounds_discarded = 0;  ///< of these, void or without this client
  std::uint64_t tasks_declined = 0;
  RoundId last_round = 0;          ///< newest round whose result arrived
  std::string model_sha256;        ///< of state/model.safetensors
  bool finished = false;           ///< the federation handed out its final model
  std::optional<RoundId> pending;  ///< uploaded, and the result of its round did not arrive yet

  bool operator==(const ClientRecord&) const = default;
};

/// The record as one JSON object with `schema_version`.
std::string RecordJson(const ClientRecord& record);

/// The state folder: client.json (this record), model.safetensors, what the model needs to be
/// used, model.toml and catalogue.tsv, and the client's own vectors (VectorFiles). A contribution
/// is pending from its upload until the result of its round arrives, through broken connections and
/// restarts on both sides: the coordinator tells it again to a client that comes back. It is
/// discarded once a later result or task shows that its round ended without it. The vectors that
/// belong to a contribution share its fate, so void rounds change nothing of them.
///
/// Every file is replaced atomically. Counters are written at most once a second and by Flush: a
/// crash loses the last second of them. Not thread-safe.
class ClientState {
 public:
  /// Makes the folder if needed and reads the record.
  /// Errors  kIo; kCorrupt for a record that is no JSON of this kind.
  static Result<ClientState> Open(const std::filesystem::path& folder);

  const ClientRecord& record() const { return record_; }

  std::filesystem::path model_path() const { return folder_ / "model.safetensors"; }

  std::filesystem::path model_config_path() const { return folder_ / "model.toml"; }

  /// What secure aggregation must not forget; see MaskedRecord.
  std::filesystem::path masked_path() const { return folder_ / "masked.json"; }

  std::filesystem::path catalogue_path() const { return folder_ / "catalogue.tsv"; }

  /// Before the tasks of a session: of which run and model own vectors are from here on.
  /// Errors  as VectorFiles::Join.
  Status Join(const std::string& run_id, const std::shared_ptr<const ParameterLayout>& model);

  /// The client's own vectors. Errors  as VectorFiles::Read.
  Result<ClientVectors> Vectors(const std::shared_ptr<const ParameterLayout>& model) const {
    return vectors_.Read(model);
  }

  /// A contribution to `round` is about to be uploaded, and `next` are the client's vectors if it
  /// becomes part of the model (none: the task keeps none); on disk when this returns.
  Status BeginPending(RoundId round, std::optional<ClientVectors> next = std::nullopt);

  /// The round ended. Keeps what is pending on it if `included`, discards it otherwise, and what is
  /// pending on an earlier round too. The result of an earlier round only moves `last_round`.
  /// Vectors are on disk when this returns; told again after a crash, the result finds them kept.
  Status Resolve(RoundId round, bool included);

  /// A new training task came, and results come before tasks: the pending round ended without this
  /// client.
  Status DiscardPending();

  void CountDecline() { ++record_.tasks_declined; }

  /// Keeps the shape of the model and the list of items it speaks about.
  Status KeepFederation(const ModelConfig& model, const std::string& catalogue_text);

  /// Replaces the kept model. `file` is a safetensors file whose SHA-256 is `sha256`.
  Status KeepModel(ByteView file, const std::string& sha256);

  /// The kept model is the federation's last.
  Status Finish();

  /// Writes the record now.
  Status Flush();

 private:
  explicit ClientState(const std::filesystem::path& folder) : folder_(folder), vectors_(folder) {}

  std::filesystem::path folder_;
  VectorFiles vectors_;
  ClientRecord record_;
  std::optional<TimePoint> last_flush_;
};

}  // namespace rondo::client
