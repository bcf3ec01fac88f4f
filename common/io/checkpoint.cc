#include "common/io/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <spdlog/spdlog.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "common/core/file.h"
#include "common/io/json.h"
#include "common/io/model_json.h"

namespace rondo {
namespace {

constexpr std::string_view kFormat = "rondo-checkpoint";
constexpr std::string_view kVersion = "1";
constexpr std::string_view kExtraPrefix = "extra.";
constexpr std::string_view kFilePrefix = "round-";
constexpr std::string_view kFileSuffix = ".safetensors";
constexpr std::uint64_t kLargestFile = 1ULL << 36;

std::string StatePrefix(const std::string& state) {
  return "server." + state + "/";
}

std::string ExactNumber(double value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

Metadata MakeMetadata(const Checkpoint& checkpoint) {
  boost::json::array states;
  for (const auto& [name, vector] : checkpoint.optimizer) {
    states.emplace_back(name);
  }
  const RunIdentity& run = checkpoint.run;
  Metadata metadata = {
      {"format", std::string(kFormat)},
      {"format_version", std::string(kVersion)},
      {"round", std::to_string(checkpoint.round)},
      {"optimizer", boost::json::serialize(states)},
      {"optimizer_steps", std::to_string(checkpoint.optimizer_steps)},
      {"best_round", std::to_string(checkpoint.best_round)},
      {"best_score", ExactNumber(checkpoint.best_score)},
      {"stale_validations", std::to_string(checkpoint.stale_validations)},
      {"name", run.name},
      {"seed", std::to_string(run.seed)},
      {"data_seed", std::to_string(run.data_seed)},
      {"model", boost::json::serialize(ModelConfigToJson(run.model))},
      {"catalogue_sha256", run.catalogue_sha256},
      {"items", std::to_string(run.items)},
      {"feature_values", std::to_string(run.feature_values)},
      {"scenario", run.scenario},
      {"layout_digest", checkpoint.model.layout->digest()},
  };
  for (const auto& [key, text] : checkpoint.extra) {
    metadata[std::string(kExtraPrefix) + key] = text;
  }
  return metadata;
}

/// Takes typed entries out of the metadata; remembers the first that is missing or no number.
class MetadataReader {
 public:
  explicit MetadataReader(const Metadata& metadata) : metadata_(metadata) {}

  std::string Text(const std::string& key) {
    const auto found = metadata_.find(key);
    if (found == metadata_.end()) {
      Blame(key, "is missing");
      return "";
    }
    return found->second;
  }

  template <typename T>
  void Number(const std::string& key, T& value) {
    const std::string text = Text(key);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      Blame(key, "is no number");
    }
  }

  const Status& outcome() const { return outcome_; }

 private:
  void Blame(const std::string& key, const std::string& what) {
    if (outcome_) {
      outcome_ = Fail(ErrorCode::kCorrupt, "the metadata '" + key + "' of the checkpoint " + what);
    }
  }

  const Metadata& metadata_;
  Status outcome_;
};

Result<std::vector<std::string>> ReadStateNames(const std::string& text) {
  RONDO_TRY(const boost::json::value json, ParseJson(text));
  std::vector<std::string> names;
  if (json.is_array()) {
    for (const boost::json::value& name : json.get_array()) {
      if (name.is_string()) {
        names.emplace_back(name.get_string());
      }
    }
  }
  if (!json.is_array() || names.size() != json.get_array().size()) {
    return Fail(ErrorCode::kCorrupt,
                "the metadata 'optimizer' of the checkpoint is no list of names");
  }
  return names;
}

Status ReadMetadata(const Metadata& metadata, Checkpoint& checkpoint) {
  MetadataReader reader(metadata);
  if (reader.Text("format") != kFormat) {
    return Fail(ErrorCode::kCorrupt,
                "the file is no checkpoint of Rondo: its metadata lacks the format");
  }
  if (reader.Text("format_version") != kVersion) {
    return Fail(ErrorCode::kUnsupported,
                "the checkpoint has format version " + reader.Text("format_version") + ", expected "
                    + std::string(kVersion));
  }
  reader.Number("round", checkpoint.round);
  reader.Number("optimizer_steps", checkpoint.optimizer_steps);
  reader.Number("best_round", checkpoint.best_round);
  reader.Number("best_score", checkpoint.best_score);
  reader.Number("stale_validations", checkpoint.stale_validations);
  RunIdentity& run = checkpoint.run;
  run.name = reader.Text("name");
  reader.Number("seed", run.seed);
  reader.Number("data_seed", run.data_seed);
  run.catalogue_sha256 = reader.Text("catalogue_sha256");
  reader.Number("items", run.items);
  reader.Number("feature_values", run.feature_values);
  run.scenario = reader.Text("scenario");
  RONDO_TRY_STATUS(reader.outcome());
  RONDO_TRY(run.model, ModelConfigFromJson(reader.Text("model")));
  for (const auto& [key, text] : metadata) {
    if (key.rfind(kExtraPrefix, 0) == 0) {
      checkpoint.extra[key.substr(kExtraPrefix.size())] = text;
    }
  }
  return Ok();
}

/// The round in a file name, or nothing for other files.
std::optional<RoundId> RoundOf(const std::string& name) {
  if (name.size() <= kFilePrefix.size() + kFileSuffix.size() || name.rfind(kFilePrefix, 0) != 0
      || name.substr(name.size() - kFileSuffix.size()) != kFileSuffix) {
    return std::nullopt;
  }
  RoundId round = 0;
  const char* begin = name.data() + kFilePrefix.size();
  const char* end = name.data() + name.size() - kFileSuffix.size();
  const auto [stop, error] = std::from_chars(begin, end, round);
  return error == std::errc() && stop == end ? std::optional(round) : std::nullopt;
}

}  // namespace

Result<Bytes> EncodeCheckpoint(const Checkpoint& checkpoint) {
  std::vector<TensorView> tensors = ParameterViews(checkpoint.model);
  for (const auto& [name, vector] : checkpoint.optimizer) {
    if (vector.layout->digest() != checkpoint.model.layout->digest()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the optimiser state '" + name + "' has another layout than the model");
    }
    for (TensorView& view : ParameterViews(vector, StatePrefix(name))) {
      tensors.push_back(std::move(view));
    }
  }
  return EncodeSafetensors(tensors, MakeMetadata(checkpoint));
}

Result<Checkpoint> DecodeCheckpoint(ByteView bytes, std::shared_ptr<const ParameterLayout> layout) {
  RONDO_TRY(const TensorFile file, DecodeSafetensors(bytes));
  Checkpoint checkpoint;
  RONDO_TRY_STATUS(ReadMetadata(file.metadata, checkpoint));
  if (layout == nullptr) {
    const RunIdentity& run = checkpoint.run;
    RONDO_TRY(layout, ModelLayout(run.model, run.items, run.feature_values));
  }
  const auto digest = file.metadata.find("layout_digest");
  if (digest == file.metadata.end() || digest->second != layout->digest()) {
    return Fail(
        ErrorCode::kFailedPrecondition,
        "the checkpoint holds a model of another layout; its model section or catalogue differs");
  }
  RONDO_TRY(checkpoint.model, TakeParameters(file, layout));
  MetadataReader reader(file.metadata);
  const std::string state_names = reader.Text("optimizer");
  RONDO_TRY_STATUS(reader.outcome());
  RONDO_TRY(const std::vector<std::string> states, ReadStateNames(state_names));
  for (const std::string& state : states) {
    RONDO_TRY(ParameterVector vector, TakeParameters(file, layout, StatePrefix(state)));
    checkpoint.optimizer.emplace_back(state, std::move(vector));
  }
  return checkpoint;
}

Result<Checkpoint> ReadCheckpoint(const std::filesystem::path& path,
                                  std::shared_ptr<const ParameterLayout> layout) {
  RONDO_TRY(const Bytes bytes, ReadFile(path, kLargestFile));
  Result<Checkpoint> checkpoint = DecodeCheckpoint(bytes, std::move(layout));
  if (!checkpoint) {
    return Fail(checkpoint.error().code, "'" + path.string() + "': " + checkpoint.error().message);
  }
  return checkpoint;
}

Result<CheckpointStore> CheckpointStore::Open(Options options) {
  RONDO_TRY_STATUS(MakeFolder(options.folder));
  return CheckpointStore(std::move(options));
}

Status CheckpointStore::Own() {
  RONDO_TRY(lock_, FolderLock::Take(options_.folder));
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(options_.folder, code)) {
    if (entry.path().extension() == ".tmp") {
      std::error_code ignored;
      std::filesystem::remove(entry.path(), ignored);
    }
  }
  return Ok();
}

