#include <spdlog/spdlog.h>
#include <utility>

#include "client/session.h"
#include "common/wire/secagg_messages.h"

/// What a session does by its trust mode, and in masked rounds.
namespace rondo::client {

Status Session::CheckTrust(const std::string& mode) {
  RONDO_TRY_STATUS(CheckTrustMode(mode));
  if (TrustsTooMuch(mode, parts_.limits)) {
    return Fail(ErrorCode::kFailedPrecondition,
                "the coordinator runs in trust mode '" + mode + "', limits.trust asks for '"
                    + parts_.limits.trust + "' at least; ask the operator why, or lower it");
  }
  const SignedRoster* const accepted = parts_.papers.roster();
  if (mode == "channel" && accepted != nullptr && accepted->roster.aggregation) {
    return Fail(
        ErrorCode::kUnauthenticated,
        "the coordinator asks for updates in the clear, but the accepted roster names a key "
        "to seal them to; only a roster that is signed without that key ends this");
  }
  return Ok();
}

bool Session::IsTermsOf(const Offer& offer) const {
  return masked_ && masked_->offer().round == offer.round && masked_->offer().kind == offer.kind;
}

void Session::OnAggregation(const wire::Aggregation& message) {
  const auto said = wire::DecodeSecaggFromServer(message.payload);
  if (!said || !trust_.masked()) {
    Lose(ErrorCode::kCorrupt,
         said ? "the coordinator aggregates by a protocol that it did not announce"
              : "broken message from the coordinator: " + said.error().message);
    return;
  }
  if (const auto* offer = std::get_if<secagg::SessionOffer>(&*said)) {
    OnSessionOffer(*offer);
  } else if (masked_) {
    SendMasked(masked_->Receive(*said));
  }
}

void Session::OnSessionOffer(const secagg::SessionOffer& offer) {
  masked_.reset();
  if (parts_.papers.roster() == nullptr) {
    spdlog::warn("round {}: no roster was accepted yet, so nothing is masked for it", offer.round);
    return;  // The offer itself is declined when it comes.
  }
  masked_ = std::make_unique<MaskedRound>(
      MaskedRound::Parts{.offer = offer,
                         .run_id = trust_.run_id,
                         .papers = parts_.papers,
                         .record = parts_.state.masked_path(),
                         .min_clients = static_cast<std::uint32_t>(parts_.limits.min_clients)});
}

void Session::StartMasked(const Offer& offer, JobResult result) {
  if (!IsTermsOf(offer)) {
    return;  // Another session was offered while this client was at work.
  }
  spdlog::info("round {}: {}", offer.round, result.note);
  masked_offer_ = offer;
  next_of_masked_ = std::move(result.next);
  const double noise = offer.kind == OfferKind::kTrain ? offer.train.noise_stddev : 0.0;
  SendMasked(masked_->Start(*result.sum, result.loss, noise, offer.model_sha256));
}

void Session::SendMasked(Result<MaskedStep> step) {
  if (!step && (step.error().code == ErrorCode::kIo || step.error().code == ErrorCode::kCorrupt)) {
    End(SessionEnd::Kind::kRefused, step.error());
    return;
  }
  if (!step) {
    spdlog::warn(
        "round {}: left secure aggregation, {}", masked_offer_.round, step.error().message);
    DeclineOffer(masked_offer_, "this client refuses what secure aggregation asked of it");
    masked_.reset();
    return;
  }
  if (step->upload) {
    if (const Status noted = NoteUpload(*step->upload); !noted) {
      End(SessionEnd::Kind::kRefused, noted.error());
      return;
    }
  }
  for (Bytes& payload : step->messages) {
    Enqueue(wire::Aggregation{.round = masked_offer_.round, .payload = std::move(payload)});
  }
}

Status Session::NoteUpload(const MaskedUpload& upload) {
  if (masked_offer_.kind == OfferKind::kTrain) {
    RONDO_TRY_STATUS(
        parts_.state.BeginPending(masked_offer_.round, std::exchange(next_of_masked_, {})));
  }
  return NoteSent(masked_offer_, upload.sha256, upload.bytes);
}

void Session::DeclineOffer(const Offer& offer, const std::string& reason) {
  parts_.state.CountDecline();
  Enqueue(wire::Decline{.round = offer.round, .kind = offer.kind, .reason = reason});
}

}  // namespace rondo::client
