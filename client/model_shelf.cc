#include "client/model_shelf.h"

#include <utility>

#include "common/core/file.h"
#include "common/crypto/sha256.h"
#include "common/io/vectors.h"

namespace rondo::client {
namespace {

constexpr auto kStoreEvery = std::chrono::seconds(5);
constexpr std::uint64_t kModelCap = std::uint64_t{1} << 34;

}  // namespace

std::string ModelShelf::StoredSha256() {
  const std::string& expected = state_.record().model_sha256;
  if (expected.empty()) {
    return "";
  }
  const auto catalogue = ReadTextFile(state_.catalogue_path());
  auto file = ReadFile(state_.model_path(), kModelCap);
  if (!catalogue || *catalogue != catalogue_.text() || !file || Sha256Hex(*file) != expected) {
    return "";
  }
  file_ = std::move(file).value();
  return expected;
}

Status ModelShelf::Open(const ModelConfig& model, std::shared_ptr<const ParameterLayout> layout) {
  layout_ = std::move(layout);
  assembler_.emplace(wire::ModelFileCap(layout_->size()));
  RONDO_TRY_STATUS(state_.KeepFederation(model, catalogue_.text()));
  if (!file_.empty() && !TakeUp(std::move(file_), state_.record().model_sha256)) {
    file_.clear();  // Another layout: the coordinator sends its own model.
  }
  stored_ = true;
  return Ok();
}

Status ModelShelf::TakeUp(Bytes file, const std::string& sha256) {
  RONDO_TRY(Broadcast model, DecodeBroadcast(file, layout_));
  model.sha256 = sha256;
  model_ = std::make_shared<const Broadcast>(std::move(model));
  file_ = std::move(file);
  stored_ = false;
  return Ok();
}

Status ModelShelf::Add(const wire::ModelChunk& chunk) {
  RONDO_TRY(const bool whole, assembler_->Add(chunk));
  if (!whole) {
    return Ok();
  }
  return TakeUp(assembler_->Take(), assembler_->sha256());
}

std::shared_ptr<const Broadcast> ModelShelf::Find(const std::string& sha256) const {
  return model_ && model_->sha256 == sha256 ? model_ : nullptr;
}

Status ModelShelf::StoreIfDue(TimePoint now) {
  if (last_stored_ && now < *last_stored_ + kStoreEvery) {
    return Ok();
  }
  last_stored_ = now;
  return Store();
}

Status ModelShelf::Store() {
  if (stored_) {
    return Ok();
  }
  RONDO_TRY_STATUS(state_.KeepModel(file_, model_->sha256));
  stored_ = true;
  return Ok();
}

}  // namespace rondo::client
