#include "coordinator/run_monitor.h"

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace rondo::coordinator {

struct RunMonitor::Metrics {
  prometheus::Registry registry;

  prometheus::Gauge& AddGauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }

  prometheus::Counter& AddCounter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
  }

  prometheus::Gauge& round = AddGauge("rondo_round", "Last round that ended.");
  prometheus::Gauge& connected = AddGauge("rondo_clients_connected", "Clients with a session.");
  prometheus::Gauge& bytes_up =
      AddGauge("rondo_bytes_up", "Bytes received from clients since the start.");
  prometheus::Gauge& bytes_down =
      AddGauge("rondo_bytes_down", "Bytes sent to clients since the start.");
  prometheus::Gauge& loss = AddGauge("rondo_loss", "Mean training loss of the last round.");
  prometheus::Gauge& ndcg = AddGauge("rondo_validation_ndcg10", "NDCG@10 of the last validation.");
  prometheus::Gauge& seconds = AddGauge("rondo_round_seconds", "Duration of the last round.");
  prometheus::Counter& rounds =
      AddCounter("rondo_rounds_total", "Rounds that ended since the start.");
  prometheus::Counter& voids =
      AddCounter("rondo_rounds_void_total", "Void rounds since the start.");
  prometheus::Counter& contributions =
      AddCounter("rondo_contributions_total", "Updates that were folded.");
  prometheus::Counter& drops =
      AddCounter("rondo_drops_total", "Invited clients that gave nothing.");
  prometheus::Gauge& refused =
      AddGauge("rondo_sessions_refused", "Authenticated peers that were not admitted.");
  prometheus::Gauge& ignored =
      AddGauge("rondo_frames_ignored", "Frames of clients that no offer asked for.");
};

RunMonitor::RunMonitor(const Federation& federation, RemoteClients& clients, RoundId start)
    : federation_(federation),
      clients_(clients),
      round_(start),
      metrics_(std::make_unique<Metrics>()) {
  metrics_->round.Set(start);
}

RunMonitor::~RunMonitor() = default;

void RunMonitor::OnRound(const RoundReport& report) {
  clients_.NoteDropped(report.dropped);
  round_ = report.round;
  metrics_->round.Set(report.round);
  metrics_->rounds.Increment();
  if (report.is_void) {
    metrics_->voids.Increment();
  }
  metrics_->contributions.Increment(static_cast<double>(report.contributors));
  metrics_->drops.Increment(static_cast<double>(report.dropped.size()));
  metrics_->loss.Set(report.loss);
  metrics_->seconds.Set(report.seconds);
  fmt::print(stderr,
             "round {}: {} of {} clients, loss {:.4f}, {:.2f} s{}\n",
             report.round,
             report.contributors,
             report.invited,
             report.loss,
             report.seconds,
             report.is_void
                 ? ", void: " + (report.reason ? report.reason->message : std::string("no reason"))
                 : "");
  for (const auto& [client, why] : report.dropped) {
    fmt::print(stderr, "  without {}: {}\n", client, why.message);
  }
}

void RunMonitor::OnValidation(const ValidationReport& report) {
  clients_.NoteDropped(report.dropped);
  const std::optional<double> ndcg =
      report.metrics ? report.metrics->Find("full/ndcg@10") : std::nullopt;
  if (ndcg) {
    metrics_->ndcg.Set(*ndcg);
  }
  fmt::print(stderr,
             "{}: {} clients, NDCG@10 {}\n",
             report.split == Split::kTest ? std::string("test of the selected model")
                                          : fmt::format("validation after round {}", report.round),
             report.contributors,
             ndcg ? fmt::format("{:.4f}", *ndcg) : "none");
}

StatusPages RunMonitor::pages() {
  return {.metrics =
              [this] {
                metrics_->connected.Set(static_cast<double>(clients_.Available().size()));
                metrics_->bytes_up.Set(static_cast<double>(clients_.bytes_up()));
                metrics_->bytes_down.Set(static_cast<double>(clients_.bytes_down()));
                metrics_->refused.Set(static_cast<double>(clients_.sessions_refused()));
                double ignored = 0;
                for (const RemoteClientStatus& client : clients_.Statuses()) {
                  ignored += static_cast<double>(client.ignored);
                }
                metrics_->ignored.Set(ignored);
                return prometheus::TextSerializer().Serialize(metrics_->registry.Collect());
              },
          .status =
              [this] {
                return boost::json::serialize(Status());
              }};
}

boost::json::object RunMonitor::Status() const {
  boost::json::array clients;
  for (const RemoteClientStatus& client : clients_.Statuses()) {
    clients.push_back({{"id", client.id},
                       {"connected", client.connected},
                       {"working_on", client.working_on},
                       {"contributions", client.contributions},
                       {"drops", client.drops},
                       {"ignored", client.ignored},
                       {"bytes_up", client.bytes_up},
                       {"bytes_down", client.bytes_down},
                       {"last_error", client.last_error}});
  }
  return {{"schema_version", 1},
          {"name", federation_.scenario.name},
          {"trust_mode", federation_.scenario.privacy.mode},
          {"round", round_},
          {"rounds", federation_.scenario.strategy.rounds},
          {"catalogue_sha256", federation_.catalogue.sha256()},
          {"bytes_up", clients_.bytes_up()},
          {"bytes_down", clients_.bytes_down()},
          {"clients", std::move(clients)}};
}

}  // namespace rondo::coordinator
