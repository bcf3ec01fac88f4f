#pragma once

#include <utility>
#include <variant>

#include <gtest/gtest.h>

#include "common/transport/loopback_channel.h"
#include "coordinator/remote_clients.h"
#include "tests/coordinator/fake_client.h"
#include "tests/support/fault_channel.h"
#include "tests/support/run_task.h"

namespace rondo::coordinator {

using testing::FaultPlan;
using testing::In;
using testing::MakeFaultChannel;

/// A pool whose clients a test plays itself.
class RemoteClientsTest : public ::testing::Test {
 protected:
  static RemoteClients::Options MakeOptions() {
    RemoteClients::Options options;
    options.welcome = {.run_id = "run",
                       .name = "test",
                       .catalogue_sha256 = kCatalogue,
                       .items = 3,
                       .layout_digest = kLayout,
                       .heartbeat_s = 5.0,
                       .rounds = 2};
    options.contribution_cap = 8 << 20;
    options.return_wait = std::chrono::milliseconds(20);
    return options;
  }

  FakeClient Connect(const ClientId& id, FaultPlan plan = {}) {
    const LoopbackPair pair = MakeLoopback(io_.get_executor(), id);
    clients_.Attach(pair.server_end);
    return FakeClient(io_, MakeFaultChannel(pair.client_end, plan));
  }

  FakeClient Join(const ClientId& id, FaultPlan plan = {}) {
    FakeClient client = Connect(id, plan);
    client.Hello();
    client.Expect<wire::Welcome>();
    return client;
  }

  Offer Train(RoundId round) {
    Offer offer{.kind = OfferKind::kTrain, .round = round};
    offer.train.round = round;
    return offer;
  }

  template <typename T>
  T NextEvent() {
    auto event = RunTask(io_, clients_.Next(Soon()));
    EXPECT_TRUE(event.has_value());
    EXPECT_TRUE(std::holds_alternative<T>(event.value())) << "event " << event.value().index();
    return std::get<T>(std::move(event).value());
  }

  boost::asio::io_context io_;
  RemoteClients clients_{io_.get_executor(), MakeOptions()};
  Bytes payload_ = Bytes(3'000'000, 7);
};

}  // namespace rondo::coordinator
