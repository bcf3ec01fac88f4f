#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/transport/asio_types.h"
#include "common/transport/tls_channel.h"
#include "common/transport/tls_stream.h"
#include "common/wire/frame.h"
#include "common/wire/messages.h"
#include "tests/support/run_task.h"
#include "tests/support/tls_world.h"

namespace rondo {
namespace {

using ::testing::HasSubstr;
using testing::RunTask;
using testing::Soon;
using testing::TlsWorld;
using Peer = Result<std::shared_ptr<Channel>>;

constexpr auto kPast = std::chrono::hours(24 * 30);

/// Accepts one connection and shakes hands.
Task<Peer> AcceptOne(TlsListener& listener) {
  RONDO_CO_TRY(const std::shared_ptr<IncomingPeer> incoming, co_await listener.Accept());
  Peer peer = co_await incoming->Handshake(Soon());
  co_return peer;
}

class TlsTest : public ::testing::Test {
 protected:
  void Listen(TlsWorld& world) {
    auto listener = TlsListener::Listen(io_.get_executor(), world.Server(), "127.0.0.1", 0);
    ASSERT_TRUE(listener.has_value()) << listener.error().message;
    listener_ = std::move(listener).value();
    pending_ = testing::Start(io_, AcceptOne(*listener_));
  }

  TlsAddress Address(std::string host = "127.0.0.1") {
    return {.host = std::move(host), .port = listener_->port()};
  }

  Peer Connect(TlsContext context, TlsAddress address) {
    return RunTask(io_,
                   ConnectTls(io_.get_executor(), std::move(context), std::move(address), Soon()));
  }

  const Peer& Accepted() {
    if (!accepted_) {
      accepted_ = testing::Wait(io_, pending_);
    }
    return *accepted_;
  }

  boost::asio::io_context io_;
  std::unique_ptr<TlsListener> listener_;
  std::shared_ptr<std::optional<Peer>> pending_;
  std::optional<Peer> accepted_;
};

TEST_F(TlsTest, BothSidesLearnWhoTheOtherIsAndFramesArriveUnchanged) {
  TlsWorld world;
  Listen(world);

  Peer client = Connect(world.Client("hospital-7"), Address());

  ASSERT_TRUE(client.has_value()) << client.error().message;
  ASSERT_TRUE(Accepted().has_value()) << Accepted().error().message;
  EXPECT_EQ(Accepted().value()->peer(), "hospital-7");
  EXPECT_EQ(client.value()->peer(), "127.0.0.1");
  const Bytes large = wire::Encode(wire::ModelChunk{.sha256 = std::string(64, 'a'),
                                                    .total = 1 << 20,
                                                    .offset = 0,
                                                    .bytes = std::string(1 << 20, 'Z')});
  testing::Start(io_, client.value()->Send(large, Soon()));
  const auto received = RunTask(io_, Accepted().value()->Receive(Soon()));
  ASSERT_TRUE(received.has_value()) << received.error().message;
  EXPECT_EQ(received.value(), large);
  EXPECT_EQ(Accepted().value()->bytes_received(), large.size());
}

TEST_F(TlsTest, AForeignServerIsRefusedByTheClient) {
  TlsWorld world;
  TlsWorld other;
  Listen(world);

  const Peer client = Connect(other.Client("a"), Address());

  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error().code, ErrorCode::kUnauthenticated);
  EXPECT_THAT(client.error().message, HasSubstr("foreign authority"));
  EXPECT_FALSE(Accepted().has_value());
}

TEST_F(TlsTest, AServerUnderAnotherNameIsRefusedByTheClient) {
  TlsWorld world({"coordinator.example"});
  Listen(world);

  const Peer client = Connect(world.Client("a"), Address());

  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error().code, ErrorCode::kUnauthenticated);
  EXPECT_THAT(client.error().message, HasSubstr("names another host"));
}

TEST_F(TlsTest, AHostNameIsComparedWithTheCertificateToo) {
  TlsWorld world({"localhost"});
  Listen(world);

  const Peer client = Connect(world.Client("a"), Address("localhost"));

  EXPECT_TRUE(client.has_value()) << client.error().message;
}

TEST_F(TlsTest, AClientCertificateDoesNotServe) {
  TlsWorld world;
  TlsContext client_context = world.Client("a");
  auto as_server = TlsContext::Create(world.Files("a"), TlsContext::Role::kServer).value();
  listener_ = TlsListener::Listen(io_.get_executor(), as_server, "127.0.0.1", 0).value();
  pending_ = testing::Start(io_, AcceptOne(*listener_));

  const Peer client = Connect(client_context, Address());

  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error().code, ErrorCode::kUnauthenticated);
}

/// A client made of bare Asio, which offers whatever a test wants.
struct BareClient {
  std::string name;
  std::function<void(TlsWorld&, boost::asio::ssl::context&)> prepare;
  std::string server_says;
};

void UseFiles(boost::asio::ssl::context& context, const TlsFiles& files) {
  context.use_certificate_chain_file(files.certificate.string());
  context.use_private_key_file(files.key.string(), boost::asio::ssl::context::pem);
}

