#include "tests/programs/world.h"

namespace rondo::testing {
namespace {

/// bench/hostile.py in small: rounds go on under each attack, and nobody dies.
TEST(HostileTest, RoundsGoOnUnderAttack) {
  const TemporaryFolder folder;

  const Ending end = RunToEnd({.arguments = {"/usr/bin/python3",
                                             std::string(RONDO_SOURCE_FOLDER) + "/bench/hostile.py",
                                             RONDO_PROGRAMS,
                                             "--frames=8000",
                                             "--slow=100",
                                             "--rate=100",
                                             "--seconds=0.5"},
                               .folder = folder.path()});

  ASSERT_EQ(end.code, 0) << end.out << end.err;
  const boost::json::object result = boost::json::parse(LastLine(end.out)).as_object();
  EXPECT_EQ(result.at("crashes").as_int64(), 0);
  const boost::json::object& phases = result.at("phases").as_object();
  EXPECT_EQ(phases.size(), 8U);
  for (const auto& phase : phases) {
    EXPECT_GE(phase.value().at("rounds").as_int64(), 1) << phase.key() << '\n' << end.out;
  }
  EXPECT_GE(phases.at("malformed, member").at("frames").as_int64(), 2000) << end.out;
  EXPECT_GE(phases.at("out of place, member").at("frames").as_int64(), 2000) << end.out;
}

}  // namespace
}  // namespace rondo::testing
