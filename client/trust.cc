#include "client/trust.h"

#include <utility>

#include "common/core/check.h"
#include "common/wire/sealed.h"

namespace rondo::client {

Status CheckTrustMode(const std::string& mode) {
  if (mode == "channel" || mode == "sealed" || mode == "masked") {
    return Ok();
  }
  return Fail(ErrorCode::kUnsupported,
              "this client does not know the trust mode '" + mode
                  + "'; it speaks 'channel', 'sealed' and 'masked'");
}

std::string TrustText(const std::string& mode) {
  if (mode == "masked") {
    return "the coordinator sees sums over clients alone";
  }
  return mode == "sealed" ? "the holder of the aggregation key sees this client's updates"
                          : "the coordinator sees this client's updates";
}

std::optional<Refusal> RefusalOfTrust(const Trust& trust) {
  if (trust.mode != "sealed" || trust.aggregation) {
    return std::nullopt;
  }
  return Refusal{
      .for_peer = "no roster that this client accepted names an aggregation key to seal to",
      .for_owner =
          "no accepted roster names an aggregation key; ask the operator to sign and "
          "publish one (`rondo-coordinator roster`)"};
}

Result<Bytes> Wrap(const Trust& trust, RoundId round, OfferKind kind, Bytes encoded) {
  if (trust.mode != "sealed") {
    return encoded;
  }
  RONDO_CHECK(trust.aggregation.has_value()) << "RefusalOfTrust comes first";
  const wire::SealedFor bound{
      .run_id = trust.run_id, .round = round, .kind = kind, .client = trust.client};
  return wire::SealContribution(*trust.aggregation, bound, encoded);
}

}  // namespace rondo::client
