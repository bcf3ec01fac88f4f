#include "coordinator/run_monitor.h"

#include <cmath>
#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace rondo::coordinator {
namespace {

/// JSON has no NaN.
boost::json::value Number(double value) {
  return std::isfinite(value) ? boost::json::value(value) : boost::json::value(nullptr);
}

/// "full/ndcg@10" becomes {"full": {"ndcg@10": ...}}.
boost::json::value TestJson(const std::optional<MetricTable>& table) {
  if (!table) {
    return nullptr;
  }
  boost::json::object all;
  for (std::size_t i = 0; i < table->names.size(); ++i) {
    const std::string& name = table->names[i];
    const std::size_t slash = name.find('/');
    boost::json::value& protocol = all[name.substr(0, slash)];
    if (!protocol.is_object()) {
      protocol = boost::json::object{{"users", table->users}};
    }
    protocol.as_object()[name.substr(slash + 1)] = Number(table->means[i]);
  }
  return all;
}

}  // namespace

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
};

RunMonitor::RunMonitor(const Federation& federation, const RemoteClients& clients, RoundId start)
    : federation_(federation),
      clients_(clients),
      round_(start),
      metrics_(std::make_unique<Metrics>()) {
  metrics_->round.Set(start);
}

RunMonitor::~RunMonitor() = default;

void RunMonitor::OnRound(const RoundReport& report) {
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
  round_seconds_.push_back(report.seconds);
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
  const std::optional<double> ndcg =
      report.metrics ? report.metrics->Find("full/ndcg@10") : std::nullopt;
  if (ndcg) {
    metrics_->ndcg.Set(*ndcg);
  }
  fmt::print(stderr,
             "{} after round {}: {} clients, NDCG@10 {}\n",
             report.split == Split::kTest ? "test" : "validation",
             report.round,
             report.contributors,
             ndcg ? fmt::format("{:.4f}", *ndcg) : "none");
}

StatusPages RunMonitor::pages() {
  return {.metrics =
              [this] {
                metrics_->connected.Set(static_cast<double>(clients_.Available().size()));
                metrics_->bytes_up.Set(static_cast<double>(clients_.bytes_up()));
                metrics_->bytes_down.Set(static_cast<double>(clients_.bytes_down()));
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

boost::json::object RunMonitor::Summary(const RunOutcome& outcome,
                                        const std::string& model_sha256) const {
  const Scenario& scenario = federation_.scenario;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started_;
  return {{"schema_version", 1},
          {"name", scenario.name},
          {"seed", scenario.seed},
          {"data_seed", scenario.data.seed},
          {"rounds", outcome.state.round},
          {"void_rounds", outcome.state.void_rounds},
          {"selected_round", outcome.state.selected_round()},
          {"clients", clients_.Statuses().size()},
          {"model", {{"parameters", federation_.layout->size()}, {"sha256", model_sha256}}},
          {"catalogue",
           {{"sha256", federation_.catalogue.sha256()}, {"items", federation_.catalogue.items()}}},
          {"test", TestJson(outcome.test)},
          {"baselines", nullptr},
          {"bytes_up", clients_.bytes_up()},
          {"bytes_down", clients_.bytes_down()},
          {"seconds", seconds.count()},
          {"round_seconds", boost::json::array(round_seconds_.begin(), round_seconds_.end())},
          {"privacy", {{"mode", scenario.privacy.mode}, {"epsilon", nullptr}, {"delta", nullptr}}},
          {"blas", nullptr},
          {"device", nullptr}};
}

}  // namespace rondo::coordinator