Status CheckpointStore::Save(const Checkpoint& checkpoint) {
  RONDO_TRY(const Bytes bytes, EncodeCheckpoint(checkpoint));
  if (Status status = WriteFileAtomic(PathOf(checkpoint.round), bytes); !status) {
    return Fail(status.error().code,
                "the checkpoint of round " + std::to_string(checkpoint.round)
                    + " was not saved, older ones are untouched: " + status.error().message
                    + "; check the space and the permissions there");
  }
  Prune(checkpoint.round, checkpoint.best_round);
  return Ok();
}

Result<std::optional<Checkpoint>> CheckpointStore::Latest() const {
  const std::vector<RoundId> all = rounds();
  std::string last_fault;
  for (auto round = all.rbegin(); round != all.rend(); ++round) {
    Result<Checkpoint> checkpoint = Load(*round);
    if (checkpoint) {
      return std::optional(std::move(checkpoint).value());
    }
    if (checkpoint.error().code != ErrorCode::kCorrupt) {
      return Fail(std::move(checkpoint).error());
    }
    last_fault = checkpoint.error().message;
    spdlog::warn("skipping a broken checkpoint: {}", last_fault);
  }
  if (!all.empty()) {
    return Fail(ErrorCode::kCorrupt,
                "none of the " + std::to_string(all.size())
                    + " checkpoints is whole; the last: " + last_fault);
  }
  return std::optional<Checkpoint>();
}

