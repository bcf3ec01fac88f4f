#include "simulations/client_store.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "common/core/file.h"
#include "common/crypto/sha256.h"
#include "common/io/vectors.h"

namespace rondo::sim {
namespace {

constexpr std::size_t kKeyDigits = 32;
constexpr const char* kExtension = ".safetensors";
constexpr const char* kStaged = "staged";

Status WriteVectors(const std::filesystem::path& path, const ClientVectors& vectors) {
  RONDO_TRY_STATUS(MakeFolder(path.parent_path()));
  RONDO_TRY(const Bytes bytes, EncodeSafetensors(VectorViews(vectors), {}));
  return WriteFileAtomic(path, bytes);
}

std::string KeyOf(const ClientId& client) {
  return Sha256Hex(AsBytes(client)).substr(0, kKeyDigits);
}

std::uint64_t BytesOf(const ClientVectors& vectors) {
  std::uint64_t bytes = 0;
  for (const NamedVector& vector : vectors) {
    bytes += vector.vector.values.size() * sizeof(float);
  }
  return bytes;
}

/// The version in "KEY.VERSION.safetensors"; 0 for another name.
RoundId VersionOf(const std::string& name) {
  const std::size_t end = name.size() - std::min(name.size(), std::string(kExtension).size());
  if (end <= kKeyDigits + 1 || name.substr(end) != kExtension || name[kKeyDigits] != '.') {
    return 0;
  }
  RoundId version = 0;
  const auto [stop, error] =
      std::from_chars(name.data() + kKeyDigits + 1, name.data() + end, version);
  return error == std::errc() && stop == name.data() + end ? version : 0;
}

}  // namespace

Result<ClientStore> ClientStore::Open(Options options, RoundId round) {
  ClientStore store(std::move(options));
  store.saved_ = round;
  RONDO_TRY_STATUS(store.Scan(round, true));
  return store;
}

Result<ClientStore> ClientStore::OpenToRead(Options options, RoundId round) {
  ClientStore store(std::move(options));
  RONDO_TRY_STATUS(store.Scan(round, false));
  return store;
}

Status ClientStore::Scan(RoundId round, bool forget_later) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (options_.folder.empty() || !fs::exists(options_.folder, error)) {
    return Ok();
  }
  fs::recursive_directory_iterator entries(options_.folder, error);
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    const RoundId version = VersionOf(name);
    const bool staged =
        name.substr(std::min(name.size(), kKeyDigits)) == std::string(".") + kStaged + kExtension;
    if (version == 0 && !staged) {
      continue;
    }
    if ((staged || version > round) && forget_later) {
      fs::remove(entries->path(), error);
    } else if (!staged && version <= round) {
      files_[name.substr(0, kKeyDigits)].push_back(version);
    }
  }
  if (error) {
    return Fail(ErrorCode::kIo, "'" + options_.folder.string() + "': " + error.message());
  }
  for (auto& [key, versions] : files_) {
    std::sort(versions.begin(), versions.end());
  }
  return Ok();
}

std::filesystem::path ClientStore::FileOf(const std::string& key,
                                          const std::string& version) const {
  return options_.folder / key.substr(0, 2) / (key + "." + version + kExtension);
}

Result<const ClientVectors*> ClientStore::Of(const ClientId& client) {
  static const ClientVectors kNothing;
  const std::string key = KeyOf(client);
  if (const auto found = kept_.find(key); found != kept_.end()) {
    found->second.touched = ++clock_;
    return &found->second.vectors;
  }
  const auto versions = files_.find(key);
  if (versions == files_.end()) {
    return &kNothing;
  }
  const std::filesystem::path path = FileOf(key, std::to_string(versions->second.back()));
  RONDO_TRY(const TensorFile file, ReadSafetensors(path));
  Result<std::vector<NamedVector>> vectors = TakeVectors(file, options_.model);
  if (!vectors) {
    return Fail(vectors.error().code, "'" + path.string() + "': " + vectors.error().message);
  }
  Put(key, *std::move(vectors), false);
  RONDO_TRY_STATUS(MakeRoom(key));
  return &kept_.at(key).vectors;
}

