#pragma once

#include <memory>

#include <boost/json/object.hpp>

#include "coordinator/federation.h"
#include "coordinator/remote_clients.h"
#include "coordinator/round_loop.h"
#include "coordinator/status_http.h"

namespace rondo::coordinator {

/// What an operator sees of a run: one line a round on stderr, Prometheus metrics, the status
/// object. Clients that gave nothing are noted in their statuses. Confined to the loop thread.
class RunMonitor final : public RoundObserver {
 public:
  /// Both outlive the monitor.
  RunMonitor(const Federation& federation, RemoteClients& clients, RoundId start);
  ~RunMonitor() override;

  void OnRound(const RoundReport& report) override;
  void OnValidation(const ValidationReport& report) override;

  /// Valid as long as the monitor.
  StatusPages pages();

 private:
  struct Metrics;

  boost::json::object Status() const;

  const Federation& federation_;
  RemoteClients& clients_;
  RoundId round_;
  std::unique_ptr<Metrics> metrics_;
};

}  // namespace rondo::coordinator
