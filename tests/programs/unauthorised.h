#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include "client/enrolment.h"
#include "common/crypto/certificate_parts.h"
#include "common/crypto/key_file.h"
#include "common/io/database.h"
#include "common/transport/tls_channel.h"
#include "common/wire/frame.h"
#include "tests/programs/federation.h"
#include "tests/support/run_task.h"

namespace rondo::testing {

namespace ssl = boost::asio::ssl;

/// A channel and who holds it.
using ChannelPtr = std::shared_ptr<Channel>;

/// A coordinator as its operator starts it, and ways to it for those who have no right to take
/// part.
class UnauthorisedTest : public FederationTest {
 protected:
  void SetUp() override {
    Init(SmallScenario(3, "cohort = 0\nquorum = 3"));
    authority_ = LoadCertifiedKey(Path("federation/ca.crt"), Path("federation/ca.key")).value();
    // So that no connection that a case holds open ends by itself.
    coordinator_ = StartCoordinator({"--set", "server.handshake_timeout_s=600"});
  }

  // -- what a case is checked by

  /// Everything the coordinator keeps about members, as text.
  std::string State() const {
    Database database = Database::Open(Path("federation/state/members.db"), "").value();
    std::string text;
    for (const char* query : {"SELECT * FROM invitations ORDER BY 1",
                              "SELECT * FROM members ORDER BY 1",
                              "SELECT * FROM certificates ORDER BY 1"}) {
      const auto rows = database.Query(query).value();
      for (const Database::Row& row : rows) {
        for (const Database::Value& value : row) {
          if (const auto* number = std::get_if<std::int64_t>(&value)) {
            text += std::to_string(*number);
          } else if (const auto* words = std::get_if<std::string>(&value)) {
            text += *words;
          }
          text += '|';
        }
        text += '\n';
      }
    }
    return text;
  }

  std::string Audit() const { return *ReadTextFile(Path("federation/state/audit.jsonl")); }

  std::size_t Refusals() const {
    const std::string log = Audit();
    std::size_t count = 0;
    for (std::size_t at = log.find("\"event\":\"refused\""); at != std::string::npos;
         at = log.find("\"event\":\"refused\"", at + 1)) {
      ++count;
    }
    return count;
  }

  /// Runs one case, which must end refused, leave the state as it is and one line with `reason`.
  void Expect(const std::string& name,
              const std::string& reason,
              const std::function<bool()>& admitted) {
    SCOPED_TRACE(name);
    const std::string state = State();
    const std::size_t lines = Refusals();

    EXPECT_FALSE(admitted());

    ASSERT_TRUE(coordinator_->Await([&] { return Refusals() > lines; })) << Audit();
    EXPECT_EQ(Refusals(), lines + 1) << Audit();
    const std::string log = Audit();
    EXPECT_THAT(log.substr(log.rfind("\"event\":\"refused\"")), ::testing::HasSubstr(reason));
    EXPECT_EQ(State(), state);
    ++cases_;
  }

  // -- ways to the coordinator

  std::uint16_t PortNumber() const { return static_cast<std::uint16_t>(std::stoi(Port())); }

  static Bytes HelloFrame(const std::string& catalogue_sha256) {
    return wire::Encode(
        wire::Hello{.software_version = "test", .catalogue_sha256 = catalogue_sha256});
  }

  std::string CatalogueSha256() const {
    return Sha256Hex(AsBytes(*ReadTextFile(Path("federation/catalogue.tsv"))));
  }

  /// Greets with whatever TLS the context offers; true if a Welcome comes back.
  bool Knock(ssl::context& context) {
    boost::asio::io_context io;
    ssl::stream<boost::asio::ip::tcp::socket> stream(io, context);
    boost::system::error_code code;
    stream.next_layer().connect({boost::asio::ip::address_v4::loopback(), PortNumber()}, code);
    stream.handshake(ssl::stream_base::client, code);
    if (code) {
      return false;
    }
    boost::asio::write(stream, boost::asio::buffer(HelloFrame(CatalogueSha256())), code);
    std::array<std::uint8_t, wire::kFrameHeaderSize> header{};
    boost::asio::read(stream, boost::asio::buffer(header), code);
    return !code && header[4] == static_cast<std::uint8_t>(wire::FrameType::kWelcome);
  }

  bool KnockWith(const CertifiedKey& pair) {
    ssl::context context(ssl::context::tls_client);
    context.use_certificate_chain(boost::asio::buffer(pair.certificate_pem));
    context.use_private_key(boost::asio::buffer(pair.key_pem), ssl::context::pem);
    return Knock(context);
  }

