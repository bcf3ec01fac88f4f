#include "common/secagg/refusal.h"

namespace rondo::secagg {

const char* ReasonName(Reason reason) {
  switch (reason) {
    case Reason::kOtherRoster:
      return "other_roster";
    case Reason::kReplay:
      return "replay";
    case Reason::kTooFewAsked:
      return "too_few_asked";
    case Reason::kOverflow:
      return "overflow";
    case Reason::kBadInput:
      return "bad_input";
    case Reason::kWrongSession:
      return "wrong_session";
    case Reason::kUnexpected:
      return "unexpected";
    case Reason::kMalformed:
      return "malformed";
    case Reason::kDuplicateId:
      return "duplicate_id";
    case Reason::kUnknownId:
      return "unknown_id";
    case Reason::kBadSignature:
      return "bad_signature";
    case Reason::kOwnKeyChanged:
      return "own_key_changed";
    case Reason::kDuplicateKey:
      return "duplicate_key";
    case Reason::kWrongThreshold:
      return "wrong_threshold";
    case Reason::kTooFew:
      return "too_few";
    case Reason::kLowOrderPoint:
      return "low_order_point";
    case Reason::kLeftOut:
      return "left_out";
    case Reason::kSecondSet:
      return "second_set";
    case Reason::kOver:
      return "over";
  }
  return "unknown";
}

Error ToError(const Refusal& refusal) {
  return {ErrorCode::kUnauthenticated,
          "secure aggregation refused (" + std::string(ReasonName(refusal.reason))
              + "): " + refusal.detail};
}

}  // namespace rondo::secagg
