#pragma once

#include <exception>

namespace rondo::coordinator {

/// Completion handler of a spawned coroutine: an exception that left it is logged, and only its
/// connection ends.
void LogFault(std::exception_ptr fault);

}  // namespace rondo::coordinator
