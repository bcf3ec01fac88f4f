#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include "client/agent.h"
#include "common/crypto/key_file.h"
#include "common/transport/loopback_channel.h"
#include "common/wire/secagg_messages.h"
#include "coordinator/contribution_decoder.h"
#include "coordinator/masked_session.h"
#include "coordinator/remote_clients.h"
#include "coordinator/round_loop.h"
#include "tests/client/fakes.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/run_task.h"
#include "tests/support/temporary_folder.h"

namespace rondo::testing {

/// Sees every message of secure aggregation that a client is about to send, and may break the
/// connection in its place.
class WatchedChannel final : public Channel {
 public:
  using Watch = std::function<bool(const secagg::ClientMessage&)>;  ///< false: break

  WatchedChannel(std::shared_ptr<Channel> inner, Watch watch)
      : inner_(std::move(inner)),
        watch_(std::move(watch)) {}

  Task<Status> Send(Bytes frame, TimePoint deadline) override {
    if (!MayPass(frame)) {
      inner_->Close();
      co_return Fail(ErrorCode::kUnavailable, "the connection was cut on purpose");
    }
    Status done = co_await inner_->Send(std::move(frame), deadline);
    co_return done;
  }

  Task<Result<Bytes>> Receive(TimePoint deadline) override { return inner_->Receive(deadline); }

  void Close() override { inner_->Close(); }

  void SetRules(const ReceiveRules& rules) override { inner_->SetRules(rules); }

  const ClientId& peer() const override { return inner_->peer(); }

  std::uint64_t bytes_sent() const override { return inner_->bytes_sent(); }

  std::uint64_t bytes_received() const override { return inner_->bytes_received(); }

  const ChannelSecurity& security() const override { return inner_->security(); }

 private:
  bool MayPass(ByteView frame) const {
    const auto message = wire::Decode(frame);
    EXPECT_TRUE(message.has_value());
    const auto* step = std::get_if<wire::Aggregation>(&*message);
    if (step == nullptr || !watch_) {
      return true;
    }
    const auto said = wire::DecodeSecaggFromClient(step->payload);
    EXPECT_TRUE(said.has_value());
    return watch_(*said);
  }

  std::shared_ptr<Channel> inner_;
  Watch watch_;
};

/// One member: the real client code over a log, a trainer and a scorer that are made up.
class Member {
 public:
  struct Parts {
    client::Papers::Own own;
    std::filesystem::path state;
    std::shared_ptr<const Catalogue> catalogue;
    const client::Limits& limits;
    client::Agent::Connect connect;
    boost::asio::any_io_executor executor;
    boost::asio::any_io_executor workers;
  };

  Member(Parts parts, client::testing::TrainerScript& trainer, LoadedData log)
      : source_(std::move(log)),
        work_(client::testing::MakeWork(source_, trainer, nullptr, parts.own.id)),
        state_(client::ClientState::Open(parts.state).value()),
        catalogue_(std::move(parts.catalogue)),
        papers_(client::Papers::Open(std::move(parts.own), parts.state).value()),
        agent_({.connect = std::move(parts.connect),
                .work = work_,
                .state = state_,
                .papers = papers_,
                .catalogue = *catalogue_,
                .limits = parts.limits,
                .clock = clock_,
                .executor = std::move(parts.executor),
                .workers = std::move(parts.workers),
                .backoff =
                    Backoff(std::chrono::milliseconds(1), std::chrono::milliseconds(1), Rng({}))}) {
  }

  Task<Status> Run() { return agent_.Run(); }

  const client::ClientRecord& record() const { return state_.record(); }

