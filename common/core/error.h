#pragma once

#include <string>
#include <utility>

namespace rondo {

/// What kind of thing went wrong; decides the exit code and whether a caller may try again.
enum class ErrorCode {
  kInvalidArgument,  ///< A flag, configuration key or argument is wrong.
  kNotFound,         ///< A file, user, item or run does not exist.
  kCorrupt,          ///< Bytes from a file or a peer break their format.
  kIo,               ///< The operating system refused a read or a write (disk full, permissions).
  kUnavailable,      ///< A peer cannot be reached, or the connection broke.
  kUnauthenticated,  ///< A certificate is missing, expired or foreign.
  kTimeout,          ///< A deadline passed.
  kFailedPrecondition,  ///< The call does not fit the present state.
  kUnsupported,         ///< Known, but not possible here or not built yet.
  kTooFewClients,       ///< A round or run lost its quorum.
  kDiverged,            ///< Training met NaN or infinity.
  kCancelled,           ///< Stopped by a signal or by the owner.
  kInternal,            ///< A bug, or an exception of a library.
};

/// An error is a value: one lower-case sentence saying what, where and how to fix it.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

/// Returns the process exit code for `code`: 1 run failed, 2 connection or authentication, 3
/// timeout, 4 usage or configuration, 5 internal, 130 interrupted.
int ExitCode(ErrorCode code);

}  // namespace rondo
