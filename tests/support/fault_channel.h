#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "common/transport/asio_types.h"
#include "common/transport/channel.h"

namespace rondo::testing {

/// Which frame of those sent, counted from 0, meets which fault.
struct FaultPlan {
  std::optional<std::size_t> drop;     ///< is swallowed
  std::optional<std::size_t> corrupt;  ///< has its last byte inverted
  std::optional<std::size_t> cut;      ///< breaks off half-way, and the connection with it
};

/// A channel that fails on purpose.
class FaultChannel final : public Channel {
 public:
  FaultChannel(std::shared_ptr<Channel> inner, FaultPlan plan)
      : inner_(std::move(inner)),
        plan_(plan) {}

  Task<Status> Send(Bytes frame, TimePoint deadline) override {
    const std::size_t number = sent_++;
    if (plan_.drop == number) {
      co_return Ok();
    }
    if (plan_.corrupt == number) {
      frame.back() ^= 0xFF;
    }
    if (plan_.cut == number) {
      frame.resize(frame.size() / 2);
      Status ignored = co_await inner_->Send(std::move(frame), deadline);
      inner_->Close();
      co_return Fail(ErrorCode::kUnavailable, "the connection was cut on purpose");
    }
    Status done = co_await inner_->Send(std::move(frame), deadline);
    co_return done;
  }

  Task<Result<Bytes>> Receive(TimePoint deadline) override { return inner_->Receive(deadline); }

  void SetRules(const ReceiveRules& rules) override { inner_->SetRules(rules); }

  void Close() override { inner_->Close(); }

  const ClientId& peer() const override { return inner_->peer(); }

  std::uint64_t bytes_sent() const override { return inner_->bytes_sent(); }

  std::uint64_t bytes_received() const override { return inner_->bytes_received(); }

  const ChannelSecurity& security() const override { return inner_->security(); }

 private:
  std::shared_ptr<Channel> inner_;
  FaultPlan plan_;
  std::size_t sent_ = 0;
};

inline std::shared_ptr<Channel> MakeFaultChannel(std::shared_ptr<Channel> inner, FaultPlan plan) {
  return std::make_shared<FaultChannel>(std::move(inner), plan);
}

}  // namespace rondo::testing
