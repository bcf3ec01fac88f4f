#pragma once

#include <optional>
#include <string>

#include "common/core/result.h"

namespace rondo::secagg {

/// Why a client leaves a session: each kind of lie that it can see has a reason of its own. None of
/// its secrets leave after that.
enum class Reason {
  kOtherRoster,     ///< the offer names another roster than the one this client pinned
  kReplay,          ///< the session is not newer than the last one of the run
  kTooFewAsked,     ///< fewer clients would do than this client wants to hide among
  kOverflow,        ///< the sum of all would not fit its numbers
  kBadInput,        ///< its own vector is not what the terms say
  kWrongSession,    ///< a message of another session
  kUnexpected,      ///< a message out of order
  kMalformed,       ///< places out of order or range
  kDuplicateId,     ///< a client stands twice in a list
  kUnknownId,       ///< a client that the roster, or the list before, does not have
  kBadSignature,    ///< a signature is missing or not of the client that it is said to be of
  kOwnKeyChanged,   ///< the directory has other keys of this client than those it sent
  kDuplicateKey,    ///< a key stands twice in the directory
  kWrongThreshold,  ///< another number of shares than the number of clients gives
  kTooFew,          ///< fewer clients are left than may be summed
  kLowOrderPoint,   ///< a peer's key is one that gives everybody the same secret
  kLeftOut,         ///< this client's own vector is said to be missing
  kSecondSet,       ///< a second, other set of survivors
  kOver,            ///< the shares of this session were opened, or the client left it
};

/// "own_key_changed": for logs and tests.
const char* ReasonName(Reason reason);

struct Refusal {
  Reason reason = Reason::kUnexpected;
  std::string detail;  ///< one sentence
};

/// Nothing: the check passed.
using Verdict = std::optional<Refusal>;

/// The reason's name and the detail as an error.
Error ToError(const Refusal& refusal);

}  // namespace rondo::secagg

/// Returns the refusal of a check that did not pass.
#define RONDO_REFUSE(expr)                            \
  do {                                                \
    if (auto rondo_verdict = (expr); rondo_verdict) { \
      return std::move(*rondo_verdict);               \
    }                                                 \
  } while (false)
