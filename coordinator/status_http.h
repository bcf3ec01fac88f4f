#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "common/core/result.h"

namespace rondo::coordinator {

/// What the pages show; called on the executor's thread at each request.
struct StatusPages {
  std::function<std::string()> metrics;  ///< Prometheus text format
  std::function<std::string()> status;   ///< one JSON object
};

/// A small HTTP/1.1 server for operators: GET /healthz, /metrics, /status, one request a
/// connection. No authentication: it listens on loopback unless told otherwise. A connection has
/// ten seconds for a request of at most 8 KiB; those beyond kMostConnections are closed at once, so
/// that idle peers cost the coordinator neither memory nor file descriptors. Confined to the
/// executor's thread.
class StatusServer {
 public:
  static constexpr int kMostConnections = 64;

  /// Port 0 takes a free one.
  /// Errors  kInvalidArgument for a host that is no IP address; kUnavailable if the port is taken.
  static Result<StatusServer> Start(boost::asio::any_io_executor executor,
                                    const std::string& host,
                                    std::uint16_t port,
                                    StatusPages pages);

  std::uint16_t port() const;
  void Stop();

 private:
  struct State;

  explicit StatusServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

}  // namespace rondo::coordinator
