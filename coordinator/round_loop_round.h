#pragma once

#include <memory>
#include <vector>

#include "coordinator/round_loop.h"

namespace rondo::coordinator {

/// What is known about the round (or evaluation) under way; shared by the sources of RoundLoop
/// only.
struct RoundLoop::Round {
  RoundId id = 0;
  RoundReport report;
  TimePoint started;
  TimePoint began;  ///< `started` on the wall clock
  TimePoint offered;
  TimePoint deadline;
  TimePoint wake = TimePoint::max();  ///< asked for by the session
  std::vector<ClientId> invited;
  TrainTask task;     ///< what they were asked for; not of buffered rounds
  double rate = 1.0;  ///< at which they were drawn, as far as privacy may count on it
  std::size_t enough = 0;
  std::unique_ptr<AggregationSession> session;
  std::uint64_t draws = 0;     ///< buffered: of clients that took the place of others
  std::uint64_t bytes_up = 0;  ///< before the round
  std::uint64_t bytes_down = 0;
};

/// An offer, and what its contributions must look like.
struct RoundLoop::TrainingPlan {
  Offer offer;
  ContributionSpec spec;
};

/// How often a waiting loop looks whether it was asked to stop.
inline constexpr Duration kStopPoll = std::chrono::milliseconds(200);

/// Faults that cost a round; all others end the run. kCorrupt: what clients sent does not add up.
inline bool OnlyVoidsTheRound(ErrorCode code) {
  return code == ErrorCode::kTooFewClients || code == ErrorCode::kDiverged
         || code == ErrorCode::kCorrupt;
}

inline Failure Cancelled() {
  return Fail(ErrorCode::kCancelled, "the run was stopped; it can be resumed");
}

/// A duration of the scenario.
inline Duration Seconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

inline double ToSeconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace rondo::coordinator