Status ClientStore::Stage(const ClientId& client, RoundId round, ClientVectors next) {
  RONDO_TRY_STATUS(Resolve(client, staged_.contains(client) ? staged_[client].round : 0, false));
  const std::uint64_t bytes = BytesOf(next);
  Waiting waiting{.round = round, .vectors = std::move(next)};
  if (!options_.folder.empty() && bytes_ + bytes > options_.memory) {
    RONDO_TRY_STATUS(WriteVectors(FileOf(KeyOf(client), kStaged), waiting.vectors));
    waiting.vectors.clear();
    waiting.in_file = true;
  } else {
    bytes_ += bytes;
  }
  staged_[client] = std::move(waiting);
  return Ok();
}

Status ClientStore::Resolve(const ClientId& client, RoundId round, bool included) {
  const auto found = staged_.find(client);
  if (found == staged_.end() || found->second.round != round) {
    return Ok();
  }
  Waiting waiting = std::move(found->second);
  staged_.erase(found);
  bytes_ -= BytesOf(waiting.vectors);
  const std::string key = KeyOf(client);
  if (included) {
    return Keep(key, std::move(waiting));
  }
  if (waiting.in_file) {
    std::error_code ignored;  // The next run forgets it.
    std::filesystem::remove(FileOf(key, kStaged), ignored);
  }
  return Ok();
}

Status ClientStore::Keep(const std::string& key, Waiting waiting) {
  if (!waiting.in_file) {
    Put(key, std::move(waiting.vectors), true);
    return MakeRoom(key);
  }
  Put(key, {}, false);
  kept_.erase(key);
  RONDO_TRY_STATUS(ReplaceFile(FileOf(key, kStaged), FileOf(key, std::to_string(saved_ + 1))));
  NoteFile(key, saved_ + 1);
  return Ok();
}

std::vector<std::pair<ClientId, RoundId>> ClientStore::Staged() const {
  std::vector<std::pair<ClientId, RoundId>> staged;
  for (const auto& [client, next] : staged_) {
    staged.emplace_back(client, next.round);
  }
  return staged;
}

void ClientStore::Put(const std::string& key, ClientVectors vectors, bool changed) {
  Kept& kept = kept_[key];
  bytes_ -= BytesOf(kept.vectors);
  bytes_ += BytesOf(vectors);
  kept = {.vectors = std::move(vectors), .changed = changed, .touched = ++clock_};
}

/// A change between two checkpoints belongs to the later one.
Status ClientStore::Write(const std::string& key, Kept& kept) {
  RONDO_TRY_STATUS(WriteVectors(FileOf(key, std::to_string(saved_ + 1)), kept.vectors));
  kept.changed = false;
  NoteFile(key, saved_ + 1);
  return Ok();
}

void ClientStore::NoteFile(const std::string& key, RoundId version) {
  std::vector<RoundId>& versions = files_[key];
  if (versions.empty() || versions.back() != version) {
    versions.push_back(version);
  }
}

/// Puts what was used least lately into files and out of memory.
Status ClientStore::MakeRoom(const std::string& except) {
  while (!options_.folder.empty() && bytes_ > options_.memory && kept_.size() > 1) {
    auto oldest = kept_.end();
    for (auto it = kept_.begin(); it != kept_.end(); ++it) {
      if (it->first != except
          && (oldest == kept_.end() || it->second.touched < oldest->second.touched)) {
        oldest = it;
      }
    }
    if (oldest->second.changed) {
      RONDO_TRY_STATUS(Write(oldest->first, oldest->second));
    }
    bytes_ -= BytesOf(oldest->second.vectors);
    kept_.erase(oldest);
  }
  return Ok();
}

Status ClientStore::Flush(RoundId round) {
  for (auto& [key, kept] : kept_) {
    if (kept.changed && !options_.folder.empty()) {
      RONDO_TRY_STATUS(Write(key, kept));
    }
  }
  saved_ = round;
  return Ok();
}

void ClientStore::Prune() {
  const RoundId oldest = saved_ > options_.kept_rounds ? saved_ - options_.kept_rounds : 0;
  for (auto& [key, versions] : files_) {
    // The newest version that the oldest kept checkpoint may ask for stays, and all after it.
    while (versions.size() > 1 && versions[1] <= oldest) {
      std::error_code ignored;
      std::filesystem::remove(FileOf(key, std::to_string(versions.front())), ignored);
      versions.erase(versions.begin());
    }
  }
}

}  // namespace rondo::sim
