#include "tests/programs/world.h"

namespace rondo::testing {
namespace {

using ::testing::HasSubstr;

/// Hostile clients, seen from outside.
class AttackTest : public ProgramsTest {
 protected:
  AttackTest() {
    Write(Path("data/log.inter"), SmallLog(40));
    Write(Path("small.toml"), SmallScenario(40, "cohort = 40"));
  }

  Ending Run(std::vector<std::string> sets) const {
    std::vector<std::string> arguments = {"rondo-sim", "run", "small.toml", "--json"};
    for (std::string& set : sets) {
      arguments.insert(arguments.end(), {"--set", std::move(set)});
    }
    return RunToEnd(Command(std::move(arguments)));
  }

  boost::json::object Summary(std::vector<std::string> sets) const {
    const Ending end = Run(std::move(sets));
    EXPECT_EQ(end.code, 0) << end.err;
    return boost::json::parse(end.out).as_object();
  }
};

TEST_F(AttackTest, TheSummaryNamesItAndRowClippingChangesWhatItDoes) {
  std::vector<std::string> sets = {
      "attack.name=promotion", "attack.share=0.1", "attack.target=i40"};
  const boost::json::object clean = Summary({});
  const boost::json::object open = Summary(sets);
  sets.emplace_back("strategy.row_clip=1e-3");
  const boost::json::object held = Summary(sets);

  EXPECT_FALSE(clean.contains("attack"));
  for (const boost::json::object& summary : {open, held}) {
    const boost::json::object& attack = summary.at("attack").as_object();
    EXPECT_EQ(attack.at("name"), "promotion");
    EXPECT_EQ(attack.at("hostile"), 4);
    EXPECT_EQ(attack.at("target"), "i40");
    EXPECT_GE(attack.at("er@10").as_double(), attack.at("er@5").as_double());
    EXPECT_LE(attack.at("er@10").as_double(), 1.0);
  }
  EXPECT_NE(ModelSha256(open), ModelSha256(clean));
  EXPECT_NE(ModelSha256(open), ModelSha256(held));
}

TEST_F(AttackTest, AnUnknownTargetIsRefused) {
  const Ending end = Run({"attack.name=bandwagon", "attack.share=0.1", "attack.target=i41"});
  EXPECT_NE(end.code, 0);
  EXPECT_THAT(end.err, HasSubstr("attack.target: the catalogue has no item 'i41'"));
}

}  // namespace
}  // namespace rondo::testing
