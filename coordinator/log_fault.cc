#include "coordinator/log_fault.h"

#include <spdlog/spdlog.h>

namespace rondo::coordinator {

void LogFault(std::exception_ptr fault) {
  if (!fault) {
    return;
  }
  try {
    std::rethrow_exception(fault);
  } catch (const std::exception& error) {
    spdlog::error("a connection failed: {}", error.what());
  }
}

}  // namespace rondo::coordinator
