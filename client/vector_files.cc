#include "client/vector_files.h"

#include <algorithm>
#include <spdlog/spdlog.h>
#include <utility>

#include "common/core/check.h"
#include "common/core/file.h"
#include "common/io/vectors.h"

namespace rondo::client {
namespace {

constexpr unsigned kOwnerOnly = 0600;
constexpr const char* kRun = "run";
constexpr const char* kLayout = "layout";
constexpr const char* kRound = "round";
constexpr const char* kDigest = "content_sha256";

Failure Damaged(const std::filesystem::path& path, const std::string& why) {
  return Fail(ErrorCode::kCorrupt,
              path.string() + " is damaged (" + why
                  + "); restore it, or move it away: this client then goes on without the "
                    "parameters and corrections of its own that it holds");
}

bool Exists(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

Status Remove(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::remove(path, error);
  if (error) {
    return Fail(ErrorCode::kIo, "cannot remove '" + path.string() + "': " + error.message());
  }
  return Ok();
}

/// A file that is there, with all of its metadata.
Result<TensorFile> Open(const std::filesystem::path& path) {
  Result<TensorFile> file = ReadSafetensors(path);
  if (!file) {
    const bool unread = file.error().code == ErrorCode::kIo;
    return unread ? Fail(std::move(file).error()) : Damaged(path, file.error().message);
  }
  for (const char* key : {kRun, kLayout, kRound, kDigest}) {
    if (file->metadata.count(key) == 0) {
      return Damaged(path, std::string("it does not say its ") + key);
    }
  }
  return file;
}

Result<ClientVectors> VectorsOf(const TensorFile& file,
                                const std::filesystem::path& path,
                                const std::shared_ptr<const ParameterLayout>& model) {
  Result<ClientVectors> vectors = TakeVectors(file, model);
  if (!vectors) {
    return Damaged(path, vectors.error().message);
  }
  RONDO_TRY(const std::string digest, SafetensorsSha256(VectorViews(*vectors)));
  if (digest != file.metadata.at(kDigest)) {
    return Damaged(path, "its numbers are not those that were written");
  }
  return vectors;
}

}  // namespace

Status VectorFiles::Join(const std::string& run_id,
                         const std::shared_ptr<const ParameterLayout>& model,
                         RoundId pending) {
  run_id_ = run_id;
  layout_digest_ = model->digest();
  const auto ours = [this](const TensorFile& file) {
    return file.metadata.at(kRun) == run_id_ && file.metadata.at(kLayout) == layout_digest_;
  };
  if (Exists(pending_path())) {
    RONDO_TRY(const TensorFile file, Open(pending_path()));
    if (!ours(file) || file.metadata.at(kRound) != std::to_string(pending)) {
      RONDO_TRY_STATUS(Discard());  // Written, but never uploaded; or nobody will ask for it.
    } else {
      RONDO_TRY_STATUS(VectorsOf(file, pending_path(), model));
    }
  }
  if (!Exists(valid_path())) {
    return Ok();
  }
  RONDO_TRY(const TensorFile file, Open(valid_path()));
  if (ours(file)) {
    RONDO_TRY_STATUS(VectorsOf(file, valid_path(), model));
    return Ok();
  }
  spdlog::warn(
      "this is another run than the one before: what this client kept of its own is put aside as "
      "{}, and it starts without",
      previous_path().string());
  return ReplaceFile(valid_path(), previous_path());
}

Result<ClientVectors> VectorFiles::Read(const std::shared_ptr<const ParameterLayout>& model) const {
  if (!Exists(valid_path())) {
    return ClientVectors();
  }
  RONDO_TRY(const TensorFile file, Open(valid_path()));
  if (file.metadata.at(kLayout) != model->digest()) {
    return Damaged(valid_path(), "it is of another model than the newest");
  }
  return VectorsOf(file, valid_path(), model);
}

Status VectorFiles::WritePending(ClientVectors vectors, RoundId round) const {
  RONDO_CHECK(!layout_digest_.empty()) << "vectors belong to a run, so Join comes first";
  // As they are read, so that the digests agree.
  std::sort(vectors.begin(), vectors.end(), [](const NamedVector& a, const NamedVector& b) {
    return a.name < b.name;
  });
  const std::vector<TensorView> views = VectorViews(vectors);
  RONDO_TRY(std::string digest, SafetensorsSha256(views));
  RONDO_TRY(const Bytes file,
            EncodeSafetensors(views,
                              {{kRun, run_id_},
                               {kLayout, layout_digest_},
                               {kRound, std::to_string(round)},
                               {kDigest, std::move(digest)}}));
  return WriteFileAtomic(pending_path(), file, kOwnerOnly);
}

Status VectorFiles::Keep() const {
  return Exists(pending_path()) ? ReplaceFile(pending_path(), valid_path()) : Ok();
}

Status VectorFiles::Discard() const {
  return Remove(pending_path());
}

}  // namespace rondo::client
