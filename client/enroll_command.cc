#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>
#include <fmt/format.h>
#include <iostream>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "client/command.h"
#include "client/enrolment.h"
#include "client/renewal.h"
#include "common/config/client_toml.h"
#include "common/core/file.h"
#include "common/core/host_port.h"
#include "common/crypto/key_file.h"
#include "common/transport/tls_channel.h"

namespace rondo::client {
namespace {

constexpr auto kTimeout = std::chrono::seconds(30);

struct EnrollFlags {
  CommonOptions common;
  std::string token;
  std::string coordinator;
  std::filesystem::path out;
  bool renew = false;
};

/// Runs one task on a context of its own.
template <typename T>
Result<T> RunAlone(boost::asio::io_context& io, Task<Result<T>> task) {
  std::optional<Result<T>> outcome;
  std::exception_ptr fault;
  auto wrapped = [](Task<Result<T>> inner, std::optional<Result<T>>& out) -> Task<void> {
    out.emplace(co_await std::move(inner));
  };
  boost::asio::co_spawn(
      io, wrapped(std::move(task), outcome), [&](std::exception_ptr thrown) { fault = thrown; });
  io.run();
  if (fault) {
    std::rethrow_exception(fault);
  }
  return std::move(*outcome);
}

/// What the command line says over what the token says.
Result<TlsAddress> AddressOf(const EnrollFlags& flags, const EnrolmentToken& token) {
  TlsAddress address{.host = token.host, .port = token.port};
  if (!flags.coordinator.empty()) {
    const std::size_t colon = flags.coordinator.rfind(':');
    const std::string port =
        colon == std::string::npos ? std::string() : flags.coordinator.substr(colon + 1);
    const char* end = port.data() + port.size();
    const auto read = std::from_chars(port.data(), end, address.port);
    if (read.ec != std::errc() || read.ptr != end || colon == 0) {
      return Fail(ErrorCode::kInvalidArgument,
                  "--coordinator is '" + flags.coordinator + "', expected HOST:PORT");
    }
    address.host = flags.coordinator.substr(0, colon);
    if (address.host.front() == '[' && address.host.back() == ']') {
      address.host = address.host.substr(1, address.host.size() - 2);
    }
  }
  if (address.port == 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "this coordinator takes another port at each start; give --coordinator "
                    + address.host + ":PORT, as its state/address says");
  }
  return address;
}

/// The keys in the folder: those of an attempt whose answer was lost, or new ones. Written before
/// anything is asked for.
Result<SigningKey> RosterKeyIn(const std::filesystem::path& file) {
  std::error_code absent;
  if (std::filesystem::exists(file, absent)) {
    return LoadSigningKey(file);
  }
  SigningKey key = SigningKey::Generate();
  RONDO_TRY_STATUS(SaveSigningKey(key, file));
  return key;
}

Result<CertificateRequest> RequestIn(const std::filesystem::path& file) {
  std::error_code absent;
  if (std::filesystem::exists(file, absent)) {
    RONDO_TRY_STATUS(CheckPrivateFile(file));
    RONDO_TRY(const std::string pem, ReadTextFile(file, 16 << 10));
    return MakeRequest(pem);
  }
  RONDO_TRY(CertificateRequest request, MakeRequest());
  RONDO_TRY_STATUS(WriteTextFile(file, request.key_pem, 0600));
  return request;
}

Task<Result<EnrolmentAnswer>> Ask(boost::asio::any_io_executor executor,
                                  TlsAddress address,
                                  const EnrolmentToken& token,
                                  const CertificateRequest& request,
                                  const SigningKey& roster_key) {
  const TimePoint deadline = SystemClock().Now() + kTimeout;
  RONDO_CO_TRY(const TlsContext tls, TlsContext::CreatePinned(token.authority_sha256));
  RONDO_CO_TRY(const std::shared_ptr<Channel> channel,
               co_await ConnectTls(executor, tls, address, deadline));
  auto answer = co_await AskForCertificate(*channel, &token, request, roster_key, deadline);
  channel->Close();
  co_return answer;
}

Status Write(const std::filesystem::path& folder,
             const EnrolmentAnswer& answer,
             const EnrolmentToken& token,
             const TlsAddress& address) {
  RONDO_TRY_STATUS(WriteTextFile(folder / "ca.crt", answer.granted.authority_pem));
  RONDO_TRY_STATUS(WriteTextFile(folder / "client.crt", answer.granted.certificate_pem));
  RONDO_TRY_STATUS(WriteTextFile(folder / "catalogue.tsv", answer.catalogue_text));
  // Last, so that a folder with settings is whole.
  return WriteTextFile(folder / "client.toml",
                       ClientToml({.made_by = "rondo-client enroll",
                                   .host = address.host,
                                   .port = token.port == 0 ? 0 : int{address.port},
                                   .governance = ToHex(token.governance),
                                   .data = answer.granted.data,
                                   .trust = answer.granted.trust_mode}));
}

Status Enroll(const EnrollFlags& flags) {
  std::string text = flags.token;
  if (text == "-") {
    std::getline(std::cin, text);
  }
  RONDO_TRY(const EnrolmentToken token, ParseEnrolmentToken(text));
  RONDO_TRY(const TlsAddress address, AddressOf(flags, token));
  const std::filesystem::path folder =
      std::filesystem::absolute(flags.out.empty() ? std::filesystem::path(token.client) : flags.out)
          .lexically_normal();
  std::error_code absent;
  if (std::filesystem::exists(folder / "client.toml", absent)) {
    return Fail(ErrorCode::kInvalidArgument,
                (folder / "client.toml").string()
                    + " exists already; choose another --out, or renew its certificate with "
                      "`rondo-client enroll --renew`");
  }
  RONDO_TRY_STATUS(MakeFolder(folder));
  RONDO_TRY(const SigningKey roster_key, RosterKeyIn(folder / "roster.key"));
  RONDO_TRY(const CertificateRequest request, RequestIn(folder / "client.key"));
  boost::asio::io_context io(1);
  RONDO_TRY(const EnrolmentAnswer answer,
            RunAlone(io, Ask(io.get_executor(), address, token, request, roster_key)));
  RONDO_TRY_STATUS(Write(folder, answer, token, address));
  const std::string config = (folder / "client.toml").string();
  fmt::print(stderr,
             "Enrolled as '{}'; keys and certificate are in {}.\n"
             "The list of members is signed by {}.\n"
             "Point data.path in {} at your log, then\n  rondo-client doctor --config {}\n",
             token.client,
             folder.string(),
             ToHex(token.governance),
             config,
             config);
  return Ok();
}

Status Renew(const EnrollFlags& flags) {
  RONDO_TRY(const Settings settings, ReadSettings(flags.common));
  boost::asio::io_context io(1);
  const TimePoint deadline = SystemClock().Now() + kTimeout;
  RONDO_TRY_STATUS(RunAlone(io, RenewCertificate(io.get_executor(), settings, deadline)));
  RONDO_TRY(const IdentityReport identity, InspectIdentity(settings.identity));
  fmt::print(stderr, "Renewed the certificate of '{}'.\n", identity.id);
  return Ok();
}

}  // namespace

