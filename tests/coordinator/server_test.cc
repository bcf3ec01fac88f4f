#include "coordinator/server.h"

#include <future>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/status_client.h"
#include "coordinator/status_http.h"
#include "tests/coordinator/fake_client.h"
#include "tests/support/plain_socket.h"
#include "tests/support/run_task.h"
#include "tests/support/tls_world.h"

namespace rondo::coordinator {
namespace {

using testing::BodyOf;
using ::testing::HasSubstr;
using testing::HttpGet;
using ::testing::IsEmpty;
using testing::PlainSocket;
using ::testing::StartsWith;

/// An executor with a thread of its own, as peers with blocking sockets need one.
class ServingTest : public ::testing::Test {
 public:
  ~ServingTest() override {
    io_.stop();
    thread_.join();
  }

 protected:
  /// Runs `work` on the executor and returns what it returns.
  template <typename Work>
  auto OnExecutor(Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto result = task.get_future();
    boost::asio::post(io_, std::move(task));
    return result.get();
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{
      io_.get_executor()};
  std::thread thread_{[this] {
    io_.run();
  }};
};

class StatusServerTest : public ServingTest {
 protected:
  StatusServerTest()
      : server_(OnExecutor([this] {
                  return StatusServer::Start(io_.get_executor(), "127.0.0.1", 0, Pages());
                }).value()),
        port_(server_.port()) {}

  static StatusPages Pages() {
    return {.metrics = [] { return std::string("# TYPE up gauge\nup 1\n"); },
            .status =
                [] {
                  return std::string(R"({"round":3})");
                }};
  }

