#include <deque>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/masked_round.h"
#include "common/core/file.h"
#include "common/wire/secagg_messages.h"
#include "coordinator/masked_session.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_folder.h"

/// Both halves of a masked round without sockets, with a clock of the test's own.
namespace rondo::testing {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kClients = 5;
constexpr double kLoss = 0.75;

std::shared_ptr<const ParameterLayout> SmallLayout() {
  return ParameterLayout::Create({{.name = "table", .shape = {3}}}).value();
}

class HalvesTest : public ::testing::Test {
 protected:
  HalvesTest() {
    roster.federation = std::string(64, 'f');
    roster.version = 1;
    for (std::size_t i = 0; i < kClients; ++i) {
      const ClientId id = "site-" + std::to_string(i);
      client::Papers::Own own{
          .id = id, .key = SigningKey::Generate(), .federation = roster.federation};
      own.governance = governance.public_key();
      roster.entries.push_back({.id = id, .key = own.key.public_key()});
      papers.push_back(client::Papers::Open(std::move(own), Folder(i)).value());
      ids.push_back(id);
    }
    const std::string text = SignRoster(roster, governance).value().Text();
    for (std::size_t i = 0; i < kClients; ++i) {
      EXPECT_TRUE(MakeFolder(Folder(i)));
      EXPECT_TRUE(papers[i].TakeRoster(text));
    }
    spec.blocks.push_back({.name = "delta", .layout = SmallLayout(), .grid = grid});
    spec.max_weight = 10;
    spec.round = 4;
    spec.model_sha256 = std::string(64, 'a');
  }

  std::filesystem::path Folder(std::size_t i) const { return folder / std::to_string(i); }

  std::unique_ptr<coordinator::MaskedSession> NewSession(std::uint64_t serial = 7) {
    return std::make_unique<coordinator::MaskedSession>(
        coordinator::MaskedSession::Parts{.spec = spec,
                                          .invited = ids,
                                          .run_id = "run",
                                          .roster = roster,
                                          .serial = serial,
                                          .min_clients = 3,
                                          .whole = std::chrono::seconds(100),
                                          .workers = workers});
  }

  /// Client i adds i, -i and 100 with weight i + 1.
  UpdateSum UpdateOf(std::size_t i) const {
    const auto number = static_cast<std::int64_t>(i);
    GridBlock block{.name = "delta",
                    .layout = SmallLayout(),
                    .grid = grid,
                    .scaling = Scaling::kByWeight,
                    .values = {number, (std::int64_t{1} << grid.bits) - number, 100}};
    block.values[1] &= static_cast<std::int64_t>(grid.mask());
    return {.blocks = {std::move(block)}, .weight = i + 1, .contributors = 1, .saturated = 1};
  }

  /// Delivers what a step sends, and what clients say to it, until nobody says anything.
  void Deliver(coordinator::MaskedSession& session, Result<coordinator::Step> step) {
    ASSERT_TRUE(step) << step.error().message;
    wake = step->wake;
    std::deque<coordinator::Outgoing> queue(step->send.begin(), step->send.end());
    while (!queue.empty()) {
      const coordinator::Outgoing next = std::move(queue.front());
      queue.pop_front();
      const auto i = static_cast<std::size_t>(next.client.back() - '0');
      for (const Bytes& answer : AnswerOf(i, next.payload)) {
        auto more = session.Receive(next.client, answer, clock.Now());
        ASSERT_TRUE(more) << more.error().message;
        wake = more->wake;
        queue.insert(queue.end(), more->send.begin(), more->send.end());
      }
    }
  }

  std::vector<Bytes> AnswerOf(std::size_t i, ByteView payload) {
    const auto said = wire::DecodeSecaggFromServer(payload);
    EXPECT_TRUE(said.has_value());
    const auto* offer = std::get_if<secagg::SessionOffer>(&*said);
    if (silent.contains(i) && (offer != nullptr ? 0U : said->index() + 1) >= silent.at(i)) {
      return {};
    }
    if (offer != nullptr) {
      rounds[i] = std::make_unique<client::MaskedRound>(
          client::MaskedRound::Parts{.offer = *offer,
                                     .run_id = "run",
                                     .papers = papers[i],
                                     .record = Folder(i) / "masked.json",
                                     .min_clients = least[i]});
    }
    auto step = offer != nullptr ? rounds[i]->Start(UpdateOf(i), kLoss, 0.0, models[i])
                                 : rounds[i]->Receive(*said);
    if (!step) {
      errors[i] = step.error().message;
      return {};
    }
    return std::move(step->messages);
  }