Result<Checkpoint> CheckpointStore::Load(RoundId round) const {
  RONDO_TRY(Checkpoint checkpoint, ReadCheckpoint(PathOf(round), options_.layout));
  if (checkpoint.round != round) {
    return Fail(ErrorCode::kCorrupt,
                "'" + PathOf(round).string() + "' holds round " + std::to_string(checkpoint.round));
  }
  return checkpoint;
}

std::vector<RoundId> CheckpointStore::rounds() const {
  std::vector<RoundId> found;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(options_.folder, code)) {
    if (const std::optional<RoundId> round = RoundOf(entry.path().filename().string())) {
      found.push_back(*round);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::filesystem::path CheckpointStore::PathOf(RoundId round) const {
  char name[32];
  std::snprintf(name, sizeof name, "round-%06u.safetensors", static_cast<unsigned>(round));
  return options_.folder / name;
}

Status CheckpointStore::SaveCatalogue(std::string_view tsv) const {
  return WriteTextFile(options_.folder / "catalogue.tsv", tsv);
}

void CheckpointStore::Prune(RoundId newest, RoundId best) const {
  std::vector<RoundId> all = rounds();
  // Later rounds belong to broken files that this run will overwrite.
  std::erase_if(all, [&](RoundId round) { return round > newest; });
  for (std::size_t i = 0; i + static_cast<std::size_t>(options_.keep) < all.size(); ++i) {
    if (all[i] == best) {
      continue;
    }
    std::error_code code;
    if (!std::filesystem::remove(PathOf(all[i]), code)) {
      spdlog::warn(
          "cannot remove the old checkpoint '{}': {}", PathOf(all[i]).string(), code.message());
    }
  }
}

}  // namespace rondo