 private:
  SystemClock clock_;
  client::testing::FakeSource source_;
  client::LocalWork work_;
  client::ClientState state_;
  std::shared_ptr<const Catalogue> catalogue_;
  client::Papers papers_;
  client::Agent agent_;
};

/// A federation on channels in memory. Change what is public, then Run.
class MaskedFederation : public ::testing::Test {
 protected:
  explicit MaskedFederation(std::size_t clients = 5) {
    scenario.model = {.width = 4, .blocks = 1, .heads = 1, .history = 5, .dropout = 0.0};
    scenario.strategy.rounds = 2;
    scenario.strategy.quorum = 3;
    scenario.strategy.deadline_s = 20.0;
    scenario.evaluation.every = 0;
    scenario.privacy.mode = "masked";
    scenario.privacy.grid = "ring";
    scenario.checkpoint.every = 1;
    scenario.engine.threads = 1;
    layout = ModelLayout(scenario.model, catalogue->items()).value();
    roster.federation = std::string(64, 'f');
    roster.version = 1;
    for (std::size_t i = 0; i < clients; ++i) {
      AddMember("site-" + std::to_string(i));
      // Multiples of every step of a grid here, so that rounding on the ring moves nothing.
      trainers[i].step = static_cast<float>(i + 1) / 64.0F;
      trainers[i].weight = 3 * i + 1;
    }
  }

  void AddMember(const ClientId& id) {
    client::Papers::Own own{
        .id = id, .key = SigningKey::Generate(), .federation = roster.federation};
    own.governance = governance.public_key();
    ids.push_back(id);
    roster.entries.push_back({.id = id, .key = own.key.public_key()});
    keys.push_back(Keep(own.key));
    trainers.emplace_back();
    limits.emplace_back();
    watches.emplace_back();
  }

  /// A signing key that can be loaded again, as the file of a client.
  std::filesystem::path Keep(const SigningKey& key) {
    std::filesystem::path file = folder / ("key-" + std::to_string(keys.size()));
    EXPECT_TRUE(SaveSigningKey(key, file));
    return file;
  }

  std::filesystem::path StateOf(std::size_t i) const { return folder / ("state-" + ids[i]); }

  std::filesystem::path MaskedFile(std::size_t i) const { return StateOf(i) / "masked.json"; }

  /// Plays all rounds with every member there.
  Result<coordinator::RunOutcome> Run() {
    observer.rounds.clear();
    observer.validations.clear();
    boost::asio::io_context io(1);
    boost::asio::thread_pool workers(2);
    coordinator::RemoteClients pool(io.get_executor(), PoolOptions());
    const auto strategy = coordinator::Strategy::Create(scenario).value();
    const coordinator::CohortSampler sampler(scenario.strategy, scenario.seed);
    const SystemClock clock;
    coordinator::RunState start;
    start.model = InitialParameters(layout, scenario.seed);
    coordinator::RoundLoop loop({.pool = pool,
                                 .strategy = *strategy,
                                 .checkpoints = sink,
                                 .clock = clock,
                                 .observer = observer,
                                 .sampler = sampler,
                                 .new_session = Sessions(),
                                 .keep_protocol = [this](ByteView bytes) { return Persist(bytes); },
                                 .keep_results = true},
                                scenario,
                                std::move(start));
    std::deque<Member> members;
    std::vector<std::shared_ptr<std::optional<Status>>> ends;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto connect = [&, i](TimePoint) {
        return Connect(io, pool, i);
      };
      members.emplace_back(Member::Parts{.own = Own(i),
                                         .state = StateOf(i),
                                         .catalogue = catalogue,
                                         .limits = limits[i],
                                         .connect = connect,
                                         .executor = io.get_executor(),
                                         .workers = workers.get_executor()},
                           trainers[i],
                           log ? log(i) : client::testing::SmallLog(catalogue));
      ends.push_back(Start(io, members.back().Run()));
    }
    auto outcome = RunTask(io, loop.Run());
    pool.Stop();
    records.clear();
    for (std::size_t i = 0; outcome && i < ids.size(); ++i) {
      EXPECT_TRUE(Wait(io, ends[i]));
      records.push_back(members[i].record());
    }
    workers.join();
    return outcome;
  }

