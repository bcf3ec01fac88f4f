#include "client/state.h"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_to.hpp>

#include "common/config/binder.h"
#include "common/core/file.h"

namespace rondo::client {
namespace json = boost::json;

namespace {

constexpr int kSchemaVersion = 1;
constexpr std::uint64_t kRecordCap = std::uint64_t{64} << 10;
constexpr auto kFlushEvery = std::chrono::seconds(1);

json::value ToJson(const ClientRecord& record) {
  return {{"schema_version", kSchemaVersion},
          {"rounds_trained", record.rounds_trained},
          {"rounds_included", record.rounds_included},
          {"rounds_discarded", record.rounds_discarded},
          {"tasks_declined", record.tasks_declined},
          {"last_round", record.last_round},
          {"model_sha256", record.model_sha256},
          {"finished", record.finished},
          {"pending_round", record.pending ? json::value(*record.pending) : json::value()}};
}

ClientRecord FromJson(const json::value& value) {
  const json::value* pending = value.as_object().if_contains("pending_round");
  const bool any = pending != nullptr && !pending->is_null();
  return {.rounds_trained = json::value_to<std::uint64_t>(value.at("rounds_trained")),
          .rounds_included = json::value_to<std::uint64_t>(value.at("rounds_included")),
          .rounds_discarded = json::value_to<std::uint64_t>(value.at("rounds_discarded")),
          .tasks_declined = json::value_to<std::uint64_t>(value.at("tasks_declined")),
          .last_round = json::value_to<RoundId>(value.at("last_round")),
          .model_sha256 = json::value_to<std::string>(value.at("model_sha256")),
          .finished = json::value_to<bool>(value.at("finished")),
          .pending = any ? std::optional(json::value_to<RoundId>(*pending)) : std::nullopt};
}

}  // namespace

std::string RecordJson(const ClientRecord& record) {
  return json::serialize(ToJson(record));
}

Result<ClientState> ClientState::Open(const std::filesystem::path& folder) {
  RONDO_TRY_STATUS(MakeFolder(folder));
  ClientState state(folder);
  const std::filesystem::path file = folder / "client.json";
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    return state;
  }
  RONDO_TRY(const std::string text, ReadTextFile(file, kRecordCap));
  try {
    state.record_ = FromJson(json::parse(text));
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kCorrupt,
                file.string() + " is no client record (" + error.what()
                    + "); move it away to start a fresh one");
  }
  return state;
}

Status ClientState::Flush() {
  last_flush_ = SystemClock().Now();
  return WriteTextFile(folder_ / "client.json", json::serialize(ToJson(record_)) + "\n");
}

Status ClientState::Join(const std::string& run_id,
                         const std::shared_ptr<const ParameterLayout>& model) {
  return vectors_.Join(run_id, model, record_.pending.value_or(0));
}

Status ClientState::BeginPending(RoundId round, std::optional<ClientVectors> next) {
  RONDO_TRY_STATUS(DiscardPending());
  if (next) {
    RONDO_TRY_STATUS(vectors_.WritePending(*std::move(next), round));
  }
  record_.pending = round;
  ++record_.rounds_trained;
  return Flush();
}

Status ClientState::Resolve(RoundId round, bool included) {
  if (record_.pending == round && included) {
    RONDO_TRY_STATUS(vectors_.Keep());
    ++record_.rounds_included;
    record_.pending.reset();
  } else if (record_.pending && *record_.pending <= round) {
    RONDO_TRY_STATUS(DiscardPending());
  }
  record_.last_round = std::max(record_.last_round, round);
  if (last_flush_ && SystemClock().Now() < *last_flush_ + kFlushEvery) {
    return Ok();
  }
  return Flush();
}

Status ClientState::DiscardPending() {
  if (record_.pending) {
    RONDO_TRY_STATUS(vectors_.Discard());
    ++record_.rounds_discarded;
    record_.pending.reset();
  }
  return Ok();
}

// NOLINTNEXTLINE(readability-make-member-function-const): it changes the folder.
Status ClientState::KeepFederation(const ModelConfig& model, const std::string& catalogue_text) {
  RONDO_TRY_STATUS(WriteTextFile(model_config_path(), ConfigToToml(model, BindModelConfig)));
  return WriteTextFile(catalogue_path(), catalogue_text);
}

Status ClientState::KeepModel(ByteView file, const std::string& sha256) {
  RONDO_TRY_STATUS(WriteFileAtomic(model_path(), file));
  record_.model_sha256 = sha256;
  record_.finished = false;
  return Flush();
}

Status ClientState::Finish() {
  RONDO_TRY_STATUS(DiscardPending());
  record_.finished = true;
  return Flush();
}

}  // namespace rondo::client
