#pragma once

#include <string>

#include "common/core/clock.h"
#include "common/core/result.h"

namespace rondo::coordinator {

/// The body of one of StatusServer's pages. Blocks for at most `timeout`.
/// Errors  kCorrupt for an address that is none; kUnavailable if nobody answers in time, or not
/// with that page.
Result<std::string> FetchPage(const std::string& address,
                              const std::string& target,
                              Duration timeout);

}  // namespace rondo::coordinator
