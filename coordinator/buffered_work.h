#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/clock.h"
#include "coordinator/clear_session.h"

namespace rondo::coordinator {

/// Levels of a discount: an update that is s rounds old is multiplied by an integer of 0 to
/// kDiscountLevels, so that discounted sums stay integers and exact in any order of arrival.
inline constexpr std::uint64_t kDiscountLevels = 256;

/// round(kDiscountLevels * (1 + staleness)^-exponent).
/// Source  Nguyen et al. 2022, "Federated learning with buffered asynchronous aggregation".
std::uint64_t DiscountLevel(std::uint64_t staleness, double exponent);

/// Multiplies the delta by level / kDiscountLevels, on the grid: the delta's integers by `level`,
/// the weight and all other blocks by kDiscountLevels, which cancels where they are divided. The
/// grid is one for kDiscountLevels times the clients of a buffer.
void Discount(UpdateSum& sum, std::uint64_t level);

/// Refuses what buffered aggregation cannot have.
/// Errors  kUnsupported, kInvalidArgument. Ok for synchronous rounds.
Status CheckBuffered(const Scenario& scenario);

/// Who is at work in buffered aggregation, and the answers that no round has used yet. Lives as
/// long as the run; sans-IO.
///
/// A client that was heard of is not invited again before the round that used its answer has ended:
/// it would train on the same model with the same random numbers, and have two voices.
class BufferedWork {
 public:
  struct Answer {
    RoundId offered = 0;
    std::vector<ClientId> clients;
    UpdateSum sum;
    double loss = 0.0;
  };

  struct Lost {
    RoundId offered = 0;
    ClientId client;
    Error why;
  };

  explicit BufferedWork(SessionFactory new_session) : new_session_(std::move(new_session)) {}

  /// The clients were sent an offer of this kind, to be answered by the deadline.
  void Begin(const std::vector<ClientId>& clients, ContributionSpec spec, TimePoint deadline);

  bool MayInvite(const ClientId& client) const {
    return !at_work_.contains(client) && !heard_.contains(client);
  }

  std::size_t at_work() const { return at_work_.size(); }

  /// Those at work, and those whose answers wait.
  std::vector<ClientId> Unfinished() const;

  TimePoint NextDeadline() const;

  /// The round of the offer that the client is at work on.
  std::optional<RoundId> OfferOf(const ClientId& client) const;

  /// What a client at work, or a pack of them, answers. A wrong answer loses its sender; what
  /// answers another offer than the client's is ignored.
  Status Receive(const ClientId& client, ByteView payload, TimePoint now);
  Status AddPack(const std::vector<ClientId>& clients, UpdateSum sum, double loss);
  void Lose(const ClientId& client, const Error& why);
  void LoseLate(TimePoint now);

  std::optional<Answer> TakeAnswer();

  std::vector<Lost> TakeLost() { return std::exchange(lost_, {}); }

  /// A round has ended: whoever was heard of may be invited again, but for those whose answers
  /// wait.
  void EndRound();

 private:
  struct AtWork {
    std::shared_ptr<const ContributionSpec> spec;
    TimePoint deadline;
  };

  Status Settle(std::unique_ptr<AggregationSession> session,
                const std::vector<ClientId>& clients,
                RoundId offered);

  SessionFactory new_session_;
  std::map<ClientId, AtWork> at_work_;
  std::set<ClientId> heard_;
  std::deque<Answer> answers_;
  std::vector<Lost> lost_;
};

/// One round of buffered aggregation: it may end when `buffer` clients have contributed, of
/// whatever round's offers. Yields discounted sums.
class BufferedSession final : public AggregationSession {
 public:
  struct Parts {
    BufferedWork& work;
    RoundId round = 0;
    StrategyConfig config;  ///< buffer, staleness_exponent and max_staleness are read
    Visibility visibility = Visibility::kSumOnly;
  };

  /// Those whose offers of one round have come to their end in this round.
  struct Ended {
    std::vector<ClientId> asked;
    std::vector<ClientId> included;
  };

  explicit BufferedSession(Parts parts) : parts_(std::move(parts)) {}

  /// Uses the answers that wait.
  Result<Step> Start(TimePoint now) override;
  Result<Step> Receive(const ClientId& client, ByteView payload, TimePoint now) override;
  Result<Step> AddPack(const std::vector<ClientId>& clients, UpdateSum sum, double loss) override;
  Result<Step> Tick(TimePoint now) override;
  void Drop(const ClientId& client, const Error& why) override;

  bool complete() const override { return missing() == 0; }

  const std::vector<ClientId>& contributors() const override { return contributors_; }

  const std::vector<std::pair<ClientId, Error>>& dropped() const override { return dropped_; }

  double mean_loss() const override;
  Result<std::vector<UpdateSum>> Take() && override;

  std::size_t missing() const;  ///< contributors

  /// By the round of the offer.
  const std::map<RoundId, Ended>& ended() const { return ended_; }

  std::size_t stale() const { return stale_; }  ///< updates that were too old

  double mean_staleness() const;  ///< over contributors; 0 without any

 private:
  void UseAnswers();
  void Use(BufferedWork::Answer answer);

  Parts parts_;
  std::vector<ClientId> contributors_;  ///< in byte order
  std::vector<std::pair<ClientId, Error>> dropped_;
  std::map<ClientId, std::pair<double, std::size_t>> losses_;  ///< of a pack under its first client
  std::map<ClientId, UpdateSum> sums_;  ///< the same; one in all where only the sum is needed
  std::map<RoundId, Ended> ended_;
  std::size_t stale_ = 0;
  std::uint64_t staleness_ = 0;  ///< summed over contributors
};

}  // namespace rondo::coordinator
