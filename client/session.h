#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "client/job.h"
#include "client/limits.h"
#include "client/local_work.h"
#include "client/masked_round.h"
#include "client/model_shelf.h"
#include "client/papers.h"
#include "client/signal.h"
#include "client/state.h"
#include "common/core/clock.h"
#include "common/data/dataset.h"
#include "common/federated/task.h"
#include "common/transport/channel.h"
#include "common/wire/messages.h"

namespace rondo::client {

struct SessionEnd {
  enum class Kind : std::uint8_t {
    kFinished,  ///< the final model is kept
    kStopped,   ///< by Stop
    kLost,      ///< the connection broke or the peer broke the protocol; trying again may help.
                ///< kFailedPrecondition: another connection under this client's id took its place
    kRefused,   ///< another catalogue, layout, protocol or a full disk; trying again does not help
  };
  Kind kind = Kind::kLost;
  Error error;           ///< why, for kLost and kRefused
  bool greeted = false;  ///< the session got past Welcome
};

/// One connection to the coordinator, from Hello to its end:
///
///   -> Hello  <- Welcome | Reject, then in any order
///   <- ModelChunk*       the model of the next tasks
///   <- Offer             -> ContributionChunk* | Decline
///   <- Aggregation       -> Aggregation, in trust mode masked in place of chunks
///   <- RoundResult       keeps or discards what is pending
///   <- Heartbeat         -> Heartbeat after a silence, also while training
///   <- Finish            -> Goodbye
///
/// Reader, writer and worker are coroutines on the channel's executor; the work itself blocks a
/// thread of `workers`. Rows of users stay in LocalWork: what is sent is a delta, a weight, a loss
/// and metric sums.
class Session {
 public:
  /// All outlive the session.
  struct Parts {
    Channel& channel;
    LocalWork& work;
    ClientState& state;
    Papers& papers;
    const Catalogue& catalogue;
    const Limits& limits;
    const Clock& clock;
    boost::asio::any_io_executor executor;  ///< of the channel; one thread
    boost::asio::any_io_executor workers;
  };

  explicit Session(const Parts& parts);

  Task<SessionEnd> Run();

  /// Says Goodbye and ends; on the executor.
  void Stop();

 private:
  Task<Status> Greet();
  Status Admit(const wire::Welcome& welcome);

  Task<void> Read();
  Task<void> Write();
  Task<void> Work();

  void Handle(wire::Message message);
  void OnChunk(const wire::ModelChunk& chunk);
  void OnOffer(Offer offer);
  void OnResult(const RoundResult& result);
  void OnFinish(const wire::Finish& finish);
  void OnGoodbye(const wire::Goodbye& goodbye);
  void OnRoster(const wire::MemberRoster& roster);
  Trust TrustNow() const;
  Status NoteSent(const Offer& offer, const std::string& sha256, std::uint64_t bytes) const;
  void Settle(const Offer& offer, JobResult result);

  Status CheckTrust(const std::string& mode);

  // Masked rounds.
  bool IsTermsOf(const Offer& offer) const;
  void OnAggregation(const wire::Aggregation& message);
  void OnSessionOffer(const secagg::SessionOffer& offer);
  void StartMasked(const Offer& offer, JobResult result);
  void SendMasked(Result<MaskedStep> step);
  Status NoteUpload(const MaskedUpload& upload);
  void DeclineOffer(const Offer& offer, const std::string& reason);

  void Enqueue(const wire::Message& message);
  void End(SessionEnd::Kind kind, Error error);
  void Lose(ErrorCode code, std::string message);

  Parts parts_;
  ModelShelf shelf_;
  Signal outgoing_;  ///< the outbox or the end changed
  Signal incoming_;  ///< the next offer or the end changed
  std::deque<Bytes> outbox_;
  std::optional<Offer> next_;
  std::shared_ptr<const Broadcast> next_model_;
  std::optional<RoundId> working_on_;
  std::unique_ptr<MaskedRound> masked_;          ///< the newest that was offered
  Offer masked_offer_;                           ///< what it is answering
  std::optional<ClientVectors> next_of_masked_;  ///< JobResult::next of that answer
  std::stop_source stop_;                        ///< of the work in hand
  Duration heartbeat_;
  Trust trust_;  ///< as Welcome says it
  bool greeted_ = false;
  std::optional<SessionEnd> end_;
};

}  // namespace rondo::client
