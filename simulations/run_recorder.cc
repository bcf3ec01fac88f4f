#include "simulations/run_recorder.h"

#include <cmath>
#include <utility>

#include <boost/json.hpp>

namespace rondo::sim {
namespace {

boost::json::value NumberOrNull(double value) {
  return std::isfinite(value) ? boost::json::value(value) : boost::json::value(nullptr);
}

boost::json::object RoundJson(const coordinator::RoundReport& report) {
  boost::json::object json{{"event", "round"},
                           {"round", report.round},
                           {"void", report.is_void},
                           {"invited", report.invited},
                           {"contributors", report.contributors},
                           {"dropped", report.dropped.size()},
                           {"weight", report.weight},
                           {"saturated", report.saturated},
                           {"loss", NumberOrNull(report.loss)},
                           {"update_norm", NumberOrNull(report.update_norm)},
                           {"bytes_up", report.bytes_up},
                           {"bytes_down", report.bytes_down},
                           {"seconds", report.seconds}};
  if (report.reason) {
    json["reason"] = report.reason->message;
  }
  return json;
}

boost::json::object ValidationJson(const coordinator::ValidationReport& report) {
  boost::json::object json{{"event", "validation"},
                           {"round", report.round},
                           {"best", report.is_best},
                           {"seconds", report.seconds}};
  if (report.metrics) {
    json["users"] = report.metrics->users;
    boost::json::object& values = json["validation"].emplace_object();
    for (std::size_t i = 0; i < report.metrics->names.size(); ++i) {
      values[report.metrics->names[i]] = report.metrics->means[i];
    }
  }
  return json;
}

}  // namespace

RunRecorder::RunRecorder(RunDirectory& directory,
                         TensorBoardWriter events,
                         RoundId first_round,
                         RoundId rounds,
                         const Clock& clock)
    : directory_(directory),
      events_(std::move(events)),
      progress_(
          [first_round] {
            ProgressLine::Options options = ProgressLine::ForStandardError();
            options.first_round = first_round;
            return options;
          }(),
          clock),
      rounds_(rounds) {}

void RunRecorder::Keep(Status status) {
  if (status_ && !status) {
    status_ = std::move(status);
  }
}

void RunRecorder::OnRound(const coordinator::RoundReport& report) {
  const auto now = std::chrono::system_clock::now();
  Keep(directory_.AppendRound(RoundJson(report)));
  if (std::isfinite(report.loss)) {
    Keep(events_.AddScalar("train/loss", report.round, report.loss, now));
  }
  RoundProgress progress{
      .round = report.round, .rounds = rounds_, .clients = report.contributors, .ndcg = ndcg_};
  if (std::isfinite(report.loss)) {
    progress.loss = report.loss;
  }
  if (report.is_void) {
    progress.note = "void";
  }
  progress_.Update(progress);
}

void RunRecorder::OnValidation(const coordinator::ValidationReport& report) {
  const auto now = std::chrono::system_clock::now();
  Keep(directory_.AppendRound(ValidationJson(report)));
  if (!report.metrics) {
    return;
  }
  ndcg_ = report.metrics->Find("full/ndcg@10");
  for (std::size_t i = 0; i < report.metrics->names.size(); ++i) {
    Keep(events_.AddScalar(
        "validation/" + report.metrics->names[i], report.round, report.metrics->means[i], now));
  }
}

}  // namespace rondo::sim
