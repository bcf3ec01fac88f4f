#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "common/crypto/sha256.h"
#include "common/io/safetensors.h"
#include "coordinator/round_loop.h"
#include "tests/support/fake_pool.h"

namespace rondo::testing {

/// Keeps every state that was saved.
class MemorySink : public coordinator::CheckpointSink {
 public:
  Status Save(const coordinator::RunState& state) override {
    if (fail) {
      return Fail(ErrorCode::kIo, "disk full");
    }
    states.push_back(state);
    if (on_save) {
      on_save(state);
    }
    return Ok();
  }

  std::vector<coordinator::RunState> states;
  bool fail = false;
  std::function<void(const coordinator::RunState&)> on_save;
};

class RecordingObserver : public coordinator::RoundObserver {
 public:
  void OnRound(const coordinator::RoundReport& report) override {
    rounds.push_back(report);
    if (next != nullptr) {
      next->OnRound(report);
    }
  }

  void OnValidation(const coordinator::ValidationReport& report) override {
    validations.push_back(report);
    if (next != nullptr) {
      next->OnValidation(report);
    }
  }

  coordinator::RoundObserver* next = nullptr;  ///< hears the same

  std::vector<coordinator::RoundReport> rounds;
  std::vector<coordinator::ValidationReport> validations;
};

/// A round loop over fake clients, with everything at hand. Change `scenario` and `pool`, then Run.
class LoopFixture {
 public:
  explicit LoopFixture(std::size_t clients = 6) : pool(clock, Names(clients)) {
    scenario.strategy.rounds = 5;
    scenario.strategy.max_void_rounds = 3;
    scenario.evaluation.every = 0;
    scenario.evaluation.protocols = {"full"};
    scenario.checkpoint.every = 1;
    layout = ModelLayout({.width = 4, .blocks = 1, .history = 3}, 6).value();
    start.model = InitialParameters(layout, 1);
  }

  static std::vector<ClientId> Names(std::size_t count) {
    std::vector<ClientId> names;
    for (std::size_t i = 0; i < count; ++i) {
      names.push_back(std::string("client-") + static_cast<char>('a' + i));
    }
    return names;
  }

  Result<coordinator::RunOutcome> Run() {
    strategy = coordinator::Strategy::Create(scenario).value();
    const coordinator::CohortSampler sampler(scenario.strategy, scenario.seed);
    coordinator::RoundLoop loop({.pool = pool,
                                 .strategy = *strategy,
                                 .checkpoints = sink,
                                 .clock = clock,
                                 .observer = observer,
                                 .sampler = sampler,
                                 .new_session = coordinator::ClearSessions(pool.decoder()),
                                 .stop = stop.get_token(),
                                 .wants_test = wants_test,
                                 .noise_seed = noise_seed,
                                 .keep_spent = keep_spent,
                                 .keep_results = true},
                                scenario,
                                start);
    boost::asio::io_context context;
    std::optional<Result<coordinator::RunOutcome>> outcome;
    const auto rethrow = [](const std::exception_ptr& thrown) {
      if (thrown) {
        std::rethrow_exception(thrown);
      }
    };
    boost::asio::co_spawn(context, RunInto(loop, outcome), rethrow);
    context.run();
    return std::move(*outcome);
  }

  static Task<void> RunInto(coordinator::RoundLoop& loop,
                            std::optional<Result<coordinator::RunOutcome>>& outcome) {
    outcome = co_await loop.Run();
  }

  static std::string Digest(const ParameterVector& model) {
    return Sha256Hex(EncodeParameters(model).value());
  }

  ManualClock clock;
  FakePool pool;
  MemorySink sink;
  RecordingObserver observer;
  std::stop_source stop;
  Scenario scenario;
  std::shared_ptr<const ParameterLayout> layout;
  coordinator::RunState start;
  std::unique_ptr<coordinator::Strategy> strategy;
  std::function<bool(const coordinator::RunState&)> wants_test;
  std::optional<std::uint64_t> noise_seed = 1;
  coordinator::PrivateRounds::Keep keep_spent;
};

}  // namespace rondo::testing
