#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/crypto/roster.h"
#include "coordinator/enroller.h"
#include "coordinator/federation.h"
#include "coordinator/line_budget.h"

namespace rondo::coordinator {

/// Who may take part while a coordinator runs, and what is written down about it. The verbs
/// `invite`, `revoke` and `roster publish` change its files from other processes; Check sees
/// revocations at once, Poll the rest.
class Membership {
 public:
  /// Errors  kIo; kCorrupt for a damaged file; kInvalidArgument for a roster that the governance
  /// key did not sign.
  static Result<std::unique_ptr<Membership>> Open(const Federation& federation);

  AuditLog& audit() { return audit_; }

  /// Null without files.authority_key: then nobody can enrol or renew.
  Enroller* enroller() { return enroller_ ? &*enroller_ : nullptr; }

  /// Errors  as MemberStore::Check.
  Status Check(const Channel& channel);

  /// Notes a refusal, unless there were too many of them lately.
  void Refused(const std::string& who, const Error& why);

  /// The aggregation key that the signed roster names; none if there is no roster or it names none.
  const std::optional<X25519Public>& aggregation() const { return aggregation_; }

  /// Text of the signed roster; empty if there is none yet.
  const std::string& roster() const { return roster_; }

  /// Reads the roster again if its file changed; true if there is another one. One that does not
  /// hold is left aside, and said so once.
  bool PollRoster();

 private:
  Membership(const Federation& federation, MemberStore members, AuditLog audit)
      : federation_(federation),
        members_(std::move(members)),
        audit_(std::move(audit)) {}

  Status ReadRoster();

  const Federation& federation_;
  MemberStore members_;
  AuditLog audit_;
  std::optional<Enroller> enroller_;
  LineBudget budget_;
  std::string roster_;
  std::optional<X25519Public> aggregation_;
  std::filesystem::file_time_type roster_time_{};
};

/// The governance key's public half. Errors  kNotFound, kCorrupt.
Result<Ed25519Public> LoadGovernance(const std::filesystem::path& file);

/// SHA-256 of the authority's certificate, by which a federation is known. Errors  kNotFound,
/// kCorrupt.
Result<std::string> FederationName(const Settings& settings);

/// The public half of files.aggregation_key, to which clients seal; none without that file.
/// Errors  as LoadSealingKey.
Result<std::optional<X25519Public>> AggregationPublic(const Settings& settings);

/// The unsigned roster of these members and the aggregation key, with the version after the
/// published one's.
Result<Roster> NextRoster(const Settings& settings, const std::vector<Member>& members);

/// Checks that the roster is this federation's, signed by its governance key, and names the
/// aggregation key that can open what is sealed to it.
/// Errors  kUnauthenticated; kFailedPrecondition for another aggregation key; those of the files.
Status CheckRoster(const SignedRoster& roster, const Settings& settings);

}  // namespace rondo::coordinator
