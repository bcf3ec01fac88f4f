#pragma once

#include <arpa/inet.h>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

#include "common/core/check.h"

namespace rondo::testing {

/// A blocking TCP connection to a port of this machine, without TLS and without any manners.
class PlainSocket {
 public:
  /// `from` is the last byte of the own address, 127.0.0.`from`.
  explicit PlainSocket(std::uint16_t port, std::uint32_t from = 1)
      : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    RONDO_CHECK(descriptor_ >= 0) << "no socket";
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + from);
    const auto* name = reinterpret_cast<const sockaddr*>(&address);
    RONDO_CHECK(::bind(descriptor_, name, sizeof address) == 0) << "no such address";
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(descriptor_, name, sizeof address) == 0;
  }

  PlainSocket(PlainSocket&& other) noexcept
      : descriptor_(other.descriptor_),
        connected_(other.connected_) {
    other.descriptor_ = -1;
  }

  PlainSocket& operator=(PlainSocket&&) = delete;

  ~PlainSocket() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }

  bool connected() const { return connected_; }

  /// False if the peer is gone.
  bool Send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent < 0) {
        return false;
      }
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Everything the peer sends until it closes; `closed` tells whether it did so within a minute.
  std::string ReadToEnd(bool* closed = nullptr) const {
    std::string text;
    char buffer[4096];
    pollfd entry{.fd = descriptor_, .events = POLLIN, .revents = 0};
    while (::poll(&entry, 1, 60'000) > 0) {
      const ssize_t got = ::recv(descriptor_, buffer, sizeof buffer, 0);
      if (got <= 0) {
        if (closed != nullptr) {
          *closed = true;
        }
        return text;
      }
      text.append(buffer, static_cast<std::size_t>(got));
    }
    if (closed != nullptr) {
      *closed = false;
    }
    return text;
  }

 private:
  int descriptor_;
  bool connected_ = false;
};

/// The answer to GET, head and body; empty if nobody answers.
inline std::string HttpGet(std::uint16_t port, const std::string& target) {
  const PlainSocket socket(port);
  return socket.Send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n") ? socket.ReadToEnd()
                                                                               : std::string();
}

inline std::string BodyOf(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? std::string() : answer.substr(end + 4);
}

}  // namespace rondo::testing
