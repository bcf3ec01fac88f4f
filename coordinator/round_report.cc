#include "coordinator/round_report.h"

#include "common/io/json.h"

namespace rondo::coordinator {

boost::json::object RoundLine(const RoundReport& report) {
  boost::json::object line{{"event", "round"},
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
  if (report.epsilon) {
    line["epsilon"] = *report.epsilon;
  }
  if (report.clip_norm) {
    line["clip_norm"] = *report.clip_norm;
  }
  if (report.simulated_seconds) {
    line["simulated_seconds"] = *report.simulated_seconds;
  }
  if (report.stale) {
    line["stale"] = *report.stale;
    line["staleness"] = report.staleness;
  }
  if (report.reason) {
    line["reason"] = report.reason->message;
  }
  return line;
}

boost::json::object ValidationLine(const ValidationReport& report) {
  boost::json::object line{{"event", "validation"},
                           {"round", report.round},
                           {"best", report.is_best},
                           {"clients", report.contributors},
                           {"bytes_up", report.bytes_up},
                           {"bytes_down", report.bytes_down},
                           {"seconds", report.seconds}};
  if (report.epsilon) {
    line["epsilon"] = *report.epsilon;
  }
  if (report.metrics) {
    line["users"] = report.metrics->users;
    boost::json::object& values = line["validation"].emplace_object();
    for (std::size_t i = 0; i < report.metrics->names.size(); ++i) {
      values[report.metrics->names[i]] = NumberOrNull(report.metrics->means[i]);
    }
  }
  return line;
}

}  // namespace rondo::coordinator
