#pragma once

#include "coordinator/audit_log.h"
#include "coordinator/round_report.h"

namespace rondo::coordinator {

/// Writes each round, and each release of metrics, into the audit log. A line that cannot be
/// written is said on the log and stops nothing: what it was about is on disk elsewhere.
class RoundAuditor final : public RoundObserver {
 public:
  /// `audit` outlives it.
  explicit RoundAuditor(AuditLog& audit) : audit_(audit) {}

  void OnRound(const RoundReport& report) override;
  void OnValidation(const ValidationReport& report) override;

 private:
  void Write(const char* event, const boost::json::object& fields);

  AuditLog& audit_;
};

}  // namespace rondo::coordinator
