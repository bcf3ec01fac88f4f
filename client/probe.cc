#include "client/probe.h"

#include <fmt/format.h>
#include <utility>

#include "common/core/version.h"
#include "common/wire/messages.h"

namespace rondo::client {

Task<Status> ProbeCoordinator(Channel& channel, std::string catalogue_sha256, TimePoint deadline) {
  Bytes hello = wire::Encode(wire::Hello{.software_version = Version(),
                                         .catalogue_sha256 = std::move(catalogue_sha256),
                                         .only_looks = true});
  RONDO_CO_TRY_STATUS(co_await channel.Send(std::move(hello), deadline));
  RONDO_CO_TRY(const Bytes frame, co_await channel.Receive(deadline));
  RONDO_CO_TRY(const wire::Message answer, wire::Decode(frame));
  if (const auto* reject = std::get_if<wire::Reject>(&answer)) {
    co_return Fail(reject->code, "the coordinator refused: " + reject->message);
  }
  if (!std::holds_alternative<wire::Welcome>(answer)) {
    co_return Fail(ErrorCode::kCorrupt,
                   fmt::format("expected welcome, got {}", wire::MessageName(answer)));
  }
  Bytes goodbye = wire::Encode(wire::Goodbye{.reason = "rondo-client doctor only looked"});
  co_return co_await channel.Send(std::move(goodbye), deadline);
}

}  // namespace rondo::client
