#include "coordinator/status_client.h"

#include <cstdlib>
#include <exception>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "common/transport/asio_types.h"
#include "common/transport/channel.h"

namespace rondo::coordinator {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

/// Sends the request and reads the answer; the stream's time is running.
Task<error_code> Ask(beast::tcp_stream& stream,
                     const Tcp::endpoint& server,
                     const Request& request,
                     Response& response) {
  const auto [connect_error] = co_await stream.async_connect(server, kAwait);
  if (connect_error) {
    co_return connect_error;
  }
  const auto [write_error, written] = co_await http::async_write(stream, request, kAwait);
  if (write_error) {
    co_return write_error;
  }
  beast::flat_buffer buffer;
  const auto [read_error, read] = co_await http::async_read(stream, buffer, response, kAwait);
  co_return read_error;
}

}  // namespace

Result<std::string> FetchPage(const std::string& address,
                              const std::string& target,
                              Duration timeout) {
  error_code code;
  const std::size_t colon = address.rfind(':');
  const auto host = boost::asio::ip::make_address(address.substr(0, colon), code);
  if (code || colon == std::string::npos) {
    return Fail(ErrorCode::kCorrupt, "'" + address + "' is no address");
  }
  const auto port =
      static_cast<std::uint16_t>(std::strtoul(address.c_str() + colon + 1, nullptr, 10));
  const Tcp::endpoint server(host, port);
  Request request(http::verb::get, target, 11);
  request.set(http::field::host, address);
  Response response;
  boost::asio::io_context io;
  beast::tcp_stream stream(io);
  stream.expires_after(timeout);
  boost::asio::co_spawn(
      io, Ask(stream, server, request, response), [&](std::exception_ptr fault, error_code asked) {
        if (fault) {
          std::rethrow_exception(fault);
        }
        code = asked;
      });
  io.run();
  if (code) {
    return Fail(ErrorCode::kUnavailable,
                "the coordinator does not answer on " + address + " (" + code.message()
                    + "); is `rondo-coordinator run` alive?");
  }
  if (response.result() != http::status::ok) {
    return Fail(ErrorCode::kUnavailable,
                "what answers on " + address + " has no page " + target + ": HTTP status "
                    + std::to_string(response.result_int()));
  }
  return response.body();
}

}  // namespace rondo::coordinator
