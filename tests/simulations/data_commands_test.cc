#include "simulations/data_commands.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/data/data_files.h"

namespace rondo::sim {
namespace {

using rondo::testing::DataFolder;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Outcome {
  Status status = Ok();
  std::string out;
};

/// Runs one command line as the program would.
Outcome RunProgram(std::vector<std::string> words) {
  CLI::App app;
  Action action;
  AddDataCommands(app, action);
  std::reverse(words.begin(), words.end());
  Outcome outcome;
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  try {
    app.parse(words);
    outcome.status = action();
  } catch (const CLI::ParseError& error) {
    outcome.status = Fail(ErrorCode::kInvalidArgument, error.what());
  }
  outcome.out = ::testing::internal::GetCapturedStdout();
  ::testing::internal::GetCapturedStderr();
  return outcome;
}

class DataCommandsTest : public ::testing::Test {
 protected:
  DataCommandsTest() {
    const auto made = RunProgram({"data",
                                  "generate",
                                  "--out",
                                  Path("made"),
                                  "--users",
                                  "50",
                                  "--items",
                                  "60",
                                  "--events",
                                  "12"});
    RONDO_CHECK(made.status.has_value()) << made.status.error().message;
  }

  std::string Path(const std::string& name) const { return (folder_.path() / name).string(); }

