#include <gtest/gtest.h>

#include "common/transport/loopback_channel.h"
#include "common/wire/messages.h"
#include "tests/support/fault_channel.h"
#include "tests/support/run_task.h"

namespace rondo {
namespace {

using testing::MakeFaultChannel;
using testing::RunTask;
using testing::Soon;

struct LoopbackTest : public ::testing::Test {
  boost::asio::io_context io;
  LoopbackPair pair = MakeLoopback(io.get_executor(), "a");
  Bytes frame = wire::Encode(wire::Goodbye{.reason = "enough"});

  Result<Bytes> AtServer() { return RunTask(io, pair.server_end->Receive(Soon())); }

  Status FromClient(std::shared_ptr<Channel> channel) {
    return RunTask(io, channel->Send(frame, Soon()));
  }
};

TEST_F(LoopbackTest, FramesArriveInOrderAndAreCounted) {
  const Bytes second = wire::Encode(wire::Heartbeat{});
  ASSERT_TRUE(FromClient(pair.client_end));
  ASSERT_TRUE(RunTask(io, pair.client_end->Send(second, Soon())));

  EXPECT_EQ(AtServer().value(), frame);
  EXPECT_EQ(AtServer().value(), second);
  EXPECT_EQ(pair.server_end->bytes_received(), frame.size() + second.size());
  EXPECT_EQ(pair.server_end->peer(), "a");
}

TEST_F(LoopbackTest, AReaderThatWaitsIsWoken) {
  boost::asio::post(io, [&] { testing::Start(io, pair.client_end->Send(frame, Soon())); });

  EXPECT_EQ(AtServer().value(), frame);
}

TEST_F(LoopbackTest, WhatWasSentBeforeTheCloseStillArrives) {
  ASSERT_TRUE(FromClient(pair.client_end));
  pair.client_end->Close();

  EXPECT_EQ(AtServer().value(), frame);
  EXPECT_EQ(AtServer().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(FromClient(pair.server_end).error().code, ErrorCode::kUnavailable);
}

TEST_F(LoopbackTest, WaitingEndsAtTheDeadline) {
  const auto received =
      RunTask(io, pair.server_end->Receive(testing::In(std::chrono::milliseconds(5))));
  EXPECT_EQ(received.error().code, ErrorCode::kTimeout);
}

TEST_F(LoopbackTest, AFrameThatBreaksTheEnvelopeIsRefused) {
  frame[4] = 99;
  ASSERT_TRUE(FromClient(pair.client_end));
  EXPECT_EQ(AtServer().error().code, ErrorCode::kCorrupt);
}

TEST_F(LoopbackTest, FaultsHappenToTheFrameThatWasNamed) {
  const auto faulty = MakeFaultChannel(pair.client_end, {.drop = 0, .corrupt = 1, .cut = 2});
  ASSERT_TRUE(FromClient(faulty));
  ASSERT_TRUE(FromClient(faulty));
  const Bytes corrupt = AtServer().value();
  EXPECT_NE(corrupt, frame);
  EXPECT_EQ(corrupt.size(), frame.size());

  EXPECT_EQ(FromClient(faulty).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(AtServer().error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace rondo