  /// Plays a session to its end, with the clock moved on whenever it waits.
  void Play(coordinator::MaskedSession& session) {
    rounds.clear();
    errors.clear();
    Deliver(session, session.Start(clock.Now()));
    while (!session.complete()) {
      ASSERT_TRUE(wake.has_value()) << "it waits for nothing";
      clock.AdvanceTo(*wake);
      Deliver(session, session.Tick(clock.Now()));
    }
  }

  void ExpectSumOf(coordinator::MaskedSession& session, const std::vector<std::size_t>& clients) {
    const std::vector<ClientId> contributors = session.contributors();
    const auto sums = std::move(session).Take();
    ASSERT_TRUE(sums) << sums.error().message;
    ASSERT_EQ(sums->size(), 1U);
    std::vector<ClientId> names;
    UpdateSum clear;
    for (const std::size_t i : clients) {
      names.push_back(ids[i]);
      ASSERT_TRUE(clear.Add(UpdateOf(i)));
    }
    const UpdateSum& sum = sums->front();
    EXPECT_EQ(contributors, names);
    EXPECT_EQ(sum.blocks[0].values, clear.blocks[0].values);
    EXPECT_EQ(sum.weight, clear.weight);
    EXPECT_EQ(sum.contributors, clear.contributors);
    EXPECT_EQ(sum.saturated, clear.saturated);
    EXPECT_EQ(session.mean_loss(), kLoss);
  }

