#include "tests/programs/world.h"

namespace rondo::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class YardsticksTest : public ProgramsTest {
 protected:
  YardsticksTest() {
    Write(Path("data/log.inter"), SmallLog(30));
    Write(Path("small.toml"), SmallScenario(12));
  }

  boost::json::object Train(const std::string& what, const std::string& out) const {
    const Ending end = RunToEnd(Command({"rondo-sim",
                                         what,
                                         "small.toml",
                                         "--epochs",
                                         "40",
                                         "--learning-rate",
                                         "1e-2",
                                         "--out",
                                         out,
                                         "--json"}));
    EXPECT_EQ(end.code, 0) << end.err;
    return boost::json::parse(end.out).as_object();
  }

  static double Hits(const boost::json::object& summary) {
    return summary.at("test").at("full").at("hr@10").to_number<double>();
  }
};

TEST_F(YardsticksTest, CentralTrainingLearnsFromAllUsersAndLeavesAModel) {
  const boost::json::object summary = Train("central", "central");
  EXPECT_EQ(summary.at("training"), "central");
  EXPECT_EQ(summary.at("test").at("full").at("users"), 30);
  EXPECT_GT(summary.at("selected_round").to_number<int>(), 0);
  EXPECT_LE(summary.at("selected_round").to_number<int>(), 40);
  EXPECT_GT(Hits(summary), 0.4);  // chance is 10 of at least 31
  const Ending scored = RunToEnd(Command({"rondo-sim",
                                          "evaluate",
                                          "--model",
                                          "central/model.safetensors",
                                          "central/config.toml",
                                          "--json"}));
  ASSERT_EQ(scored.code, 0) << scored.err;
  const boost::json::object again = boost::json::parse(scored.out).as_object();
  EXPECT_EQ(again.at("full").at("ndcg@10"), summary.at("test").at("full").at("ndcg@10"));
}

TEST_F(YardsticksTest, ClientsAloneLearnLessThanAllTogetherAndAreCompared) {
  const boost::json::object central = Train("central", "central");
  const boost::json::object local = Train("local", "local");
  EXPECT_EQ(local.at("training"), "local");
  EXPECT_EQ(local.at("test").at("full").at("users"), 30);
  EXPECT_LT(Hits(local), Hits(central));
  EXPECT_FALSE(std::filesystem::exists(Path("local/model.safetensors")));
  const Ending end =
      RunToEnd(Command({"rondo-sim", "compare", "central", "local", "--format", "csv"}));
  ASSERT_EQ(end.code, 0) << end.err;
  EXPECT_THAT(end.out, AllOf(HasSubstr("central"), HasSubstr("local")));
}

TEST_F(YardsticksTest, OneSeedGivesOneModel) {
  EXPECT_EQ(Train("central", "one").at("model"), Train("central", "two").at("model"));
}

TEST_F(YardsticksTest, AttacksAreRefusedWithExitCode4) {
  const Ending end = RunToEnd(Command({"rondo-sim",
                                       "central",
                                       "small.toml",
                                       "--set",
                                       "attack.name=zero",
                                       "--set",
                                       "attack.share=0.1"}));
  EXPECT_EQ(end.code, 4);
  EXPECT_THAT(end.err, HasSubstr("attack.name"));
}

}  // namespace
}  // namespace rondo::testing
