#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include <gtest/gtest.h>

#include "common/crypto/sha256.h"
#include "common/io/safetensors.h"
#include "common/transport/channel.h"
#include "common/wire/chunks.h"
#include "tests/support/run_task.h"

namespace rondo::coordinator {

using testing::RunTask;
using testing::Soon;

inline const std::string kCatalogue(64, 'c');
inline const std::string kLayout(64, 'd');

inline ParameterVector Model(float value) {
  auto layout = ParameterLayout::Create({{.name = "table", .shape = {600'000}}}).value();
  return {.layout = layout, .values = std::vector<float>(layout->size(), value)};
}

inline Broadcast BroadcastOf(float value) {
  Broadcast broadcast{.model = Model(value), .sha256 = ""};
  broadcast.sha256 = Sha256Hex(EncodeParameters(broadcast.model).value());
  return broadcast;
}

/// The client's half of the protocol, one step at a time.
class FakeClient {
 public:
  FakeClient(boost::asio::io_context& io, std::shared_ptr<Channel> channel)
      : io_(io),
        channel_(std::move(channel)) {}

  void Send(const wire::Message& message) {
    ASSERT_TRUE(RunTask(io_, channel_->Send(wire::Encode(message), Soon())));
  }

  void Hello(const std::string& catalogue = kCatalogue, const std::string& model = "") {
    Send(wire::Hello{
        .software_version = "test", .catalogue_sha256 = catalogue, .model_sha256 = model});
  }

  /// The next message that is no heartbeat.
  Result<wire::Message> Receive() {
    for (;;) {
      RONDO_TRY(const Bytes frame, RunTask(io_, channel_->Receive(Soon())));
      RONDO_TRY(wire::Message message, wire::Decode(frame));
      if (!std::holds_alternative<wire::Heartbeat>(message)) {
        return message;
      }
    }
  }

  template <typename T>
  T Expect() {
    auto message = Receive();
    EXPECT_TRUE(message.has_value()) << (message ? "" : message.error().message);
    if (!message || !std::holds_alternative<T>(message.value())) {
      ADD_FAILURE() << "unexpected message "
                    << (message ? wire::MessageName(message.value()) : "none");
      return T{};
    }
    return std::get<T>(std::move(message).value());
  }

  /// Reads a whole model and returns its digest.
  std::string ExpectModel() {
    wire::ModelAssembler model(64 << 20);
    for (;;) {
      const auto done = model.Add(Expect<wire::ModelChunk>());
      if (!done.has_value()) {
        ADD_FAILURE() << done.error().message;
        return "";
      }
      if (done.value()) {
        return Sha256Hex(model.Take());
      }
    }
  }

  void Upload(RoundId round, OfferKind kind, ByteView payload) {
    for (const Bytes& frame : wire::ContributionFrames(payload, round, kind)) {
      if (!RunTask(io_, channel_->Send(frame, Soon()))) {
        return;
      }
    }
  }

  void Close() { channel_->Close(); }

  Channel& channel() { return *channel_; }

 private:
  boost::asio::io_context& io_;
  std::shared_ptr<Channel> channel_;
};

}  // namespace rondo::coordinator
