#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/federated/task.h"
#include "common/metrics/evaluate.h"

namespace rondo::coordinator {

/// How one round went.
struct RoundReport {
  RoundId round = 0;
  bool is_void = false;
  std::optional<Error> reason;  ///< of a void round
  std::size_t invited = 0;
  std::size_t contributors = 0;
  std::vector<std::pair<ClientId, Error>> dropped;
  std::uint64_t weight = 0;
  std::uint64_t saturated = 0;
  double loss = 0.0;         ///< mean training loss over contributors; NaN if unknown
  double update_norm = 0.0;  ///< L2 of the mean delta
  /// Of everything that the run released so far; nothing without noise, and where it would take
  /// long, as validations then tell it.
  std::optional<double> epsilon;
  std::optional<double> clip_norm;  ///< with noise: that the clients applied
  double seconds = 0.0;  ///< from the start, and for saving and announcing the round before
  std::optional<double> simulated_seconds;  ///< on the virtual clock, if there is one
  std::optional<std::size_t>
      stale;               ///< buffered: clients dropped because their updates were too old
  double staleness = 0.0;  ///< buffered: mean age of the updates, in rounds
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;
};

/// How one evaluation went. No metrics: too few users, clients or none that answered.
struct ValidationReport {
  RoundId round = 0;
  Split split = Split::kValidation;
  std::optional<MetricTable> metrics;
  bool is_best = false;
  std::optional<double> epsilon;  ///< as RoundReport
  std::size_t contributors = 0;
  std::vector<std::pair<ClientId, Error>> dropped;
  double seconds = 0.0;
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;
};

/// Told about the run as it goes. Called on the loop thread; must be quick.
class RoundObserver {
 public:
  virtual ~RoundObserver() = default;
  virtual void OnRound(const RoundReport& report) = 0;
  virtual void OnValidation(const ValidationReport& report) = 0;
};

/// Two observers as one; `first` hears everything first. Both outlive it.
class BothObservers final : public RoundObserver {
 public:
  BothObservers(RoundObserver& first, RoundObserver& second) : first_(first), second_(second) {}

  void OnRound(const RoundReport& report) override {
    first_.OnRound(report);
    second_.OnRound(report);
  }

  void OnValidation(const ValidationReport& report) override {
    first_.OnValidation(report);
    second_.OnValidation(report);
  }

 private:
  RoundObserver& first_;
  RoundObserver& second_;
};

/// A line of rounds.jsonl: {"event": "round", "round", ...}. Numbers that are not finite are null.
boost::json::object RoundLine(const RoundReport& report);

/// {"event": "validation", "round", "validation": {"full/ndcg@10": ...}, ...}
boost::json::object ValidationLine(const ValidationReport& report);

}  // namespace rondo::coordinator
