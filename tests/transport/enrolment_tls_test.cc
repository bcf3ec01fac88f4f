#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/transport/tls_channel.h"
#include "common/wire/frame.h"
#include "tests/support/run_task.h"
#include "tests/support/tls_world.h"

namespace rondo {
namespace {

using ::testing::HasSubstr;
using testing::RunTask;
using testing::Soon;
using testing::TlsWorld;
using Peer = Result<std::shared_ptr<Channel>>;

/// Accepts one connection and shakes hands; `incoming` outlives the task.
Task<Peer> AcceptOne(TlsListener& listener, std::shared_ptr<IncomingPeer>& incoming) {
  RONDO_CO_TRY(incoming, co_await listener.Accept());
  Peer peer = co_await incoming->Handshake(Soon());
  co_return peer;
}

class EnrolmentTlsTest : public ::testing::Test {
 protected:
  void Listen(TlsContext context) {
    listener_ = TlsListener::Listen(io_.get_executor(), std::move(context), "127.0.0.1", 0).value();
    pending_ = testing::Start(io_, AcceptOne(*listener_, incoming_));
  }

  TlsContext EnrollingServer() {
    return TlsContext::Create(
               world_.Files("server"), TlsContext::Role::kServer, TlsContext::Purpose::kEnrolment)
        .value();
  }

  Peer Connect(TlsContext context) {
    const TlsAddress address{.host = "127.0.0.1", .port = listener_->port()};
    return RunTask(io_, ConnectTls(io_.get_executor(), std::move(context), address, Soon()));
  }

  Peer Accepted() { return testing::Wait(io_, pending_); }

  std::string Pin() const { return InspectCertificate(world_.authority().certificate_pem)->sha256; }

  TlsWorld world_;
  boost::asio::io_context io_;
  std::unique_ptr<TlsListener> listener_;
  std::shared_ptr<IncomingPeer> incoming_;
  std::shared_ptr<std::optional<Peer>> pending_;
};

TEST_F(EnrolmentTlsTest, ANewcomerKnowsTheServerByThePinAlone) {
  Listen(EnrollingServer());

  const Peer client = Connect(TlsContext::CreatePinned(Pin()).value());
  const Peer server = Accepted();

  ASSERT_TRUE(client.has_value()) << client.error().message;
  ASSERT_TRUE(server.has_value()) << server.error().message;
  EXPECT_TRUE(incoming_->enrolling());
  EXPECT_EQ(server.value()->peer(), "");
  EXPECT_EQ(server.value()->security().key_sha256, "");
  EXPECT_EQ(client.value()->security().binding, server.value()->security().binding);
  EXPECT_EQ(
      client.value()->security().key_sha256,
      InspectCertificate(
          LoadCertifiedKey(world_.File("server.crt"), world_.File("server.key"))->certificate_pem)
          ->key_sha256);
}

TEST_F(EnrolmentTlsTest, EveryConnectionHasABindingOfItsOwn) {
  Listen(EnrollingServer());
  const Peer first = Connect(TlsContext::CreatePinned(Pin()).value());
  ASSERT_TRUE(Accepted());
  pending_ = testing::Start(io_, AcceptOne(*listener_, incoming_));
  const Peer second = Connect(TlsContext::CreatePinned(Pin()).value());

  EXPECT_NE(first.value()->security().binding, second.value()->security().binding);
}

TEST_F(EnrolmentTlsTest, AnotherAuthorityThanThePinnedOneIsRefused) {
  Listen(EnrollingServer());

  const Peer client = Connect(TlsContext::CreatePinned(std::string(64, '0')).value());

  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error().code, ErrorCode::kUnauthenticated);
  EXPECT_THAT(client.error().message, HasSubstr("foreign authority"));
}

TEST_F(EnrolmentTlsTest, ThePinDoesNotReplaceTheHostName) {
  world_.Save("server", IssueServer(world_.authority(), {"c.example"}, Validity::Days(10)).value());
  Listen(EnrollingServer());

  const Peer client = Connect(TlsContext::CreatePinned(Pin()).value());

  ASSERT_FALSE(client.has_value());
  EXPECT_THAT(client.error().message, HasSubstr("names another host"));
}

TEST_F(EnrolmentTlsTest, AClientOfThePinnedAuthorityCannotPlayTheServer) {
  world_.Save("north", IssueClient(world_.authority(), "north", Validity::Days(10)).value());
  Listen(TlsContext::Create(
             world_.Files("north"), TlsContext::Role::kServer, TlsContext::Purpose::kEnrolment)
             .value());

  const Peer client = Connect(TlsContext::CreatePinned(Pin()).value());

  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error().code, ErrorCode::kUnauthenticated) << client.error().message;
}

TEST_F(EnrolmentTlsTest, AMemberShowsItsCertificateToRenew) {
  world_.Save("north", IssueClient(world_.authority(), "north", Validity::Days(10)).value());
  Listen(EnrollingServer());

  const Peer client =
      Connect(TlsContext::Create(
                  world_.Files("north"), TlsContext::Role::kClient, TlsContext::Purpose::kEnrolment)
                  .value());
  const Peer server = Accepted();

  ASSERT_TRUE(server.has_value()) << server.error().message;
  EXPECT_TRUE(incoming_->enrolling());
  EXPECT_EQ(server.value()->peer(), "north");
}

TEST_F(EnrolmentTlsTest, ASessionNeedsACertificateThoughTheServerEnrols) {
  Listen(EnrollingServer());
  boost::asio::ssl::context context(boost::asio::ssl::context::tls_client);
  boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream(io_, context);
  stream.next_layer().connect({boost::asio::ip::address_v4::loopback(), listener_->port()});
  stream.async_handshake(boost::asio::ssl::stream_base::client, [](boost::system::error_code) {});

  const Peer server = Accepted();

  ASSERT_FALSE(server.has_value());
  EXPECT_THAT(server.error().message, HasSubstr("no certificate"));
}

TEST_F(EnrolmentTlsTest, ASessionWithACertificateIsNoEnrolment) {
  const TlsContext north = world_.Client("north");
  Listen(EnrollingServer());
  const Peer client = Connect(north);
  const Peer server = Accepted();

  ASSERT_TRUE(server.has_value()) << server.error().message;
  EXPECT_FALSE(incoming_->enrolling());
}

TEST_F(EnrolmentTlsTest, AServerThatDoesNotEnrolWantsACertificate) {
  Listen(world_.Server());

  // A client of TLS 1.3 is done before the server has judged it.
  const Peer client = Connect(TlsContext::CreatePinned(Pin()).value());
  const Peer server = Accepted();

  ASSERT_FALSE(server.has_value());
  EXPECT_THAT(server.error().message, HasSubstr("no certificate"));
}

TEST_F(EnrolmentTlsTest, ANewcomerThatAnnouncesMuchIsCutOffBeforeItSendsIt) {
  Listen(EnrollingServer());
  const Peer client = Connect(TlsContext::CreatePinned(Pin()).value());
  const Peer server = Accepted();
  ASSERT_TRUE(server.has_value());
  Bytes header(wire::kFrameHeaderSize);
  // A type whose own cap is a megabyte.
  wire::WriteFrameHeader(std::span<std::uint8_t, wire::kFrameHeaderSize>(header),
                         wire::FrameType::kContributionChunk,
                         (16 << 10) + 1);
  auto sent = testing::Start(io_, client.value()->Send(header, Soon()));

  const auto received = RunTask(io_, server.value()->Receive(Soon()));

  ASSERT_FALSE(received.has_value());
  EXPECT_EQ(received.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace rondo
