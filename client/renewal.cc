#include "client/renewal.h"

#include <algorithm>
#include <spdlog/spdlog.h>
#include <utility>

#include "client/enrolment.h"
#include "common/core/file.h"
#include "common/crypto/key_file.h"
#include "common/transport/tls_channel.h"

namespace rondo::client {
namespace {

using SystemClockTime = std::chrono::system_clock::time_point;

constexpr auto kTimeout = std::chrono::seconds(30);
constexpr auto kPause = std::chrono::hours(1);

Result<SystemClockTime> DueTime(const IdentityPaths& paths) {
  RONDO_TRY(const CertifiedKey own, LoadCertifiedKey(paths.certificate, paths.key));
  RONDO_TRY(const CertificateInfo info, InspectCertificate(own.certificate_pem));
  return RenewalTime(info);
}

}  // namespace

Task<Status> RenewCertificate(boost::asio::any_io_executor executor,
                              const Settings& settings,
                              TimePoint deadline) {
  const IdentityPaths& paths = settings.identity;
  RONDO_CO_TRY(const CertifiedKey own, LoadCertifiedKey(paths.certificate, paths.key));
  RONDO_CO_TRY(const SigningKey roster_key, LoadSigningKey(paths.roster_key));
  RONDO_CO_TRY(const CertificateRequest request, MakeRequest(own.key_pem));
  const TlsFiles files{.authority = paths.ca, .certificate = paths.certificate, .key = paths.key};
  RONDO_CO_TRY(
      const TlsContext tls,
      TlsContext::Create(files, TlsContext::Role::kClient, TlsContext::Purpose::kEnrolment));
  const TlsAddress address{.host = settings.coordinator.host,
                           .port = static_cast<std::uint16_t>(settings.coordinator.port)};
  RONDO_CO_TRY(const std::shared_ptr<Channel> channel,
               co_await ConnectTls(executor, tls, address, deadline));
  const auto answer = co_await AskForCertificate(*channel, nullptr, request, roster_key, deadline);
  channel->Close();
  if (!answer) {
    co_return Fail(answer.error());
  }
  RONDO_CO_TRY(const std::string authority_pem, ReadTextFile(paths.ca, 1 << 20));
  RONDO_CO_TRY_STATUS(VerifyCertificate(answer->granted.certificate_pem, authority_pem));
  co_return WriteTextFile(paths.certificate, answer->granted.certificate_pem);
}

void Renewal::Stop() {
  stopped_ = true;
  wake_.Notify();
}

Task<void> Renewal::Run() {
  while (!stopped_) {
    const auto now = std::chrono::system_clock::now();
    const auto due = DueTime(settings_.identity);
    if (!due) {
      spdlog::warn("the certificate cannot be renewed: {}", due.error().message);
    } else if (*due <= now) {
      const TimePoint deadline = SystemClock().Now() + kTimeout;
      const Status renewed = co_await RenewCertificate(executor_, settings_, deadline);
      if (renewed) {
        spdlog::info("renewed the certificate {}", settings_.identity.certificate.string());
        continue;
      }
      spdlog::warn("the certificate is due for renewal, trying again in an hour: {}",
                   renewed.error().message);
    }
    if (stopped_) {
      break;
    }
    const bool waits = due && *due > now;
    const auto pause = waits ? std::min<Duration>(kPause, *due - now) : Duration(kPause);
    co_await wake_.Wait(SystemClock().Now() + pause);
  }
}

}  // namespace rondo::client
