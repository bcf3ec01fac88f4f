#pragma once

#include <string>

namespace rondo {

/// "host:port" for people and files; an IPv6 address stands in brackets.
inline std::string HostPort(const std::string& host, int port) {
  const bool colons = host.find(':') != std::string::npos;
  return (colons ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace rondo