const BareClient kBadClients[] = {
    {"Expired",
     [](TlsWorld& world, boost::asio::ssl::context& context) {
       const auto now = std::chrono::system_clock::now();
       world.Save("old",
                  IssueClient(world.authority(), "old", {now - 2 * kPast, now - kPast}).value());
       UseFiles(context, world.Files("old"));
     },
     "expired"},
    {"Foreign",
     [](TlsWorld& world, boost::asio::ssl::context& context) {
       const CertifiedKey other = MakeAuthority("another authority", Validity::Days(10)).value();
       world.Save("foreign", IssueClient(other, "foreign", Validity::Days(10)).value());
       UseFiles(context, world.Files("foreign"));
     },
     "foreign authority"},
    {"NoCertificate", [](TlsWorld&, boost::asio::ssl::context&) {}, "no certificate"},
    {"ServerCertificate",
     [](TlsWorld& world, boost::asio::ssl::context& context) {
       UseFiles(context, world.Files("server"));
     },
     "made for the other side"},
    {"OldTls",
     [](TlsWorld& world, boost::asio::ssl::context& context) {
       world.Client("a");
       UseFiles(context, world.Files("a"));
       SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_2_VERSION);
     },
     "TLS 1.3"},
};

class BadClientTest : public TlsTest, public ::testing::WithParamInterface<BareClient> {};

TEST_P(BadClientTest, IsRefusedWithTheReason) {
  TlsWorld world;
  Listen(world);
  boost::asio::ssl::context context(boost::asio::ssl::context::tls_client);
  GetParam().prepare(world, context);
  boost::asio::ssl::stream<Tcp::socket> stream(io_, context);
  stream.next_layer().connect({boost::asio::ip::address_v4::loopback(), listener_->port()});
  // The outcome at the client depends on the TLS version; the server's is what counts.
  stream.async_handshake(boost::asio::ssl::stream_base::client, [](boost::system::error_code) {});

  const Peer& peer = Accepted();

  ASSERT_FALSE(peer.has_value());
  EXPECT_EQ(peer.error().code, ErrorCode::kUnauthenticated) << peer.error().message;
  EXPECT_THAT(peer.error().message, HasSubstr(GetParam().server_says));
}

INSTANTIATE_TEST_SUITE_P(Tls, BadClientTest, ::testing::ValuesIn(kBadClients), [](const auto& row) {
  return row.param.name;
});

TEST_F(TlsTest, ARefusedClientIsToldWhyOnItsFirstReceive) {
  TlsWorld world;
  Listen(world);
  const CertifiedKey other = MakeAuthority("another authority", Validity::Days(10)).value();
  world.Save("foreign", IssueClient(other, "foreign", Validity::Days(10)).value());
  Peer client = Connect(
      TlsContext::Create(world.Files("foreign"), TlsContext::Role::kClient).value(), Address());
  ASSERT_TRUE(client.has_value()) << "TLS 1.3 clients finish before the server has judged them";

  const auto received = RunTask(io_, client.value()->Receive(Soon()));

  ASSERT_FALSE(received.has_value());
  EXPECT_EQ(received.error().code, ErrorCode::kUnauthenticated) << received.error().message;
  EXPECT_THAT(received.error().message, HasSubstr("does not know the authority"));
}

TEST_F(TlsTest, AnExpiredOwnCertificateIsNamedBeforeConnecting) {
  TlsWorld world;
  const auto now = std::chrono::system_clock::now();
  world.Save("old", IssueClient(world.authority(), "old", {now - 2 * kPast, now - kPast}).value());

  const auto context = TlsContext::Create(world.Files("old"), TlsContext::Role::kClient);

  ASSERT_FALSE(context.has_value());
  EXPECT_EQ(context.error().code, ErrorCode::kUnauthenticated);
  EXPECT_THAT(context.error().message, HasSubstr("expired on"));
}

/// What a peer writes below the frame layer, and what the receiver must say.
struct Stream {
  std::string name;
  Bytes bytes;
  ErrorCode code;
  std::string message;
};

const Stream kStreams[] = {
    {"Nothing", {}, ErrorCode::kUnavailable, "waiting for a frame"},
    {"HalfHeader", {0, 0, 0}, ErrorCode::kUnavailable, "in the middle of a frame"},
    {"HalfPayload", {0, 0, 0, 8, 4, 1, 1, 2}, ErrorCode::kUnavailable, "in the middle of a frame"},
    {"Oversized",
     {0xFF, 0xFF, 0xFF, 0xFF, 10, 1},
     ErrorCode::kCorrupt,
     "announces 4294967295 bytes"},
    {"UnknownType", {0, 0, 0, 1, 99, 1, 0}, ErrorCode::kCorrupt, "unknown frame type 99"},
    {"OtherVersion", {0, 0, 0, 0, 4, 2}, ErrorCode::kCorrupt, "frame version 2"},
};

class StreamTest : public TlsTest, public ::testing::WithParamInterface<Stream> {};

