#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/core/bytes.h"
#include "common/transport/channel.h"
#include "common/wire/chunks.h"
#include "common/wire/messages.h"
#include "coordinator/byte_budget.h"

namespace rondo::coordinator {

class ClientSession;

/// Who owns the sessions and hears what they meet. Outlives them.
class SessionOwner {
 public:
  virtual ~SessionOwner() = default;

  /// Whether the peer may still take part; asked at each frame. An error ends the session.
  virtual Status Check(const Channel& channel) = 0;

  /// What the uploads of all sessions share.
  virtual ByteBudget& uploads() = 0;

  /// Looks at a client's first message. An error is told to the client, and the session ends.
  virtual Result<wire::Welcome> Admit(const ClientId& client, const wire::Hello& hello) = 0;

  virtual void OnReady(const std::shared_ptr<ClientSession>& session) = 0;
  virtual void OnContribution(ClientSession& session, RoundId round, Bytes payload) = 0;
  /// A message of the aggregation protocol.
  virtual void OnAggregation(ClientSession& session, RoundId round, Bytes payload) = 0;
  virtual void OnDecline(ClientSession& session, RoundId round, std::string reason) = 0;
  virtual void OnGoodbye(ClientSession& session, const wire::Goodbye& goodbye) = 0;

  /// The session is over; it calls nothing after this.
  virtual void OnEnd(ClientSession& session, const Error& why) = 0;
};

/// A model file cut into frames, shared by all sessions that send it.
struct EncodedModel {
  std::string sha256;
  std::vector<std::shared_ptr<const Bytes>> frames;
};

/// What a client was asked to do and has not answered yet.
struct Assignment {
  RoundId round = 0;
  OfferKind kind = OfferKind::kTrain;
};

/// One client's connection, from its Hello to its end: a reader and a writer on the same executor.
/// Whatever the peer does ends this session and no other.
class ClientSession : public std::enable_shared_from_this<ClientSession> {
 public:
  struct Options {
    std::uint64_t contribution_cap = 0;  ///< bytes of an encoded contribution
    Duration hello_timeout = std::chrono::seconds(10);
    Duration send_timeout = std::chrono::seconds(75);  ///< of one frame
    ReceiveRules rules;
  };

  ClientSession(boost::asio::any_io_executor executor,
                std::shared_ptr<Channel> channel,
                SessionOwner& owner,
                const Options& options);

  /// Runs until the connection ends. `self` keeps the session alive.
  static Task<void> Run(std::shared_ptr<ClientSession> self);

  /// Puts the model into the queue unless the client holds it. What waits there of an older model
  /// is taken out, so that a slow reader keeps one model in memory: the first chunk of this one
  /// makes the client start anew, and it declines offers whose model never came.
  void QueueModel(const EncodedModel& model);
  void Queue(const wire::Message& message);

  /// Queues the offer and expects its answer.
  void Assign(const Offer& offer);

  /// Expects no answer any more.
  void Release();

  /// Ends the session; the owner hears of it at once. The client is told why if it still listens.
  void End(const Error& why) { Part(why, {.reason = why.message}); }

  /// Ends the session because another one took its place.
  void GiveWay();

  const std::optional<Assignment>& assignment() const { return assignment_; }

  /// Whether the client was welcomed to a visit: it takes no part and has no second message but its
  /// Goodbye.
  bool visiting() const { return visiting_; }

  const ClientId& client() const { return channel_->peer(); }

  const Channel& channel() const { return *channel_; }

  /// Frames that came too late or that nobody asked for.
  std::uint64_t ignored() const { return ignored_; }

 private:
  struct Waiting {
    std::shared_ptr<const Bytes> frame;
    bool of_model = false;
  };

  void Part(const Error& why, const wire::Goodbye& goodbye);
  Task<Status> Greet();
  Task<void> SeeOff();
  Task<void> Write(std::shared_ptr<ClientSession> keep_alive);
  Task<void> Read();
  Result<wire::Welcome> Welcome(const wire::Hello& hello);
  Task<Status> HandleFrame(Bytes frame);
  Status Handle(wire::Message message);
  Status HandleChunk(const wire::ContributionChunk& chunk);
  bool Expects(RoundId round, OfferKind kind) const;
  Status HandleHeartbeat();
  Status Ignore(const char* what, std::size_t bytes);
  void Push(Waiting frame);

  boost::asio::any_io_executor executor_;
  std::shared_ptr<Channel> channel_;
  SessionOwner& owner_;
  Options options_;
  Duration heartbeat_ = std::chrono::seconds(10);
  std::deque<Waiting> outgoing_;
  boost::asio::steady_timer wake_writer_;
  boost::asio::steady_timer parting_;  ///< how long the last message may take
  bool writing_ = false;
  wire::ChunkAssembler upload_;
  ByteBudget::Share share_;  ///< of the upload that has begun
  std::uint64_t ignored_ = 0;
  std::uint64_t ignored_bytes_ = 0;  ///< since the last offer
  TimePoint last_heartbeat_{};
  std::optional<Assignment> assignment_;
  std::string held_model_;  ///< SHA-256 of the newest model the client has or is about to have
  bool visiting_ = false;
  bool ended_ = false;
};

}  // namespace rondo::coordinator
