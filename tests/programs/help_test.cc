#include "tests/programs/world.h"

namespace rondo::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class HelpTest : public ProgramsTest {
 protected:
  std::string HelpOf(std::vector<std::string> words) const {
    words.emplace_back("--help");
    const Ending end = RunToEnd(Command(std::move(words)));
    EXPECT_EQ(end.code, 0);
    EXPECT_TRUE(end.err.empty()) << end.err;
    return end.out;
  }

  /// The words of a program's commands, as its help lists them.
  static std::vector<std::string> CommandsIn(const std::string& help) {
    std::vector<std::string> commands;
    std::istringstream lines(help.substr(help.find("Subcommands:\n") + 13));
    for (std::string line; std::getline(lines, line);) {
      if (line.size() > 3 && line.starts_with("  ") && line[2] != ' ') {
        commands.push_back(line.substr(2, line.find(' ', 2) - 2));
      }
    }
    return commands;
  }
};

TEST_F(HelpTest, EveryCommandBeginsWithExamplesOfItself) {
  for (const std::string program : {"rondo-sim", "rondo-client", "rondo-coordinator"}) {
    const std::string help = HelpOf({program});
    EXPECT_THAT(help, StartsWith("Examples:\n  " + program));
    EXPECT_THAT(help.substr(help.find("Subcommands:")), Not(HasSubstr("Examples:")));
    const std::vector<std::string> commands = CommandsIn(help);
    EXPECT_GE(commands.size(), 4U);
    for (const std::string& command : commands) {
      EXPECT_THAT(HelpOf({program, command}),
                  StartsWith("Examples:\n  " + program + " " + command));
    }
  }
}

TEST_F(HelpTest, CommandsOfCommandsDoToo) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"rondo-sim", "data"}, {"rondo-coordinator", "model"}}) {
    for (const std::string& command : CommandsIn(HelpOf(words))) {
      std::vector<std::string> all = words;
      all.push_back(command);
      EXPECT_THAT(HelpOf(all),
                  StartsWith("Examples:\n  " + words[0] + " " + words[1] + " " + command));
    }
  }
}

}  // namespace
}  // namespace rondo::testing