  const GridSpec grid{.kind = GridSpec::Kind::kRing, .bits = 32, .step = 0.5, .limit = 1000.0};
  TemporaryFolder folder;
  SigningKey governance = SigningKey::Generate();
  Roster roster;
  std::vector<ClientId> ids;
  std::deque<client::Papers> papers;
  coordinator::ContributionSpec spec;
  Workers workers{1};
  ManualClock clock;
  std::optional<TimePoint> wake;
  std::map<std::size_t, std::unique_ptr<client::MaskedRound>> rounds;
  std::map<std::size_t, std::string> errors;
  std::map<std::size_t, std::size_t> silent;  ///< client -> from which step on
  std::vector<std::uint32_t> least = std::vector<std::uint32_t>(kClients, 3);
  std::vector<std::string> models = std::vector<std::string>(kClients, std::string(64, 'a'));
};

TEST_F(HalvesTest, GiveTheSumOfEverybody) {
  auto session = NewSession();
  Play(*session);
  ExpectSumOf(*session, {0, 1, 2, 3, 4});
}

TEST_F(HalvesTest, OneThatFallsSilentIsLeftOutAtTheDeadlineOfTheStep) {
  for (std::size_t step = 0; step < 5; ++step) {
    SCOPED_TRACE(step);
    silent = {{2, step}};
    auto session = NewSession(7 + step);
    Play(*session);
    const bool counts = step >= 3;
    ExpectSumOf(
        *session,
        counts ? std::vector<std::size_t>{0, 1, 2, 3, 4} : std::vector<std::size_t>{0, 1, 3, 4});
  }
}

TEST_F(HalvesTest, BelowTheThresholdNothingIsOpened) {
  for (std::size_t step = 0; step < 5; ++step) {
    SCOPED_TRACE(step);
    silent = {{0, step}, {4, step}};
    if (step == 0) {
      silent[2] = 0;  // Three would be a session of their own: nobody knows of the others yet.
    }
    const TimePoint start = clock.Now();
    auto session = NewSession(7 + step);
    Play(*session);
    EXPECT_LE(clock.Now(), start + std::chrono::seconds(100));
    EXPECT_TRUE(session->contributors().empty());
    const auto sums = std::move(*session).Take();
    ASSERT_FALSE(sums);
    EXPECT_EQ(sums.error().code, ErrorCode::kTooFewClients);
    EXPECT_TRUE(std::isnan(session->mean_loss()));
  }
}

TEST_F(HalvesTest, AStrangerToTheRosterIsNotAsked) {
  roster.entries.pop_back();
  const std::string text = [&] {
    roster.version = 2;
    return SignRoster(roster, governance).value().Text();
  }();
  for (std::size_t i = 0; i + 1 < kClients; ++i) {
    ASSERT_TRUE(papers[i].TakeRoster(text));
  }
  auto session = NewSession();
  Play(*session);
  EXPECT_FALSE(rounds.contains(4));
  EXPECT_THAT(session->dropped().at(0).second.message, HasSubstr("not in the roster"));
  ExpectSumOf(*session, {0, 1, 2, 3});
}

TEST_F(HalvesTest, GarbageDropsItsSenderAlone) {
  auto session = NewSession();
  auto step = session->Start(clock.Now());
  ASSERT_TRUE(session->Receive(ids[1], Bytes{1, 2, 3}, clock.Now()));
  silent = {{1, 0}};
  Deliver(*session, std::move(step));
  ASSERT_TRUE(session->complete());
  ExpectSumOf(*session, {0, 2, 3, 4});
}

TEST_F(HalvesTest, AClientLeavesASessionThatIsNotAboutWhatItHas) {
  models[0] = std::string(64, 'b');
  least[1] = 4;
  auto session = NewSession();
  Play(*session);
  EXPECT_THAT(errors[0], HasSubstr("another roster, model, run or vector"));
  EXPECT_THAT(errors[1], HasSubstr("at least 4"));
  ExpectSumOf(*session, {2, 3, 4});
}

TEST_F(HalvesTest, ASerialServesOnceEvenAfterACrash) {
  auto first = NewSession(9);
  Play(*first);
  const auto kept = client::ReadMaskedRecord(Folder(0) / "masked.json");
  ASSERT_TRUE(kept && kept->has_value());
  EXPECT_EQ((*kept)->serial, 9U);
  EXPECT_EQ((*kept)->opened_sha256.size(), 64U);

  // Nothing but the files is left of the clients.
  for (const std::uint64_t serial : {9, 8}) {
    auto again = NewSession(serial);
    Play(*again);
    EXPECT_THAT(errors[0], HasSubstr("is not newer than 9")) << serial;
    EXPECT_FALSE(std::move(*again).Take());
  }
  auto next = NewSession(10);
  Play(*next);
  ExpectSumOf(*next, {0, 1, 2, 3, 4});
}

TEST_F(HalvesTest, ADamagedRecordStopsTheClient) {
  ASSERT_TRUE(WriteTextFile(Folder(0) / "masked.json", "{}"));
  auto session = NewSession();
  Play(*session);
  EXPECT_THAT(errors[0], HasSubstr("is no record of masked rounds"));
}

TEST_F(HalvesTest, AWeightThatNobodyMayHaveVoidsTheSum) {
  spec.max_weight = 2;  // The heaviest of the five has 5.
  auto session = NewSession();
  Play(*session);
  const auto sums = std::move(*session).Take();
  ASSERT_FALSE(sums);
  EXPECT_EQ(sums.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(sums.error().message, HasSubstr("the weight is 15"));
}

TEST_F(HalvesTest, TheSerialReadsBackFromDisk) {
  const std::filesystem::path file = folder / "masked";
  EXPECT_EQ(coordinator::ReadSerial(file).value(), 0U);
  auto session = NewSession(1234);
  const auto step = session->Start(clock.Now());
  ASSERT_TRUE(step);
  ASSERT_TRUE(WriteFileAtomic(file, step->persist));
  EXPECT_EQ(coordinator::ReadSerial(file).value(), 1234U);
  ASSERT_TRUE(WriteTextFile(file, "x"));
  EXPECT_EQ(coordinator::ReadSerial(file).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace rondo::testing
