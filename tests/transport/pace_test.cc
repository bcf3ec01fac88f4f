#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/transport/asio_types.h"
#include "common/transport/tls_channel.h"
#include "common/wire/frame.h"
#include "common/wire/messages.h"
#include "tests/support/run_task.h"
#include "tests/support/tls_world.h"

// How fast a frame must come once it has begun, and how large it may be.

namespace rondo {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using testing::In;
using testing::RunTask;
using testing::Soon;

Task<Result<std::shared_ptr<Channel>>> AcceptOne(TlsListener& listener) {
  RONDO_CO_TRY(const std::shared_ptr<IncomingPeer> incoming, co_await listener.Accept());
  Result<std::shared_ptr<Channel>> peer = co_await incoming->Handshake(Soon());
  co_return peer;
}

/// Is over once the timer of a `deadline` rings.
Task<bool> Passing(TimePoint deadline) {
  const auto executor = co_await boost::asio::this_coro::executor;
  Timer timer(executor, deadline);
  co_await timer.async_wait(kAwait);
  co_return true;
}

class PaceTest : public ::testing::Test {
 protected:
  PaceTest() {
    auto listener =
        TlsListener::Listen(io_.get_executor(), world_.Server(), "127.0.0.1", 0).value();
    const auto accepted = testing::Start(io_, AcceptOne(*listener));
    client_ = RunTask(io_,
                      ConnectTls(io_.get_executor(),
                                 world_.Client("a"),
                                 {.host = "127.0.0.1", .port = listener->port()},
                                 Soon()))
                  .value();
    server_ = testing::Wait(io_, accepted).value();
  }

  /// Writes bytes as they are, whole frames or not.
  void Write(ByteView bytes) {
    ASSERT_TRUE(RunTask(io_, client_->Send(Bytes(bytes.begin(), bytes.end()), Soon())));
  }

  boost::asio::io_context io_;
  testing::TlsWorld world_;
  std::shared_ptr<Channel> client_;
  std::shared_ptr<Channel> server_;
};

TEST_F(PaceTest, AHeaderThatStopsHalfWayEndsTheConnectionLongBeforeTheDeadline) {
  server_->SetRules({.header_time = milliseconds(30)});
  Write(Bytes{0, 0, 0});

  const auto received = RunTask(io_, server_->Receive(In(std::chrono::hours(1))));

  ASSERT_FALSE(received.has_value());
  EXPECT_EQ(received.error().code, ErrorCode::kTimeout);
}

TEST_F(PaceTest, APayloadThatComesTooSlowlyEndsTheConnection) {
  server_->SetRules({.header_time = milliseconds(20), .least_bytes_per_s = 1e6});
  const Bytes frame = wire::Encode(wire::ModelChunk{
      .sha256 = std::string(64, 'a'), .total = 9, .offset = 0, .bytes = std::string(9, 'x')});
  Write(ByteView(frame).first(frame.size() - 1));

  const auto received = RunTask(io_, server_->Receive(In(std::chrono::hours(1))));

  ASSERT_FALSE(received.has_value());
  EXPECT_EQ(received.error().code, ErrorCode::kTimeout);
}

TEST_F(PaceTest, AFrameThatHasBegunMayEndAfterTheDeadline) {
  const Bytes frame = wire::Encode(wire::Heartbeat{});
  const TimePoint deadline = In(milliseconds(30));
  Write(ByteView(frame).first(2));
  const auto receiving = testing::Start(io_, server_->Receive(deadline));

  RunTask(io_, Passing(deadline));
  Write(ByteView(frame).subspan(2));

  const auto received = testing::Wait(io_, receiving);
  ASSERT_TRUE(received.has_value()) << received.error().message;
  EXPECT_EQ(*received, frame);
}

TEST_F(PaceTest, WhatIsLargerThanMayComeNowIsNotAwaited) {
  server_->SetRules({.largest = 64});
  Bytes header(wire::kFrameHeaderSize);
  wire::WriteFrameHeader(
      std::span(header).first<wire::kFrameHeaderSize>(), wire::FrameType::kContributionChunk, 65);
  Write(header);

  const auto received = RunTask(io_, server_->Receive(Soon()));

  ASSERT_FALSE(received.has_value());
  EXPECT_EQ(received.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(received.error().message, HasSubstr("more than may come now"));
}

}  // namespace
}  // namespace rondo
