#pragma once

#include <functional>

#include "common/core/result.h"

namespace rondo::sim {

/// What a parsed sub-command does; main runs it after the command line has been understood.
using Action = std::function<Status()>;

}  // namespace rondo::sim