void AddEnrollCommand(CLI::App& parent, Action& action) {
  const auto flags = std::make_shared<EnrollFlags>();
  CLI::App* command = parent.add_subcommand(
      "enroll",
      "Examples:\n"
      "  rondo-client enroll TOKEN --out north\n"
      "  rondo-client enroll - --out north < token          not in the shell's history\n"
      "  rondo-client enroll TOKEN --coordinator 10.0.0.7:7443 --out north\n"
      "  rondo-client enroll --renew --config north/client.toml\n\n"
      "Makes this client's keys, which stay here, and gets its certificate with the operator's "
      "token.");
  command->add_option("token", flags->token, "What `rondo-coordinator invite` printed; -: read it");
  command->add_option(
      "--coordinator", flags->coordinator, "HOST:PORT; default: what the token says");
  command->add_option("--out", flags->out, "New folder; default: the client's name");
  command->add_flag("--renew", flags->renew, "Renew the certificate of --config instead");
  command->add_option("--config", flags->common.config, "for --renew: this client's settings")
      ->capture_default_str();
  command->add_option("--set",
                      flags->common.sets,
                      "for --renew: override one key, e.g. --set coordinator.port=7443");
  command->callback([flags, &action] {
    action = [flags]() -> Status {
      if (flags->renew != flags->token.empty()) {
        return Fail(ErrorCode::kInvalidArgument, "give either a token or --renew");
      }
      return flags->renew ? Renew(*flags) : Enroll(*flags);
    };
  });
}

}  // namespace rondo::client