  /// The mean of some members' deltas, weighed, without the code under test.
  double ExpectedStep(const std::vector<std::size_t>& of) const {
    double sum = 0.0;
    double weight = 0.0;
    for (const std::size_t i : of) {
      sum += static_cast<double>(trainers[i].step) * static_cast<double>(trainers[i].weight);
      weight += static_cast<double>(trainers[i].weight);
    }
    return sum / weight;
  }

  /// Every number moved by `step`, but those of the padding row, which comes first.
  void ExpectMovedBy(const coordinator::RunOutcome& outcome, double step) const {
    const std::vector<float> before = InitialParameters(layout, scenario.seed).values;
    const auto padding = static_cast<std::size_t>(scenario.model.width);
    for (std::size_t i = 0; i < before.size(); ++i) {
      const double expected = i < padding ? 0.0 : before[i] + step;
      ASSERT_NEAR(outcome.state.model.values[i], expected, 1e-6) << i;
    }
  }

  std::vector<std::size_t> Everyone() const {
    std::vector<std::size_t> all(ids.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i] = i;
    }
    return all;
  }

  Scenario scenario;
  std::shared_ptr<const Catalogue> catalogue = client::testing::SmallCatalogue();
  std::shared_ptr<const ParameterLayout> layout;
  SigningKey governance = SigningKey::Generate();
  Roster roster;
  std::vector<ClientId> ids;
  std::vector<std::filesystem::path> keys;
  std::deque<client::testing::TrainerScript> trainers;
  std::deque<client::Limits> limits;
  std::vector<WatchedChannel::Watch> watches;
  std::function<LoadedData(std::size_t member)> log = nullptr;  ///< none: SmallLog
  TemporaryFolder folder;
  MemorySink sink;
  RecordingObserver observer;
  std::vector<client::ClientRecord> records;  ///< of the members, after Run
  std::vector<std::string> persisted;
  std::function<void(const std::string&)> on_persist;

 private:
  client::Papers::Own Own(std::size_t i) const {
    client::Papers::Own own{
        .id = ids[i], .key = LoadSigningKey(keys[i]).value(), .federation = roster.federation};
    own.governance = governance.public_key();
    return own;
  }

  coordinator::RemoteClients::Options PoolOptions() const {
    coordinator::RemoteClients::Options options;
    options.welcome = {.run_id = "run",
                       .name = "masked",
                       .model = scenario.model,
                       .catalogue_sha256 = catalogue->sha256(),
                       .items = catalogue->items(),
                       .layout_digest = layout->digest(),
                       .evaluation = scenario.evaluation,
                       .strategy = scenario.strategy,
                       .trust_mode = scenario.privacy.mode,
                       .rounds = static_cast<RoundId>(scenario.strategy.rounds)};
    options.contribution_cap = wire::ContributionCap(2 * layout->size());
    options.roster = SignRoster(roster, governance).value().Text();
    options.masked = scenario.privacy.mode == "masked";
    return options;
  }

  coordinator::SessionFactory Sessions() const {
    if (scenario.privacy.mode != "masked") {
      return coordinator::ClearSessions(coordinator::DecodeWireContribution);
    }
    return coordinator::MaskedSessions(
        {.run_id = "run",
         .roster = [this] { return roster; },
         .min_clients = static_cast<std::uint32_t>(scenario.privacy.min_clients),
         .deadline = std::chrono::duration_cast<Duration>(
             std::chrono::duration<double>(scenario.strategy.deadline_s))});
  }

  Status Persist(ByteView bytes) {
    persisted.emplace_back(bytes.begin(), bytes.end());
    return Ok();
  }

  Task<Result<std::shared_ptr<Channel>>> Connect(boost::asio::io_context& io,
                                                 coordinator::RemoteClients& pool,
                                                 std::size_t i) {
    LoopbackPair pair = MakeLoopback(io.get_executor(), ids[i]);
    pool.Attach(pair.server_end);
    std::shared_ptr<Channel> watched = std::make_shared<WatchedChannel>(
        pair.client_end,
        [this, i](const auto& message) { return !watches[i] || watches[i](message); });
    co_return watched;
  }
};

}  // namespace rondo::testing
