#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include <boost/json/object.hpp>

#include "coordinator/federation.h"
#include "coordinator/remote_clients.h"
#include "coordinator/round_loop.h"
#include "coordinator/status_http.h"

namespace rondo::coordinator {

/// What an operator sees of a run: one line a round on stderr, Prometheus metrics, the status
/// object and the summary. Confined to the loop thread.
class RunMonitor final : public RoundObserver {
 public:
  /// Both outlive the monitor.
  RunMonitor(const Federation& federation, const RemoteClients& clients, RoundId start);
  ~RunMonitor() override;

  void OnRound(const RoundReport& report) override;
  void OnValidation(const ValidationReport& report) override;

  /// Valid as long as the monitor.
  StatusPages pages();

  boost::json::object Summary(const RunOutcome& outcome, const std::string& model_sha256) const;

 private:
  struct Metrics;

  boost::json::object Status() const;

  const Federation& federation_;
  const RemoteClients& clients_;
  RoundId round_;
  std::vector<double> round_seconds_;  // Of this process, void rounds included.
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::unique_ptr<Metrics> metrics_;
};

}  // namespace rondo::coordinator
