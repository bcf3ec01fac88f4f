#include <cmath>

#include <gmock/gmock.h>

#include "simulations/compare_analysis.h"
#include "simulations/compare_tables.h"
#include "simulations/table_text.h"
#include "tests/simulations/compare_fixture.h"

namespace rondo::sim {
namespace {

using rondo::testing::MadeRun;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class CompareTest : public rondo::testing::CompareFixture {
 protected:
  /// An arm of `seeds` runs; `value` is given the user and the seed.
  Arm MakeArm(const std::string& name, int seeds, const std::function<double(int, int)>& value) {
    Arm arm{.name = name};
    for (int seed = 1; seed <= seeds; ++seed) {
      MadeRun run = base_;
      run.strategy = "fedavg";
      run.seed = static_cast<std::uint64_t>(seed);
      run.value = [&](int user) {
        return value(user, seed);
      };
      arm.runs.push_back(Read(name + std::to_string(seed), run));
    }
    return arm;
  }

  static double Plain(int user, int /*seed*/) { return user % 3 == 0 ? 0.5 : 0.1; }

  static double Better(int user, int seed) { return Plain(user, seed) + 0.02 + 0.001 * seed; }

  std::string Refusal(const MadeRun& other) {
    const std::vector<RunRecord> runs = {Read("A", {}), Read("B", other)};
    const std::vector<const RunRecord*> both = {&runs[0], &runs[1]};
    const Status checked = CheckComparable(both);
    EXPECT_FALSE(checked);
    EXPECT_EQ(ExitCode(checked.error().code), 4);
    return checked ? "" : checked.error().message;
  }

  MadeRun base_;
};

TEST_F(CompareTest, RunsOnOtherDataAreRefusedByName) {
  EXPECT_THAT(Refusal({.fingerprint = "cccc"}),
              AllOf(HasSubstr("/A'"),
                    HasSubstr("/B'"),
                    HasSubstr("data fingerprint differs, aaaa and cccc")));
  EXPECT_THAT(Refusal({.catalogue = "cccc"}), HasSubstr("the catalogue (SHA-256) differs"));
  EXPECT_THAT(Refusal({.split = "user_ratio"}),
              HasSubstr(R"(data.split differs, "leave_one_out" and "user_ratio")"));
  EXPECT_THAT(Refusal({.users = 29}), HasSubstr("list of scored users differs, 30 and 29"));
}

TEST_F(CompareTest, AnUnfinishedRunIsNamedWithTheWayOn) {
  const auto folder = Make("A", {});
  std::filesystem::remove(folder / "summary.json");
  const auto run = ReadRun(folder);
  ASSERT_FALSE(run);
  EXPECT_THAT(run.error().message, HasSubstr("rondo-sim run --resume " + folder.string()));
}

TEST_F(CompareTest, AStrategyDoesNotDifferFromItself) {
  const std::filesystem::path folder = Make("A", {});
  const std::vector<Arm> arms = ArmsOf({ReadRun(folder).value(), ReadRun(folder).value()});
  ASSERT_EQ(arms.size(), 2U);
  EXPECT_NE(arms[0].name, arms[1].name);
  const Analysis analysis = Analyse(arms, {}).value();
  ASSERT_EQ(analysis.tests.size(), 1U);
  EXPECT_EQ(analysis.tests[0].p, 1.0);
  EXPECT_EQ(analysis.tests[0].difference.mean, 0.0);
  EXPECT_EQ(PairVerdict(analysis.tests[0]), "no difference");
  EXPECT_FALSE(analysis.best_is_significant);
  EXPECT_THAT(ToMarkdown(TablesOf(analysis, {})), Not(HasSubstr("**")));
}

TEST_F(CompareTest, ABetterStrategyIsFoundAndBold) {
  const std::vector<Arm> arms = {MakeArm("plain", 2, Plain), MakeArm("better", 2, Better)};
  const Analysis analysis = Analyse(arms, {}).value();
  const PairTest& test = analysis.tests.at(0);
  EXPECT_NEAR(test.difference.mean, 0.0215, 1e-9) << "the mean over both seeds";
  EXPECT_EQ(test.verdict, Verdict::kBetter);
  EXPECT_NEAR(analysis.arms[1].by_seed[0] - analysis.arms[0].by_seed[0], 0.021, 1e-9);
  EXPECT_NEAR(analysis.arms[1].deviation, 0.001 / std::sqrt(2.0), 1e-9);
  EXPECT_THAT(ToMarkdown(TablesOf(analysis, {})), HasSubstr("| better | **0."));
  EXPECT_THAT(ToLatex(TablesOf(analysis, {})), HasSubstr("\\textbf{0."));
}

TEST_F(CompareTest, SeedsThatDisagreeAreShown) {
  // Every user gains over the mean of the seeds, and loses with the second.
  const auto unsteady = [](int user, int seed) {
    return Plain(user, seed) + (seed == 2 ? -0.01 : 0.04);
  };
  const std::vector<Arm> arms = {MakeArm("plain", 3, Plain), MakeArm("unsteady", 3, unsteady)};
  const Analysis analysis = Analyse(arms, {}).value();
  EXPECT_EQ(analysis.tests[0].verdict, Verdict::kBetter);
  EXPECT_THAT(ToText(TablesOf(analysis, {})), HasSubstr("2 of 3"));
}

TEST_F(CompareTest, HolmCountsTheWholeFamily) {
  const std::vector<Arm> arms = {
      MakeArm("a", 1, Plain), MakeArm("b", 1, Better), MakeArm("c", 1, Better)};
  const Analysis against_one = Analyse(arms, {}).value();
  EXPECT_EQ(against_one.tests.size(), 2U);
  EXPECT_DOUBLE_EQ(against_one.tests[0].holm, 2.0 * against_one.tests[0].p);
  const Analysis all = Analyse(arms, {.all_pairs = true}).value();
  EXPECT_EQ(all.tests.size(), 3U);
  EXPECT_DOUBLE_EQ(all.tests[0].holm, 3.0 * all.tests[0].p);
  EXPECT_FALSE(all.best_is_significant) << "b and c are alike";
  EXPECT_TRUE(against_one.best_is_significant);
}

TEST_F(CompareTest, SeedsAreTestedFromSixOn) {
  const std::vector<Arm> five = {MakeArm("a", 5, Plain), MakeArm("b", 5, Better)};
  const Analysis few = Analyse(five, {}).value();
  EXPECT_FALSE(few.tests[0].seed_p.has_value());
  EXPECT_THAT(few.notes,
              ElementsAre("5 seeds cannot give p below 0.0625 over seeds, so there is no test "
                          "over seeds; it begins at 6 seeds."));
  const std::vector<Arm> six = {MakeArm("a", 6, Plain), MakeArm("b", 6, Better)};
  const Analysis enough = Analyse(six, {}).value();
  EXPECT_EQ(enough.tests[0].seed_p, 2.0 / 64.0);
  EXPECT_THAT(enough.notes, ::testing::IsEmpty());
}

TEST_F(CompareTest, InstitutionsCountAsOneWitnessEach) {
  base_.users_a_client = 10;
  const std::vector<Arm> arms = {MakeArm("a", 1, Plain), MakeArm("b", 1, Better)};
  const Analysis analysis = Analyse(arms, {}).value();
  EXPECT_EQ(analysis.institutions, 3U);
  EXPECT_EQ(analysis.tests[0].p, 0.25) << "3 institutions: 2 of 8 sign vectors";
  EXPECT_EQ(PairVerdict(analysis.tests[0]), "no difference");
  EXPECT_THAT(analysis.notes, ::testing::Contains(HasSubstr("With 3 institutions and 1 tests")));
}

TEST_F(CompareTest, FairnessIsOverClients) {
  base_.users_a_client = 3;
  // Client 0 has 0, 0, 0.3; all others 0.2.
  const auto uneven = [](int user, int) {
    return user < 2 ? 0.0 : user == 2 ? 0.3 : 0.2;
  };
  const std::vector<Arm> arms = {MakeArm("a", 1, uneven), MakeArm("b", 1, Plain)};
  const Analysis analysis = Analyse(arms, {}).value();
  EXPECT_EQ(analysis.arms[0].clients.size(), 10U);
  EXPECT_NEAR(analysis.arms[0].worst_decile, 0.1, 1e-12);
  EXPECT_NEAR(analysis.arms[1].gini, 0.0, 1e-12) << "every client has the same mean";
}

TEST_F(CompareTest, TheTargetCountsRoundsAndNotValidations) {
  MadeRun slow;
  slow.strategy = "fedprox";
  slow.validation = {0.1, 0.2, 0.3};
  MadeRun never;
  never.validation = {0.1, 0.1};
  const std::vector<Arm> arms = ArmsOf({Read("A", slow), Read("B", never)});
  const Analysis analysis = Analyse(arms, {.target = 0.3}).value();
  EXPECT_EQ(analysis.arms[0].target.reached, 1U);
  EXPECT_EQ(analysis.arms[0].target.rounds, 30.0);
  EXPECT_EQ(analysis.arms[0].target.bytes, 3000.0);
  EXPECT_EQ(analysis.arms[0].target.seconds, 60.0);
  EXPECT_EQ(analysis.arms[1].target.reached, 0U);
  EXPECT_THAT(ToText(TablesOf(analysis, {})), AllOf(HasSubstr("1 of 1"), HasSubstr("0 of 1")));
}

TEST_F(CompareTest, SimulatedTimeStandsBesideTheOthersWhereARunHasIt) {
  MadeRun timed;
  timed.strategy = "fedprox";
  timed.validation = {0.1, 0.2, 0.3};
  timed.simulated = 90.5;
  const std::vector<Arm> arms = ArmsOf({Read("A", timed), Read("B", {})});
  const Analysis analysis = Analyse(arms, {.target = 0.2}).value();

  EXPECT_EQ(analysis.arms[0].simulated_seconds, 1810.0);
  EXPECT_EQ(analysis.arms[0].target.simulated_seconds, 1810.0);
  EXPECT_THAT(ToText(TablesOf(analysis, {})),
              AllOf(HasSubstr("simulated to it"), HasSubstr("30:10")));
  EXPECT_THAT(ToHtml("c", arms, analysis, {}, {}), HasSubstr("Validation against simulated time"));
  const std::vector<Arm> plain = ArmsOf({Read("C", {.strategy = "fedprox"}), Read("D", {})});
  EXPECT_THAT(ToText(TablesOf(Analyse(plain, {}).value(), {})), Not(HasSubstr("simulated")));
}

TEST_F(CompareTest, RunsThatDifferBySeedAloneAreOneArm) {
  const std::vector<Arm> arms = ArmsOf({Read("A", {.seed = 2}),
                                        Read("B", {.strategy = "fedadam", .seed = 1}),
                                        Read("C", {.seed = 1})});
  ASSERT_EQ(arms.size(), 2U);
  EXPECT_EQ(arms[0].name, "fedavg");
  ASSERT_EQ(arms[0].runs.size(), 2U);
  EXPECT_EQ(arms[0].runs[0].scenario.seed, 1U);
  const auto one = Analyse({arms[0]}, {});
  ASSERT_FALSE(one);
  EXPECT_THAT(one.error().message, HasSubstr("at least two"));
  const Analysis analysis = Analyse(arms, {}).value();
  EXPECT_THAT(analysis.notes, ElementsAre(HasSubstr("seeds differ between strategies")));
}

TEST_F(CompareTest, AnUnknownReferenceOrMetricIsNamedWithTheChoices) {
  const std::vector<Arm> arms = {MakeArm("a", 1, Plain), MakeArm("b", 1, Better)};
  EXPECT_THAT(Analyse(arms, {.reference = "c"}).error().message, HasSubstr("a or b"));
  EXPECT_THAT(Analyse(arms, {.metric = "full/ndgc@10"}).error().message,
              HasSubstr("did you mean 'full/ndcg@10'?"));
}

TEST_F(CompareTest, BaselinesStandBesideWithoutATest) {
  const std::vector<Arm> arms = {MakeArm("a", 1, Plain), MakeArm("b", 1, Better)};
  const Analysis analysis = Analyse(arms, {}).value();
  ASSERT_EQ(analysis.baselines.size(), 1U);
  EXPECT_NEAR(analysis.baselines[0].second, 0.25, 1e-12);
  EXPECT_THAT(ToText(TablesOf(analysis, {})), HasSubstr("popularity 0.2500"));
}

/// A user's values are all alike.
MadeRun Attacked(const std::string& strategy,
                 std::uint64_t seed,
                 const std::string& attack,
                 double value) {
  MadeRun run{.strategy = strategy, .seed = seed};
  run.attack = attack;
  run.value = [value](int /*user*/) {
    return value;
  };
  return run;
}

TEST_F(CompareTest, AttacksAreSetAgainstEachStrategyWithoutThem) {
  MadeRun strong = Attacked("fedavg", 1, "ipm", 0.04);
  strong.strength = 9.0;
  const std::vector<RunRecord> runs = {Read("A", Attacked("fedavg", 1, "none", 0.3)),
                                       Read("B", Attacked("fedavg", 2, "none", 0.5)),
                                       Read("C", Attacked("median", 1, "none", 0.2)),
                                       Read("D", Attacked("fedavg", 1, "ipm", 0.1)),
                                       Read("E", Attacked("fedavg", 2, "ipm", 0.1)),
                                       Read("F", strong),
                                       Read("G", Attacked("fedavg", 1, "nan", 0.5)),
                                       Read("H", Attacked("median", 1, "nan", 0.15)),
                                       Read("I", Attacked("krum", 1, "nan", 0.15))};

  const std::vector<Arm> arms = {{.name = "averaging", .runs = {runs[0], runs[1]}}};
  const auto grid = AttackGridOf(runs, arms, "full/ndcg@10");

  ASSERT_TRUE(grid) << grid.error().message;
  ASSERT_TRUE(grid->has_value());
  EXPECT_THAT((*grid)->strategies, ElementsAre("averaging", "median"))
      << "krum has nothing to be set against";
  EXPECT_THAT((*grid)->attacks, ElementsAre("ipm (strength = 0.0)", "ipm (strength = 9.0)", "nan"));
  const ReportTable table = AttackTable(**grid);
  EXPECT_THAT(table.rows,
              ElementsAre(ElementsAre("none", "0.4000", "0.2000"),
                          ElementsAre("ipm (strength = 0.0)", "0.1000 (25 %)", "-"),
                          ElementsAre("ipm (strength = 9.0)", "0.0400 (10 %)", "-"),
                          ElementsAre("nan", "0.5000 (125 %)", "0.1500 (75 %)"),
                          ElementsAre("least kept", "10 %", "75 %")));
  const HeatMap map = AttackMap(**grid);
  EXPECT_DOUBLE_EQ(map.values[0][0], 0.25);
  EXPECT_TRUE(std::isnan(map.values[0][1]));
  EXPECT_TRUE(AttackJson(**grid).at("rows").at(1).at("kept").at(1).is_null());
}

TEST_F(CompareTest, WithoutAttacksOrWithoutRunsToSetThemAgainstThereIsNoGrid) {
  const std::vector<RunRecord> clean = {Read("A", {}), Read("B", {.strategy = "median"})};
  const std::vector<RunRecord> hostile = {Read("C", Attacked("fedavg", 1, "ipm", 0.1)),
                                          Read("D", Attacked("median", 1, "ipm", 0.1))};
  EXPECT_FALSE(AttackGridOf(clean, {}, "full/ndcg@10").value().has_value());
  EXPECT_FALSE(AttackGridOf(hostile, {}, "full/ndcg@10").value().has_value());
}

}  // namespace
}  // namespace rondo::sim
