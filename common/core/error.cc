#include "common/core/error.h"

namespace rondo {

const char* ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kUnauthenticated:
      return "unauthenticated";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kFailedPrecondition:
      return "failed_precondition";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kTooFewClients:
      return "too_few_clients";
    case ErrorCode::kDiverged:
      return "diverged";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

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
