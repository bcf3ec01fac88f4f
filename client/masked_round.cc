#include "client/masked_round.h"

#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_to.hpp>

#include "common/core/file.h"
#include "common/core/text_bytes.h"
#include "common/crypto/sha256.h"
#include "common/wire/secagg_messages.h"

namespace rondo::client {
namespace json = boost::json;

namespace {

constexpr int kSchemaVersion = 1;
constexpr std::uint64_t kRecordCap = std::uint64_t{16} << 10;

MaskedRecord FromJson(const json::value& value) {
  return {
      .run_id = json::value_to<std::string>(value.at("run")),
      .serial = json::value_to<std::uint64_t>(value.at("serial")),
      .round = json::value_to<RoundId>(value.at("round")),
      .kind = value.at("kind").as_string() == "train" ? OfferKind::kTrain : OfferKind::kEvaluate,
      .survivors_signature = json::value_to<std::string>(value.at("survivors_signature")),
      .opened_sha256 = json::value_to<std::string>(value.at("opened_sha256"))};
}

/// The masked vector that a step holds, if it is step 2.
std::optional<MaskedUpload> UploadOf(const secagg::ClientStep& step) {
  Sha256 hash;
  MaskedUpload upload;
  for (const secagg::ClientMessage& message : step.send) {
    if (const auto* chunk = std::get_if<secagg::MaskedChunk>(&message)) {
      hash.Update(chunk->bytes);
      upload.bytes += chunk->bytes.size();
    }
  }
  if (upload.bytes == 0) {
    return std::nullopt;
  }
  upload.sha256 = ToHex(hash.Finish());
  return upload;
}

}  // namespace

Result<std::optional<MaskedRecord>> ReadMaskedRecord(const std::filesystem::path& file) {
  const auto text = ReadTextFile(file, kRecordCap);
  if (!text && text.error().code == ErrorCode::kNotFound) {
    return std::optional<MaskedRecord>();
  }
  if (!text) {
    return Fail(text.error());
  }
  try {
    return std::optional<MaskedRecord>(FromJson(json::parse(*text)));
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kCorrupt,
                file.string() + " is no record of masked rounds (" + error.what()
                    + "); move it away: the coordinator could then have this client join a session "
                      "again, with other keys");
  }
}

Status WriteMaskedRecord(const std::filesystem::path& file, const MaskedRecord& record) {
  const json::value value = {{"schema_version", kSchemaVersion},
                             {"run", record.run_id},
                             {"serial", record.serial},
                             {"round", record.round},
                             {"kind", record.kind == OfferKind::kTrain ? "train" : "evaluate"},
                             {"survivors_signature", record.survivors_signature},
                             {"opened_sha256", record.opened_sha256}};
  return WriteTextFile(file, json::serialize(value) + "\n");
}

MaskedRound::MaskedRound(Parts parts)
    : parts_(std::move(parts)),
      roster_(parts_.papers.roster()->roster) {}

Result<MaskedStep> MaskedRound::Start(const UpdateSum& update,
                                      double loss,
                                      double noise_stddev,
                                      const std::string& model_sha256) {
  const secagg::SessionOffer& offer = parts_.offer;
  RONDO_TRY(const auto before, ReadMaskedRecord(parts_.record));
  const bool same_run = before && before->run_id == parts_.run_id;
  RONDO_TRY(secagg::VectorSpec spec,
            secagg::SpecOfSum({.blocks = update.blocks, .noise_stddev = noise_stddev},
                              offer.most_clients));
  // Numbers beside noisy ones would be a release without noise.
  UpdateSum sent = update;
  if (noise_stddev > 0.0) {
    sent.saturated = 0;
    loss = 0.0;
  }
  RONDO_TRY(Bytes vector, secagg::PackForSum(spec, sent, loss));
  const secagg::SessionTerms terms{.federation = roster_.federation,
                                   .run = parts_.run_id,
                                   .kind = offer.kind,
                                   .round = offer.round,
                                   .serial = offer.serial,
                                   .nonce = offer.nonce,
                                   .roster_sha256 = roster_.sha256(),
                                   .model_sha256 = model_sha256,
                                   .min_clients = offer.min_clients,
                                   .vector = std::move(spec)};
  if (SessionId(terms) != offer.session) {
    return Fail(ErrorCode::kUnauthenticated,
                "the session that is offered is about another roster, model, run or vector than "
                "this client has");
  }
  client_.emplace(secagg::Client::Parts{
      .terms = terms,
      .self = parts_.papers.id(),
      .identity = parts_.papers.key(),
      .roster = roster_,
      .policy = {.min_clients = parts_.min_clients, .last_serial = same_run ? before->serial : 0},
      .vector = std::move(vector),
      .workers = workers_});
  record_ = {.run_id = parts_.run_id, .round = offer.round, .kind = offer.kind};
  RONDO_TRY(const secagg::ClientStep step, client_->Start());
  return Say(step);
}

Result<MaskedStep> MaskedRound::Receive(const secagg::ServerMessage& message) {
  if (!client_) {
    return MaskedStep{};  // Of a session that went on without this client, which was still at work.
  }
  RONDO_TRY(const secagg::ClientStep step, client_->Receive(message));
  return Say(step);
}

Result<MaskedStep> MaskedRound::Say(const secagg::ClientStep& step) {
  if (step.persist) {
    record_.serial = *step.persist;
    RONDO_TRY_STATUS(WriteMaskedRecord(parts_.record, record_));
  }
  MaskedStep said{.messages = {}, .upload = UploadOf(step)};
  said.messages.reserve(step.send.size());
  for (const secagg::ClientMessage& message : step.send) {
    RONDO_TRY_STATUS(Remember(message));
    said.messages.push_back(wire::EncodeSecagg(message));
  }
  return said;
}

Status MaskedRound::Remember(const secagg::ClientMessage& message) {
  if (const auto* signature = std::get_if<secagg::ConsistencySignature>(&message)) {
    record_.survivors_signature = ToHex(signature->signature);
    return WriteMaskedRecord(parts_.record, record_);
  }
  if (std::holds_alternative<secagg::UnmaskShares>(message)) {
    // The shares are secrets of others, so their hash is kept: it shows what was said.
    record_.opened_sha256 = Sha256Hex(wire::EncodeSecagg(message));
    return WriteMaskedRecord(parts_.record, record_);
  }
  return Ok();
}

}  // namespace rondo::client