  DataFolder folder_;
};

TEST_F(DataCommandsTest, StatsPrintsTextJsonAndAPage) {
  const auto text = RunProgram(
      {"data", "stats", Path("made"), "--html", Path("page.html"), "--clients", "column:region"});
  ASSERT_TRUE(text.status) << text.status.error().message;
  EXPECT_THAT(text.out, HasSubstr("users                 50 (0 left out)"));
  EXPECT_THAT(text.out, HasSubstr("5 by column:region"));
  const std::string page = *ReadTextFile(Path("page.html"));
  EXPECT_THAT(page, StartsWith("<!doctype html>"));
  EXPECT_THAT(page, HasSubstr("<svg"));
  for (const char* const reference : {"href=", "src=", "url(", "@import"}) {
    EXPECT_THAT(page, Not(HasSubstr(reference))) << "the page needs nothing from outside";
  }
  const auto json = RunProgram({"data", "stats", Path("made"), "--json"});
  ASSERT_TRUE(json.status);
  const boost::json::value object = boost::json::parse(json.out);
  EXPECT_EQ(object.at("schema_version").as_int64(), 1);
  EXPECT_EQ(object.at("users").to_number<int>(), 50);
  EXPECT_EQ(object.at("report").at("test_rows").to_number<int>(), 50);
  EXPECT_EQ(object.at("clients").at("sizes").as_array().size(), 50U);
}

TEST_F(DataCommandsTest, ImportKeepsEveryEvent) {
  folder_.Write("log.csv", "who,what,when\n\"a, b\",x,3\nc,y,1\n");
  const auto done = RunProgram({"data",
                                "import",
                                "--columns",
                                "user=who,item=what,time=when",
                                Path("log.csv"),
                                "--out",
                                Path("in")});
  ASSERT_TRUE(done.status) << done.status.error().message;
  EXPECT_EQ(*ReadTextFile(Path("in/data.inter")),
            "user_id:token\titem_id:token\ttimestamp:float\na, b\tx\t3\nc\ty\t1\n");
}

TEST_F(DataCommandsTest, ExportWritesThePartsOfTheSplit) {
  const auto done =
      RunProgram({"data", "export", Path("made"), "--out", Path("split"), "--name", "s"});
  ASSERT_TRUE(done.status) << done.status.error().message;
  const auto lines = [&](const char* name) {
    const std::string text = *ReadTextFile(Path(name));
    return std::count(text.begin(), text.end(), '\n') - 1;
  };
  const std::string source = *ReadTextFile(Path("made/synthetic.inter"));
  EXPECT_LE(lines("split/s.test.inter"), 50);
  EXPECT_GT(lines("split/s.train.inter"), 400);
  EXPECT_LE(
      lines("split/s.train.inter") + lines("split/s.valid.inter") + lines("split/s.test.inter"),
      std::count(source.begin(), source.end(), '\n') - 1);
  EXPECT_TRUE(Catalogue::Read(Path("split/catalogue.tsv")));
}

TEST_F(DataCommandsTest, ExportKeepsNamesRatingsAndFeedback) {
  folder_.Write("log.csv",
                "user,item,rating,time,event\n"
                "u,a,1,10,view\nu,x,5,20,buy\nu,c,-2,30,skip\nu,b,1,40,view\nu,x,4.5,50,buy\n"
                "u,a,1,60,view\nu,b,3,70,buy\nu,q,1,80,view\nv,c,1,1,view\nv,b,1,2,view\n"
                "v,a,1,3,hover\n");
  const std::vector<std::string> roles = {"--events", "view=input,buy=both,skip=negative"};
  const auto done = RunProgram({"data",
                                "export",
                                Path("log.csv"),
                                "--out",
                                Path("parts"),
                                "--name",
                                "s",
                                "--set",
                                "data.min_user_events=1",
                                roles[0],
                                roles[1]});
  ASSERT_TRUE(done.status) << done.status.error().message;
  const std::string header =
      "user_id:token\titem_id:token\trating:float\ttimestamp:float\tevent:token\n";
  EXPECT_EQ(*ReadTextFile(Path("parts/s.train.inter")),
            header
                + "u\ta\t1\t10\tview\nu\tx\t5\t20\tbuy\nu\tc\t-2\t30\tskip\nu\tb\t1\t40\tview\n"
                  "v\tc\t1\t1\tview\nv\tb\t1\t2\tview\n");
  EXPECT_EQ(*ReadTextFile(Path("parts/s.valid.inter")), header + "u\tx\t4.5\t50\tbuy\n");
  EXPECT_EQ(*ReadTextFile(Path("parts/s.test.inter")),
            header + "u\ta\t1\t60\tview\nu\tb\t3\t70\tbuy\n");
  EXPECT_THAT(done.out, HasSubstr("s.test.inter"));
}

TEST_F(DataCommandsTest, IdsThatBreakARowAreRefused) {
  folder_.Write("log.csv", "user,item,time\n\"a\tb\",x,1\nc,x,2\n");
  for (const char* const command : {"import", "export"}) {
    const auto done = RunProgram({"data",
                                  command,
                                  Path("log.csv"),
                                  "--out",
                                  Path("out"),
                                  "--set",
                                  "data.min_user_events=1"});
    ASSERT_FALSE(done.status) << command;
    EXPECT_THAT(done.status.error().message, HasSubstr("user id 'a b' holds a tab")) << command;
  }
}

TEST_F(DataCommandsTest, ShowsWhichItemsClientsShare) {
  // Ann has a, b and c, Ben c and d, Cy none of those.
  folder_.Write("log.csv",
                "user,item,time\nann,a,1\nann,b,2\nann,c,3\nann,c,4\nben,c,1\nben,d,2\nben,d,3\ncy,"
                "e,1\ncy,e,2\ncy,e,3\n");
  const auto done = RunProgram({"data",
                                "stats",
                                Path("log.csv"),
                                "--split",
                                "none",
                                "--clients",
                                "user",
                                "--json",
                                "--html",
                                Path("page.html")});
  ASSERT_TRUE(done.status) << done.status.error().message;
  const boost::json::value clients = boost::json::parse(done.out).at("clients");
  EXPECT_EQ(clients.at("sizes").at(0).at("items").to_number<int>(), 3);
  EXPECT_EQ(clients.at("sizes").at(0).at("train_rows").to_number<int>(), 4);
  const boost::json::array& overlap = clients.at("overlap").as_array();
  EXPECT_NEAR(overlap[0].at(1).as_double(), 1.0 / 3.0, 1e-12) << "of three items of Ann's, Ben's c";
  EXPECT_EQ(overlap[1].at(0).as_double(), 0.5);
  EXPECT_EQ(overlap[1].at(1).as_double(), 1.0);
  EXPECT_EQ(overlap[2].at(0).as_double(), 0.0);
  const std::string page = *ReadTextFile(Path("page.html"));
  EXPECT_THAT(page, HasSubstr("<title>ann, ben: 33 %</title>"));
  EXPECT_THAT(page, HasSubstr("id=\"popularity-t\""));
}

TEST_F(DataCommandsTest, ItemsWithoutTrainingRowsStandAtZero) {
  folder_.Write("log.csv", "user,item,time\nu,a,1\nu,b,2\nu,b,3\n");
  folder_.Write("list.tsv", "item_id\na\nb\nc\nd\ne\n");
  const auto done = RunProgram({"data",
                                "stats",
                                Path("log.csv"),
                                "--split",
                                "none",
                                "--catalogue",
                                Path("list.tsv"),
                                "--html",
                                Path("page.html")});
  ASSERT_TRUE(done.status) << done.status.error().message;
  const std::string page = *ReadTextFile(Path("page.html"));
  const std::string items = page.substr(page.find("id=\"item-rows"));
  EXPECT_THAT(items, HasSubstr("<title>0 to 1: 3</title>"));
  EXPECT_THAT(items, HasSubstr("<title>1 to 2: 1</title>"));
  EXPECT_THAT(items, HasSubstr("<title>2 to 4: 1</title>"));
}

TEST_F(DataCommandsTest, NoiseAndMissingRateOfVectorsAreFlags) {
  const auto done = RunProgram({"data",
                                "generate",
                                "--out",
                                Path("clean"),
                                "--users",
                                "20",
                                "--items",
                                "100",
                                "--noise",
                                "0.25",
                                "--missing",
                                "0"});
  ASSERT_TRUE(done.status) << done.status.error().message;
  const auto truth = boost::json::parse(*ReadTextFile(Path("clean/truth.json")));
  for (const auto& modality : truth.at("modalities").as_array()) {
    EXPECT_EQ(modality.at("noise").to_number<double>(), 0.25);
    EXPECT_EQ(modality.at("missing").to_number<double>(), 0.0);
  }
  EXPECT_FALSE(RunProgram({"data", "generate", "--out", Path("x"), "--missing", "2"}).status);
}

TEST_F(DataCommandsTest, CatalogueAndPartitionAgree) {
  const auto catalogue = RunProgram({"data", "catalogue", Path("made"), "--out", Path("c.tsv")});
  ASSERT_TRUE(catalogue.status) << catalogue.status.error().message;
  const auto done = RunProgram({"data",
                                "partition",
                                Path("made"),
                                "--clients",
                                "dirichlet:1",
                                "--institutions",
                                "3",
                                "--out",
                                Path("parts")});
  ASSERT_TRUE(done.status) << done.status.error().message;
  EXPECT_THAT(done.out, HasSubstr("institution-01\t" + Path("parts/institution-01")));
  EXPECT_EQ(*ReadTextFile(Path("parts/catalogue.tsv")), *ReadTextFile(Path("c.tsv")));
  EXPECT_TRUE(std::filesystem::exists(Path("parts/institution-01/data.inter")));
  EXPECT_TRUE(std::filesystem::exists(Path("parts/institution-01/data.user")));
}

TEST_F(DataCommandsTest, AScenarioMayNameTheData) {
  folder_.Write("s.toml", "[data]\npath = \"made\"\nclients = \"column:region\"\n");
  const auto done =
      RunProgram({"data", "stats", Path("s.toml"), "--set", "data.min_user_events=5", "--json"});
  ASSERT_TRUE(done.status) << done.status.error().message;
  EXPECT_EQ(boost::json::parse(done.out).at("clients").at("count").to_number<int>(), 5);
}

TEST_F(DataCommandsTest, WrongArgumentsAreUsageErrors) {
  const auto code = [](const Outcome& outcome) {
    return ExitCode(outcome.status.error().code);
  };
  EXPECT_EQ(code(RunProgram({"data", "stats", Path("none")})), ExitCode(ErrorCode::kNotFound));
  EXPECT_EQ(code(RunProgram({"data", "stats", Path("made"), "--events", "view"})), 4);
  EXPECT_EQ(code(RunProgram({"data", "generate", "--out", Path("x"), "--users", "0"})), 4);
  EXPECT_EQ(code(RunProgram({"data", "stats", Path("made"), "--set", "data.unknown=5"})), 4);
}

}  // namespace
}  // namespace rondo::sim
