#include "common/core/error.h"

namespace rondo {

int ExitCode(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kUnsupported:
      return 4;
    case ErrorCode::kUnavailable:
    case ErrorCode::kUnauthenticated:
      return 2;
    case ErrorCode::kTimeout:
      return 3;
    case ErrorCode::kCancelled:
      return 130;
    case ErrorCode::kInternal:
      return 5;
    case ErrorCode::kCorrupt:
    case ErrorCode::kIo:
    case ErrorCode::kFailedPrecondition:
    case ErrorCode::kTooFewClients:
    case ErrorCode::kDiverged:
      return 1;
  }
  return 5;
}

}  // namespace rondo
