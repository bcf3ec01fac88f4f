#include "coordinator/masked_session.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <utility>

#include "common/core/file.h"
#include "common/crypto/random.h"
#include "common/wire/secagg_messages.h"

namespace rondo::coordinator {
namespace {

secagg::SumShape ShapeOf(const ContributionSpec& spec) {
  secagg::SumShape shape{.blocks = {}, .noise_stddev = spec.noise_stddev};
  shape.blocks.reserve(spec.blocks.size());
  for (const BlockSpec& block : spec.blocks) {
    shape.blocks.push_back(
        {.name = block.name, .layout = block.layout, .grid = block.grid, .scaling = block.scaling});
  }
  return shape;
}

secagg::Digest Nonce() {
  secagg::Digest nonce{};
  SecureRandom(nonce);
  return nonce;
}

/// Milliseconds since 1970: rises even if the state folder is an old copy.
std::uint64_t WallMilliseconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace

MaskedSession::MaskedSession(Parts parts)
    : parts_(std::move(parts)),
      shape_(ShapeOf(parts_.spec)),
      mean_loss_(std::numeric_limits<double>::quiet_NaN()) {}

Result<Step> MaskedSession::Start(TimePoint now) {
  now_ = now;
  const auto invited = static_cast<std::uint32_t>(parts_.invited.size());
  terms_ = {.federation = parts_.roster.federation,
            .run = parts_.run_id,
            .kind = parts_.spec.kind,
            .round = parts_.spec.round,
            .serial = parts_.serial,
            .nonce = Nonce(),
            .roster_sha256 = parts_.roster.sha256(),
            .model_sha256 = parts_.spec.model_sha256,
            .min_clients = parts_.min_clients,
            .vector = {}};
  RONDO_TRY(terms_.vector, secagg::SpecOfSum(shape_, invited));
  server_.emplace(secagg::Server::Parts{.terms = terms_,
                                        .roster = parts_.roster,
                                        .invited = parts_.invited,
                                        .schedule = secagg::Schedule::Of(now, parts_.whole),
                                        .workers = parts_.workers});
  Step step = Note(server_->Start());
  const std::string serial = std::to_string(parts_.serial) + "\n";
  step.persist.assign(serial.begin(), serial.end());
  const Bytes offer = wire::EncodeSecagg(secagg::SessionOffer{.session = SessionId(terms_),
                                                              .kind = terms_.kind,
                                                              .round = terms_.round,
                                                              .serial = terms_.serial,
                                                              .nonce = terms_.nonce,
                                                              .min_clients = terms_.min_clients,
                                                              .most_clients = invited});
  for (const ClientId& client : parts_.invited) {
    if (parts_.roster.Find(client) != nullptr) {
      step.send.push_back({.client = client, .payload = offer});
    }
  }
  return step;
}

Result<Step> MaskedSession::Receive(const ClientId& client, ByteView payload, TimePoint now) {
  now_ = now;
  const auto message = wire::DecodeSecaggFromClient(payload);
  if (!message) {
    return Note(server_->Drop(client, message.error(), now));
  }
  return Note(server_->Receive(client, *message, now));
}

Result<Step> MaskedSession::AddPack(const std::vector<ClientId>& /*clients*/,
                                    UpdateSum /*sum*/,
                                    double /*loss*/) {
  return Fail(ErrorCode::kUnsupported, "a masked session got the work of clients in this process");
}

Result<Step> MaskedSession::Tick(TimePoint now) {
  now_ = now;
  return Note(server_->Tick(now));
}

void MaskedSession::Drop(const ClientId& client, const Error& why) {
  if (complete()) {
    return;
  }
  Step step = Note(server_->Drop(client, why, now_));
  for (Outgoing& outgoing : step.send) {
    unsent_.push_back(std::move(outgoing));
  }
}

Step MaskedSession::Note(const secagg::ServerStep& step) {
  Step todo{.persist = {}, .send = std::exchange(unsent_, {}), .wake = step.wake};
  todo.send.reserve(todo.send.size() + step.send.size());
  for (const secagg::AddressedMessage& message : step.send) {
    todo.send.push_back({.client = message.client, .payload = wire::EncodeSecagg(message.message)});
  }
  dropped_ = server_->dropped();
  contributors_ = server_->contributors();
  return todo;
}

Result<std::vector<UpdateSum>> MaskedSession::Take() && {
  RONDO_TRY(const Bytes packed, std::move(*server_).Take());
  const auto contributors = static_cast<std::uint32_t>(contributors_.size());
  RONDO_TRY(secagg::OpenedSum opened,
            secagg::UnpackSum(shape_, terms_.vector, packed, contributors));
  RONDO_TRY_STATUS(CheckPlausible(opened.sum, parts_.spec, contributors));
  if (parts_.spec.kind == OfferKind::kTrain && parts_.spec.noise_stddev <= 0.0) {
    mean_loss_ = opened.loss / static_cast<double>(contributors);
  }
  std::vector<UpdateSum> sums;
  sums.push_back(std::move(opened.sum));
  return sums;
}

SessionFactory MaskedSessions(MaskedRun run) {
  auto workers = std::make_shared<Workers>(std::max(run.threads, 1));
  auto serial = std::make_shared<std::uint64_t>(run.last_serial);
  return [run = std::move(run), workers, serial](ContributionSpec spec,
                                                 std::vector<ClientId> invited) {
    *serial = std::max(*serial + 1, WallMilliseconds());
    return std::unique_ptr<AggregationSession>(
        std::make_unique<MaskedSession>(MaskedSession::Parts{.spec = std::move(spec),
                                                             .invited = std::move(invited),
                                                             .run_id = run.run_id,
                                                             .roster = run.roster(),
                                                             .serial = *serial,
                                                             .min_clients = run.min_clients,
                                                             .whole = run.deadline,
                                                             .workers = *workers}));
  };
}

Result<std::uint64_t> ReadSerial(const std::filesystem::path& file) {
  const auto text = ReadTextFile(file);
  if (!text && text.error().code == ErrorCode::kNotFound) {
    return std::uint64_t{0};
  }
  if (!text) {
    return Fail(text.error());
  }
  std::uint64_t serial = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, fault] = std::from_chars(text->data(), end, serial);
  if (fault != std::errc() || stop == end || *stop != '\n') {
    return Fail(ErrorCode::kCorrupt,
                file.string() + " holds no number; take it from a copy, or remove it: clients then "
                                "go by the clock of this machine");
  }
  return serial;
}

}  // namespace rondo::coordinator
