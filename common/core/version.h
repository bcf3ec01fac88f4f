#pragma once

namespace rondo {

/// The version of this build, such as "0.1.0".
const char* Version();

}  // namespace rondo
