#include "coordinator/membership.h"

#include <algorithm>
#include <spdlog/spdlog.h>
#include <utility>

#include "common/core/file.h"
#include "common/core/text_bytes.h"
#include "common/crypto/key_file.h"

namespace rondo::coordinator {
namespace {

constexpr std::uint64_t kPemCap = 1 << 20;

}  // namespace

Result<Ed25519Public> LoadGovernance(const std::filesystem::path& file) {
  RONDO_TRY(std::string text, ReadTextFile(file, 1024));
  text.erase(text.find_last_not_of(" \n") + 1);
  const std::optional<Bytes> bytes = FromHex(text);
  Ed25519Public key{};
  if (!bytes || bytes->size() != key.size()) {
    return Fail(ErrorCode::kCorrupt,
                file.string() + " holds no public key of 64 hexadecimal digits");
  }
  std::copy(bytes->begin(), bytes->end(), key.begin());
  return key;
}

Result<std::string> FederationName(const Settings& settings) {
  RONDO_TRY(const std::string pem, ReadTextFile(settings.authority, kPemCap));
  RONDO_TRY(const CertificateInfo info, InspectCertificate(pem));
  return info.sha256;
}

Result<std::optional<X25519Public>> AggregationPublic(const Settings& settings) {
  if (settings.aggregation_key.empty()) {
    return std::optional<X25519Public>();
  }
  RONDO_TRY(const X25519Key key, LoadSealingKey(settings.aggregation_key));
  return std::optional<X25519Public>(key.public_key());
}

Result<Roster> NextRoster(const Settings& settings, const std::vector<Member>& members) {
  Roster roster{.version = 1};
  RONDO_TRY(roster.federation, FederationName(settings));
  RONDO_TRY(roster.aggregation, AggregationPublic(settings));
  std::error_code absent;
  if (std::filesystem::exists(settings.roster, absent)) {
    RONDO_TRY(const SignedRoster published, LoadSignedRoster(settings.roster));
    roster.version = published.roster.version + 1;
  }
  for (const Member& member : members) {
    if (!member.revoked) {
      roster.entries.push_back({.id = member.id, .key = member.roster_key});
    }
  }
  RONDO_TRY_STATUS(roster.Check());
  return roster;
}

Status CheckRoster(const SignedRoster& roster, const Settings& settings) {
  RONDO_TRY(const Ed25519Public governance, LoadGovernance(settings.governance));
  RONDO_TRY(const std::string name, FederationName(settings));
  RONDO_TRY_STATUS(roster.Verify(governance));
  if (roster.roster.federation != name) {
    return Fail(ErrorCode::kUnauthenticated,
                "the roster is that of another federation, " + roster.roster.federation);
  }
  RONDO_TRY(const auto aggregation, AggregationPublic(settings));
  if (roster.roster.aggregation != aggregation) {
    return Fail(ErrorCode::kFailedPrecondition,
                "the roster does not name the key of files.aggregation_key, which alone opens what "
                "clients seal; export and sign it again");
  }
  return Ok();
}

Result<std::unique_ptr<Membership>> Membership::Open(const Federation& federation) {
  const Settings& settings = federation.settings;
  RONDO_TRY(MemberStore members, MemberStore::Open(settings.state));
  RONDO_TRY(AuditLog audit, AuditLog::Open(settings.state));
  std::unique_ptr<Membership> made(
      new Membership(federation, std::move(members), std::move(audit)));
  if (!settings.authority_key.empty()) {
    RONDO_TRY(CertifiedKey authority, LoadCertifiedKey(settings.authority, settings.authority_key));
    made->enroller_.emplace(Enroller::Parts{.members = made->members_,
                                            .audit = made->audit_,
                                            .authority = std::move(authority),
                                            .data = federation.scenario.data,
                                            .catalogue_text = federation.catalogue.text(),
                                            .catalogue_sha256 = federation.catalogue.sha256(),
                                            .trust_mode = federation.scenario.privacy.mode});
  }
  RONDO_TRY_STATUS(made->ReadRoster());
  return made;
}

Status Membership::Check(const Channel& channel) {
  return members_.Check(
      channel.peer(), channel.security().key_sha256, std::chrono::system_clock::now());
}

void Membership::Refused(const std::string& who, const Error& why) {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  const auto omitted = budget_.Take(std::chrono::duration<double>(since).count());
  if (!omitted) {
    return;
  }
  boost::json::object fields{{"peer", who}, {"reason", why.message}};
  if (*omitted > 0) {
    fields["omitted"] = *omitted;
  }
  if (const Status written = audit_.Append("refused", fields); !written) {
    spdlog::error("{}", written.error().message);
  }
}

Status Membership::ReadRoster() {
  const std::filesystem::path& file = federation_.settings.roster;
  std::error_code absent;
  const auto time = std::filesystem::last_write_time(file, absent);
  if (absent) {
    return Ok();
  }
  roster_time_ = time;
  RONDO_TRY(const SignedRoster roster, LoadSignedRoster(file));
  if (const Status held = CheckRoster(roster, federation_.settings); !held) {
    return Fail(ErrorCode::kInvalidArgument, file.string() + ": " + held.error().message);
  }
  roster_ = roster.Text();
  aggregation_ = roster.roster.aggregation;
  return Ok();
}

bool Membership::PollRoster() {
  std::error_code absent;
  const auto time = std::filesystem::last_write_time(federation_.settings.roster, absent);
  if (absent || time == roster_time_) {
    return false;
  }
  roster_time_ = time;
  const std::string before = roster_;
  if (const Status read = ReadRoster(); !read) {
    spdlog::error("the roster is left aside: {}", read.error().message);
  }
  return roster_ != before;
}

}  // namespace rondo::coordinator
