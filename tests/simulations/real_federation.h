#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "client/agent.h"
#include "common/wire/sealed.h"
#include "coordinator/contribution_decoder.h"
#include "coordinator/remote_clients.h"
#include "coordinator/sealed_contributions.h"
#include "simulations/experiment.h"
#include "tests/simulations/pools_fixture.h"
#include "tests/support/papers.h"
#include "tests/support/run_task.h"

namespace rondo::sim {

inline const std::string kPoolsRun = "pools";

/// Runs all rounds on a pool.
using Player = std::function<Result<PoolRun>(boost::asio::io_context&,
                                             coordinator::ClientPool&,
                                             std::shared_ptr<const ParameterLayout>,
                                             coordinator::SessionFactory)>;

/// One client process, less the process.
class RealClient {
 public:
  struct Parts {
    ClientId id;
    DataConfig data;
    std::filesystem::path state;
    client::Agent::Connect connect;
    const SigningKey& governance;
    boost::asio::any_io_executor executor;
    boost::asio::any_io_executor workers;
  };

  RealClient(Parts parts, const Catalogue& catalogue)
      : data_(std::move(parts.data)),
        work_({.id = parts.id,
               .data = data_,
               .catalogue_sha256 = catalogue.sha256(),
               .trainers = CohortTrainer::Create,
               .scorers = MakeModelScorer,
               .engine = {.threads = 1, .device = "cpu"}}),
        state_(client::ClientState::Open(parts.state).value()),
        papers_(testing::PapersUnder(parts.governance, parts.id, parts.state)),
        agent_({.connect = std::move(parts.connect),
                .work = work_,
                .state = state_,
                .papers = papers_,
                .catalogue = catalogue,
                .limits = {},
                .clock = clock_,
                .executor = std::move(parts.executor),
                .workers = std::move(parts.workers),
                .backoff =
                    Backoff(std::chrono::milliseconds(1), std::chrono::milliseconds(1), Rng({}))}) {
  }

  Task<Status> Run() { return agent_.Run(); }

  RosterEntry Entry() const { return {.id = papers_.id(), .key = papers_.key().public_key()}; }

  std::uint64_t rounds_included() const { return state_.record().rounds_included; }

 private:
  SystemClock clock_;
  client::FileDataSource data_;
  client::LocalWork work_;
  client::ClientState state_;
  client::Papers papers_;
  client::Agent agent_;
};

/// A coordinator with its pool of real clients. `Connector` makes a client's way to the pool.
class RealFederation {
 public:
  using Connector = std::function<client::Agent::Connect(const ClientId&)>;

  static Result<std::unique_ptr<RealFederation>> Create(const Scenario& scenario) {
    RONDO_TRY(Catalogue catalogue, Catalogue::Read(scenario.data.catalogue));
    RONDO_TRY(auto layout, ModelLayout(scenario.model, catalogue.items()));
    return std::make_unique<RealFederation>(scenario, std::move(catalogue), std::move(layout));
  }

  RealFederation(Scenario scenario,
                 Catalogue catalogue,
                 std::shared_ptr<const ParameterLayout> layout)
      : scenario_(std::move(scenario)),
        catalogue_(std::move(catalogue)),
        layout_(std::move(layout)),
        pool_(io_.get_executor(),
              {.welcome = {.run_id = kPoolsRun,
                           .name = "pools",
                           .model = scenario_.model,
                           .catalogue_sha256 = catalogue_.sha256(),
                           .items = catalogue_.items(),
                           .layout_digest = layout_->digest(),
                           .evaluation = scenario_.evaluation,
                           .strategy = scenario_.strategy,
                           .trust_mode = sealed() ? "sealed" : "channel",
                           .rounds = static_cast<RoundId>(scenario_.strategy.rounds)},
               .contribution_cap = wire::ContributionCap(2 * layout_->size())}) {}

  boost::asio::io_context& io() { return io_; }

  coordinator::RemoteClients& pool() { return pool_; }

  void Join(const ClientId& id,
            DataConfig data,
            const std::filesystem::path& state,
            client::Agent::Connect connect) {
    clients_.emplace_back(RealClient::Parts{.id = id,
                                            .data = std::move(data),
                                            .state = state,
                                            .connect = std::move(connect),
                                            .governance = governance_,
                                            .executor = io_.get_executor(),
                                            .workers = workers_.get_executor()},
                          catalogue_);
    ends_.push_back(testing::Start(io_, clients_.back().Run()));
  }

  /// Runs all rounds, until every client has taken its leave.
  Result<PoolRun> Run(std::optional<Tap>& tap, const Player& play) {
    pool_.SetRoster(RosterText());
    Result<PoolRun> run = play(io_, pool_, layout_, coordinator::ClearSessions(Decoder(tap)));
    for (std::size_t i = 0; run.has_value() && i < clients_.size(); ++i) {
      EXPECT_TRUE(testing::Wait(io_, ends_[i]));
      EXPECT_EQ(clients_[i].rounds_included(),
                static_cast<std::uint64_t>(scenario_.strategy.rounds));
    }
    workers_.join();
    return run;
  }

 private:
  bool sealed() const { return scenario_.privacy.mode == "sealed"; }

  std::string RosterText() const {
    Roster roster{.federation = testing::kSomeFederation, .version = 1};
    if (sealed()) {
      roster.aggregation = aggregation_->public_key();
    }
    for (const RealClient& client : clients_) {
      roster.entries.push_back(client.Entry());
    }
    std::ranges::sort(roster.entries, {}, &RosterEntry::id);
    return SignRoster(std::move(roster), governance_)->Text();
  }

  Bytes InTheClear(const ClientId& client,
                   ByteView payload,
                   const coordinator::ContributionSpec& spec) const {
    if (!sealed()) {
      return {payload.begin(), payload.end()};
    }
    const wire::SealedFor bound{
        .run_id = kPoolsRun, .round = spec.round, .kind = spec.kind, .client = client};
    const auto opened = wire::OpenContribution(*aggregation_, bound, payload);
    EXPECT_TRUE(opened);
    return opened ? Bytes(opened->view().begin(), opened->view().end()) : Bytes();
  }

  coordinator::ContributionDecoder Decoder(std::optional<Tap>& tap) {
    coordinator::ContributionDecoder decode =
        sealed() ? coordinator::DecodeSealedContributions(aggregation_, kPoolsRun)
                 : coordinator::DecodeWireContribution;
    return
        [this, &tap, decode](
            const ClientId& client, ByteView payload, const coordinator::ContributionSpec& spec) {
          if (tap) {
            tap->contributions.push_back(InTheClear(client, payload, spec));
          }
          return decode(client, payload, spec);
        };
  }

  SigningKey governance_ = SigningKey::Generate();
  std::shared_ptr<const X25519Key> aggregation_ =
      std::make_shared<const X25519Key>(X25519Key::Generate());
  Scenario scenario_;
  Catalogue catalogue_;
  std::shared_ptr<const ParameterLayout> layout_;
  boost::asio::io_context io_{1};
  boost::asio::thread_pool workers_{2};
  coordinator::RemoteClients pool_;
  std::deque<RealClient> clients_;
  std::vector<std::shared_ptr<std::optional<Status>>> ends_;
};

}  // namespace rondo::sim
