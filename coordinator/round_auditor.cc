#include "coordinator/round_auditor.h"

#include <spdlog/spdlog.h>

#include <boost/json/array.hpp>

namespace rondo::coordinator {
namespace {

constexpr std::size_t kMostNames = 256;

/// Who was left out; a line stays short however large the cohort.
boost::json::array Names(const std::vector<std::pair<ClientId, Error>>& dropped) {
  boost::json::array names;
  for (const auto& [client, why] : dropped) {
    if (names.size() < kMostNames) {
      names.emplace_back(client);
    }
  }
  return names;
}

}  // namespace

void RoundAuditor::Write(const char* event, const boost::json::object& fields) {
  if (const Status written = audit_.Append(event, fields); !written) {
    spdlog::error("{}", written.error().message);
  }
}

void RoundAuditor::OnRound(const RoundReport& report) {
  boost::json::object fields{{"round", report.round},
                             {"void", report.is_void},
                             {"invited", report.invited},
                             {"contributors", report.contributors},
                             {"weight", report.weight},
                             {"dropped", Names(report.dropped)}};
  if (report.reason) {
    fields["reason"] = report.reason->message;
  }
  Write("round", fields);
  if (!report.is_void) {
    Write("release", {{"round", report.round}, {"what", "model"}, {"of", report.contributors}});
  }
}

void RoundAuditor::OnValidation(const ValidationReport& report) {
  if (report.metrics) {
    Write("release",
          {{"round", report.round},
           {"what", report.split == Split::kTest ? "test metrics" : "validation metrics"},
           {"of", report.contributors}});
  }
}

}  // namespace rondo::coordinator