  StatusServer server_;
  std::uint16_t port_;
};

TEST_F(StatusServerTest, ServesThePagesAndNothingElse) {
  const std::string health = HttpGet(port_, "/healthz");
  EXPECT_THAT(health, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(BodyOf(health), "ok\n");
  EXPECT_EQ(BodyOf(HttpGet(port_, "/metrics")), "# TYPE up gauge\nup 1\n");
  EXPECT_THAT(HttpGet(port_, "/metrics"), HasSubstr("text/plain; version=0.0.4"));
  EXPECT_EQ(BodyOf(HttpGet(port_, "/status")), "{\"round\":3}\n");
  EXPECT_THAT(HttpGet(port_, "/status"), HasSubstr("application/json"));
  for (const char* other : {"/", "/metrics/", "/../etc/passwd", "*"}) {
    EXPECT_THAT(HttpGet(port_, other), StartsWith("HTTP/1.1 404 ")) << other;
  }
}

TEST_F(StatusServerTest, OnlyGetIsUnderstood) {
  for (const std::string method : {"POST", "PUT", "DELETE", "HEAD"}) {
    const PlainSocket socket(port_);
    ASSERT_TRUE(socket.Send(method + " /status HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_THAT(socket.ReadToEnd(), StartsWith("HTTP/1.1 405 ")) << method;
  }
}

TEST_F(StatusServerTest, GarbageAndGreedCostOnlyTheirConnection) {
  const std::vector<std::string> requests = {
      std::string("\x16\x03\x01\x02\x00\x01\x00\x01", 8),                // a TLS handshake
      "GET /status\r\n\r\n",                                             // no version
      "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",  // no number
      "GET /status HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789",
      "GET /" + std::string(1 << 20, 'a') + " HTTP/1.1\r\n\r\n",         // a long target
      "GET / HTTP/1.1\r\nX: " + std::string(1 << 20, 'b') + "\r\n\r\n",  // a long header
  };
  for (const std::string& request : requests) {
    const PlainSocket socket(port_);
    socket.Send(request);  // The server may close before it has heard everything.
    bool closed = false;
    EXPECT_THAT(socket.ReadToEnd(&closed), IsEmpty()) << request.substr(0, 60);
    EXPECT_TRUE(closed) << request.substr(0, 60);
  }
  EXPECT_EQ(BodyOf(HttpGet(port_, "/healthz")), "ok\n");
}

TEST_F(StatusServerTest, ConnectionsBeyondTheLimitAreClosedAtOnce) {
  std::vector<PlainSocket> idle;
  for (int i = 0; i < StatusServer::kMostConnections; ++i) {
    idle.emplace_back(port_);
    ASSERT_TRUE(idle.back().connected());
  }
  const auto start = std::chrono::steady_clock::now();
  bool closed = false;
  EXPECT_THAT(PlainSocket(port_).ReadToEnd(&closed), IsEmpty());
  EXPECT_TRUE(closed);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5))
      << "closed by the timeout of a request, not by the limit";

  // One of those that were admitted is still served, and its place is free afterwards.
  ASSERT_TRUE(idle.front().Send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_EQ(BodyOf(idle.front().ReadToEnd()), "ok\n");
  EXPECT_EQ(BodyOf(HttpGet(port_, "/healthz")), "ok\n");
}

TEST_F(StatusServerTest, TheClientGetsAPageOrSaysWhyNot) {
  const std::string address = "127.0.0.1:" + std::to_string(port_);
  EXPECT_EQ(FetchPage(address, "/status", std::chrono::seconds(20)).value(), "{\"round\":3}\n");
  const auto missing = FetchPage(address, "/nothing", std::chrono::seconds(20));
  ASSERT_FALSE(missing.has_value());
  EXPECT_THAT(missing.error().message, HasSubstr("404"));
  EXPECT_EQ(FetchPage("nowhere", "/status", std::chrono::seconds(20)).error().code,
            ErrorCode::kCorrupt);
}

TEST_F(StatusServerTest, TheClientDoesNotWaitForSomebodyWhoIsSilent) {
  // Connections wait in the backlog: nobody accepts them.
  const boost::asio::ip::tcp::acceptor silent(
      io_, {boost::asio::ip::address_v4::loopback(), std::uint16_t{0}});
  const std::string address = "127.0.0.1:" + std::to_string(silent.local_endpoint().port());

  const auto page = FetchPage(address, "/status", std::chrono::milliseconds(50));

  ASSERT_FALSE(page.has_value());
  EXPECT_EQ(page.error().code, ErrorCode::kUnavailable);
}

TEST_F(StatusServerTest, APortThatIsTakenAndAHostThatIsNoneAreErrors) {
  const auto start = [this](const std::string& host, std::uint16_t port) {
    return OnExecutor(
        [&] { return StatusServer::Start(io_.get_executor(), host, port, Pages()).error(); });
  };
  EXPECT_EQ(start("127.0.0.1", port_).code, ErrorCode::kUnavailable);
  EXPECT_EQ(start("example.org", 0).code, ErrorCode::kInvalidArgument);
}

class ServerTest : public ServingTest {
 protected:
  void Serve(const Server::Options& options) {
    OnExecutor([this, options] {
      auto listener =
          TlsListener::Listen(io_.get_executor(), world_.Server(), "127.0.0.1", 0).value();
      clients_ = std::make_unique<RemoteClients>(io_.get_executor(), RemoteClients::Options{});
      server_ =
          std::make_unique<Server>(io_.get_executor(), std::move(listener), *clients_, options);
      server_->Start();
      return true;
    });
  }

  void TearDown() override {
    OnExecutor([this] {
      server_->Stop();
      clients_->Stop();
      server_.reset();
      clients_.reset();
      return true;
    });
  }

  std::uint16_t port() const { return server_->port(); }

  std::uint64_t Failed() {
    return OnExecutor([this] { return server_->handshakes_failed(); });
  }

  testing::TlsWorld world_;
  std::unique_ptr<RemoteClients> clients_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, PeersThatDoNotSpeakTlsAreClosed) {
  Serve({});
  for (const std::string text : {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01", "\0\0\0\0\0\0"}) {
    const PlainSocket peer(port());
    peer.Send(text + std::string(4096, 'x'));
    bool closed = false;
    peer.ReadToEnd(&closed);
    EXPECT_TRUE(closed);
  }
  EXPECT_EQ(Failed(), 3U);
}

TEST_F(ServerTest, SilentPeersAreClosedAtTheDeadline) {
  Serve({.handshake_timeout = std::chrono::milliseconds(50)});
  const PlainSocket peer(port());
  bool closed = false;
  EXPECT_THAT(peer.ReadToEnd(&closed), IsEmpty());
  EXPECT_TRUE(closed);
  EXPECT_EQ(Failed(), 1U);
}

TEST_F(ServerTest, TheOldestHandshakeGivesWayToAnHonestClient) {
  Serve({.pending_handshakes = 2, .handshake_timeout = std::chrono::minutes(5)});
  std::vector<PlainSocket> silent;
  silent.reserve(3);
  for (int i = 0; i < 3; ++i) {
    silent.emplace_back(port());
  }
  bool closed = false;
  EXPECT_THAT(silent[0].ReadToEnd(&closed), IsEmpty());
  EXPECT_TRUE(closed) << "two younger handshakes are under way";

  boost::asio::io_context io;
  const auto channel = testing::RunTask(io,
                                        ConnectTls(io.get_executor(),
                                                   world_.Client("a"),
                                                   {.host = "127.0.0.1", .port = port()},
                                                   testing::Soon()));

  EXPECT_TRUE(channel) << channel.error().message;
  EXPECT_THAT(silent[1].ReadToEnd(&closed), IsEmpty());
  EXPECT_TRUE(closed);
  EXPECT_EQ(Failed(), 2U) << "the youngest silent peer still has its time";
}

TEST_F(ServerTest, AFloodFromOneAddressKeepsOnlyItselfOut) {
  Serve({.pending_handshakes = 4,
         .handshakes_per_address = 2,
         .handshake_timeout = std::chrono::minutes(5)});
  const PlainSocket honest(port());
  std::vector<PlainSocket> flood;
  flood.reserve(3);
  for (int i = 0; i < 3; ++i) {
    flood.emplace_back(port(), 2);
  }
  bool closed = false;
  flood[0].ReadToEnd(&closed);
  EXPECT_TRUE(closed) << "an address has two of the four places";

  // The second of these finds all places taken, most of them by the flood.
  const PlainSocket third(port(), 3);
  const PlainSocket fourth(port(), 4);

  flood[1].ReadToEnd(&closed);
  EXPECT_TRUE(closed);
  while (Failed() < 2) {}  // The handshake hears of its end a moment after the peer.
  EXPECT_EQ(Failed(), 2U) << "nobody else gave way";
}

TEST_F(ServerTest, ConnectionsBeyondTheLimitAreClosedAtOnce) {
  Serve({.connections = 2, .handshake_timeout = std::chrono::minutes(5)});
  const PlainSocket first(port());
  const PlainSocket second(port());
  const PlainSocket third(port());

  bool closed = false;
  third.ReadToEnd(&closed);

  EXPECT_TRUE(closed);
  EXPECT_EQ(OnExecutor([this] { return server_->connections_refused(); }), 1U);
  EXPECT_EQ(Failed(), 0U);
}

}  // namespace
}  // namespace rondo::coordinator
