#pragma once

namespace rondo::client {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace rondo::client