  /// A certificate for the key of a member, as somebody with the authority's key would make it.
  CertifiedKey ForKeyOf(int member, const ClientId& id, const Validity& validity) const {
    const std::string key_pem = *ReadTextFile(Path(ClientFolder(member)) / "client.key");
    return {.certificate_pem =
                IssueFromRequest(authority_, MakeRequest(key_pem)->der, id, validity).value(),
            .key_pem = key_pem};
  }

  CertifiedKey Named(const std::string& subject_names, const char* usage) const {
    return rondo::detail::Issue(&authority_,
                                {.common_name = "x",
                                 .subject_names = subject_names,
                                 .basic_constraints = "critical,CA:FALSE",
                                 .key_usage = "critical,digitalSignature",
                                 .extended_usage = usage},
                                Validity::Days(10))
        .value();
  }

  TlsFiles FilesOf(int member) const {
    const std::filesystem::path folder = Path(ClientFolder(member));
    return {.authority = folder / "ca.crt",
            .certificate = folder / "client.crt",
            .key = folder / "client.key"};
  }

  ChannelPtr Connect(TlsContext context) {
    const TlsAddress address{.host = "127.0.0.1", .port = PortNumber()};
    return RunTask(io_, ConnectTls(io_.get_executor(), std::move(context), address, Soon()))
        .value();
  }

  ChannelPtr AsNewcomer() {
    return Connect(
        TlsContext::CreatePinned(InspectCertificate(authority_.certificate_pem)->sha256).value());
  }

  ChannelPtr AsMember(int member, TlsContext::Purpose purpose = TlsContext::Purpose::kSession) {
    return Connect(TlsContext::Create(FilesOf(member), TlsContext::Role::kClient, purpose).value());
  }

  /// Sends a frame and reads the answer; true for a certificate or a Welcome.
  bool Say(const ChannelPtr& channel, Bytes frame) {
    const rondo::Status ignored = RunTask(io_, channel->Send(std::move(frame), Soon()));
    const auto received = RunTask(io_, channel->Receive(Soon()));
    const auto message = received ? wire::Decode(*received)
                                  : Result<wire::Message>(Fail(ErrorCode::kUnavailable, "closed"));
    return message
           && (std::holds_alternative<wire::Enrolled>(*message)
               || std::holds_alternative<wire::Welcome>(*message));
  }

  bool Say(const ChannelPtr& channel, const wire::Message& message) {
    return Say(channel, wire::Encode(message));
  }

  // -- enrolment

  EnrolmentToken Invite(const std::string& name) {
    const Ending end = RunToEnd(
        Command({"rondo-coordinator", "invite", name, "--config", "federation/coordinator.toml"},
                "invite"));
    EXPECT_EQ(end.code, 0) << end.err;
    return ParseEnrolmentToken(end.out.substr(0, end.out.find('\n'))).value();
  }

  void Revoke(const std::string& name) {
    const Ending end = RunToEnd(
        Command({"rondo-coordinator", "revoke", name, "--config", "federation/coordinator.toml"},
                "revoke"));
    ASSERT_EQ(end.code, 0) << end.err;
  }

  /// What an honest newcomer sends on this channel.
  wire::Enrol Honest(const ChannelPtr& channel,
                     const SigningKey& token,
                     const CertificateRequest& request,
                     const SigningKey& roster_key) {
    wire::Enrol enrol{.request = request.der, .roster_key = roster_key.public_key()};
    const Bytes transcript = wire::EnrolTranscript(enrol, channel->security().binding);
    enrol.roster_signature = roster_key.Sign(transcript);
    enrol.token =
        wire::Enrol::Token{.key = token.public_key(), .signature = token.Sign(transcript)};
    return enrol;
  }

  /// The same with fresh keys.
  wire::Enrol Honest(const ChannelPtr& channel, const SigningKey& token) {
    return Honest(channel, token, MakeRequest().value(), SigningKey::Generate());
  }

  SigningKey RosterKeyOf(int member) const {
    return LoadSigningKey(Path(ClientFolder(member)) / "roster.key").value();
  }

  /// What a member sends to renew.
  wire::Enrol Renewal(const ChannelPtr& channel,
                      const CertificateRequest& request,
                      const SigningKey& roster_key) {
    wire::Enrol enrol = Honest(channel, SigningKey::Generate(), request, roster_key);
    enrol.token.reset();
    return enrol;
  }

  CertificateRequest OwnRequest(int member) const {
    return MakeRequest(*ReadTextFile(Path(ClientFolder(member)) / "client.key")).value();
  }

  boost::asio::io_context io_;
  CertifiedKey authority_;
  std::unique_ptr<Program> coordinator_;
  int cases_ = 0;
};

}  // namespace rondo::testing
