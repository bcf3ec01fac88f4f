#include "coordinator/status_http.h"

#include <spdlog/spdlog.h>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "common/transport/asio_types.h"
#include "common/transport/channel.h"
#include "coordinator/log_fault.h"

namespace rondo::coordinator {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr auto kTimeout = std::chrono::seconds(10);
/// Pause after a failed accept, such as too many open files.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr std::uint32_t kHeaderCap = 8 * 1024;

using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

Response Answer(const Request& request, const StatusPages& pages) {
  Response response;
  response.version(request.version());
  response.keep_alive(false);
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  response.set(http::field::cache_control, "no-store");
  if (request.method() != http::verb::get) {
    response.result(http::status::method_not_allowed);
    response.set(http::field::allow, "GET");
    response.body() = "only GET is understood\n";
  } else if (request.target() == "/healthz") {
    response.body() = "ok\n";
  } else if (request.target() == "/metrics") {
    response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    response.body() = pages.metrics();
  } else if (request.target() == "/status") {
    response.set(http::field::content_type, "application/json");
    response.body() = pages.status() + "\n";
  } else {
    response.result(http::status::not_found);
    response.body() = "pages: /healthz /metrics /status\n";
  }
  response.prepare_payload();
  return response;
}

/// One of the connections that are open at a time.
class Place {
 public:
  explicit Place(int& open) : open_(open) { ++open_; }

  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  ~Place() { --open_; }

 private:
  int& open_;
};

Task<void> Serve(beast::tcp_stream stream, std::shared_ptr<const StatusPages> pages) {
  beast::flat_buffer buffer(kHeaderCap);
  http::request_parser<http::string_body> parser;
  parser.header_limit(kHeaderCap);
  parser.body_limit(0);
  stream.expires_after(kTimeout);
  const auto [read_error, read] = co_await http::async_read(stream, buffer, parser, kAwait);
  if (read_error) {
    co_return;
  }
  const Response response = Answer(parser.get(), *pages);
  stream.expires_after(kTimeout);
  co_await http::async_write(stream, response, kAwait);
  boost::system::error_code ignored;  // The answer is out; the peer may be gone.
  stream.socket().shutdown(Tcp::socket::shutdown_send, ignored);
}

}  // namespace

struct StatusServer::State {
  Tcp::acceptor acceptor;
  std::shared_ptr<const StatusPages> pages;
  int open = 0;
  bool full = false;

  static Task<void> Attend(std::shared_ptr<State> self, beast::tcp_stream stream) {
    const Place place(self->open);
    co_await Serve(std::move(stream), self->pages);
  }

  static Task<void> Accept(std::shared_ptr<State> self) {
    Timer pause(self->acceptor.get_executor());
    for (;;) {
      auto [code, socket] = co_await self->acceptor.async_accept(kAwait);
      if (!self->acceptor.is_open()) {
        co_return;
      }
      if (code) {
        pause.expires_after(kAcceptPause);
        co_await pause.async_wait(kAwait);
        continue;
      }
      if (self->open >= kMostConnections) {
        if (!std::exchange(self->full, true)) {  // Once a flood, which must not fill the log too.
          spdlog::warn("status page: {} connections are open, more are closed", self->open);
        }
        continue;
      }
      self->full = false;
      const auto executor = self->acceptor.get_executor();
      beast::tcp_stream stream(std::move(socket));
      boost::asio::co_spawn(executor, Attend(self, std::move(stream)), LogFault);
    }
  }
};

Result<StatusServer> StatusServer::Start(boost::asio::any_io_executor executor,
                                         const std::string& host,
                                         std::uint16_t port,
                                         StatusPages pages) {
  boost::system::error_code code;
  const auto address = boost::asio::ip::make_address(host, code);
  if (code) {
    return Fail(ErrorCode::kInvalidArgument,
                "status.host '" + host + "' is no IP address of this machine");
  }
  auto state = std::make_shared<State>(
      State{.acceptor = Tcp::acceptor(executor),
            .pages = std::make_shared<const StatusPages>(std::move(pages))});
  const Tcp::endpoint endpoint(address, port);
  state->acceptor.open(endpoint.protocol(), code);
  if (!code) {
    state->acceptor.set_option(Tcp::acceptor::reuse_address(true), code);
  }
  if (!code) {
    state->acceptor.bind(endpoint, code);
  }
  if (!code) {
    state->acceptor.listen(Tcp::acceptor::max_listen_connections, code);
  }
  if (code) {
    return Fail(
        ErrorCode::kUnavailable,
        "cannot serve the status on " + host + ":" + std::to_string(port) + ": " + code.message());
  }
  boost::asio::co_spawn(executor, State::Accept(state), LogFault);
  return StatusServer(std::move(state));
}

std::uint16_t StatusServer::port() const {
  return state_->acceptor.local_endpoint().port();
}

void StatusServer::Stop() {
  boost::system::error_code ignored;  // Closing cannot be refused.
  state_->acceptor.close(ignored);
}

}  // namespace rondo::coordinator