TEST_P(StreamTest, EndsInOneClearError) {
  TlsWorld world;
  Listen(world);
  boost::asio::ssl::context context(boost::asio::ssl::context::tls_client);
  world.Client("a");
  UseFiles(context, world.Files("a"));
  boost::asio::ssl::stream<Tcp::socket> stream(io_, context);
  stream.next_layer().connect({boost::asio::ip::address_v4::loopback(), listener_->port()});
  std::optional<boost::system::error_code> shaken;
  stream.async_handshake(boost::asio::ssl::stream_base::client,
                         [&](boost::system::error_code code) { shaken = code; });
  ASSERT_TRUE(Accepted().has_value());
  while (!shaken) {
    io_.run_one();
  }
  const Bytes bytes = GetParam().bytes;
  if (!bytes.empty()) {
    boost::asio::write(stream, boost::asio::buffer(bytes));
  }
  stream.next_layer().close();

  const auto received = RunTask(io_, Accepted().value()->Receive(Soon()));

  ASSERT_FALSE(received.has_value());
  EXPECT_EQ(received.error().code, GetParam().code);
  EXPECT_THAT(received.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(Tls, StreamTest, ::testing::ValuesIn(kStreams), [](const auto& row) {
  return row.param.name;
});

TEST_F(TlsTest, WaitingEndsAtTheDeadline) {
  TlsWorld world;
  Listen(world);
  Peer client = Connect(world.Client("a"), Address());
  ASSERT_TRUE(client.has_value());

  const auto received =
      RunTask(io_, client.value()->Receive(testing::In(std::chrono::milliseconds(20))));

  ASSERT_FALSE(received.has_value());
  EXPECT_EQ(received.error().code, ErrorCode::kTimeout);
}

TEST_F(TlsTest, APeerThatNeverShakesHandsIsGivenUp) {
  TlsWorld world;
  auto listener = TlsListener::Listen(io_.get_executor(), world.Server(), "127.0.0.1", 0).value();
  Tcp::socket silent(io_);
  silent.connect({boost::asio::ip::address_v4::loopback(), listener->port()});
  auto incoming = RunTask(io_, listener->Accept()).value();

  const Peer peer = RunTask(io_, incoming->Handshake(testing::In(std::chrono::milliseconds(20))));

  ASSERT_FALSE(peer.has_value());
  EXPECT_EQ(peer.error().code, ErrorCode::kTimeout);
}

TEST_F(TlsTest, CloseWakesAReaderThatWaits) {
  TlsWorld world;
  Listen(world);
  Peer client = Connect(world.Client("a"), Address());
  ASSERT_TRUE(client.has_value());
  boost::asio::post(io_, [&] { client.value()->Close(); });

  const auto received = RunTask(io_, client.value()->Receive(Soon()));

  ASSERT_FALSE(received.has_value());
  EXPECT_EQ(received.error().code, ErrorCode::kUnavailable);
}

std::string ExpectedAddress(SSL* ssl) {
  char* text = X509_VERIFY_PARAM_get1_ip_asc(SSL_get0_param(ssl));
  std::string address = text == nullptr ? "" : text;
  OPENSSL_free(text);
  return address;
}

TEST(ExpectHost, AsksForAnAddressWithoutItsScope) {
  const std::pair<const char*, const char*> rows[] = {{"10.1.2.3", "10.1.2.3"},
                                                      {"::1", "0:0:0:0:0:0:0:1"},
                                                      {"fe80::1%1", "FE80:0:0:0:0:0:0:1"},
                                                      {"fe80::1%lo", "FE80:0:0:0:0:0:0:1"}};
  for (const auto& [host, expected] : rows) {
    boost::asio::ssl::context context(boost::asio::ssl::context::tls);
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.native_handle()), SSL_free);
    ASSERT_TRUE(detail::ExpectHost(ssl.get(), host).has_value()) << host;
    EXPECT_EQ(ExpectedAddress(ssl.get()), expected) << host;
  }
}

TEST(ExpectHost, RefusesWhatNoCertificateNames) {
  for (const std::string& host : {std::string(), std::string(300, 'a'), std::string("a\0b", 3)}) {
    boost::asio::ssl::context context(boost::asio::ssl::context::tls);
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.native_handle()), SSL_free);
    const Status expected = detail::ExpectHost(ssl.get(), host);
    ASSERT_FALSE(expected.has_value()) << host;
    EXPECT_EQ(expected.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Backoff, DoublesUpToItsLimitWithJitter) {
  Backoff backoff(std::chrono::milliseconds(100),
                  std::chrono::milliseconds(400),
                  Rng({.seed = 3, .purpose = Purpose::kBackoff}));
  for (const int base : {100, 200, 400, 400}) {
    const Duration wait = backoff.Next();
    EXPECT_GE(wait, std::chrono::milliseconds(base) / 2);
    EXPECT_LT(wait, std::chrono::milliseconds(base));
  }
  backoff.Reset();
  EXPECT_LT(backoff.Next(), std::chrono::milliseconds(100));
}

}  // namespace
}  // namespace rondo
