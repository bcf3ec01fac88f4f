#include "common/io/report.h"

#include <cmath>
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/file.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_folder.h"

namespace rondo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

LineChart LossChart() {
  LineChart chart{.id = "loss",
                  .title = "Training loss",
                  .description = "Mean loss of the contributors of each round.",
                  .x_label = "round",
                  .y_label = "loss",
                  .series = {},
                  .from_zero = false};
  ChartSeries loss{.name = "train", .points = {}};
  for (int round = 1; round <= 400; ++round) {
    loss.points.emplace_back(round,
                             5.6 + 1.8 * std::exp(-round / 90.0) + 0.05 * std::sin(round * 1.7));
  }
  chart.series.push_back(std::move(loss));
  return chart;
}

LineChart ValidationChart() {
  LineChart chart{.id = "validation",
                  .title = "Validation",
                  .description = "Ranking quality on the validation split.",
                  .x_label = "round",
                  .y_label = "score",
                  .series = {{.name = "NDCG@10", .points = {}}, {.name = "HR@10", .points = {}}},
                  .from_zero = true};
  for (int round = 20; round <= 400; round += 20) {
    chart.series[0].points.emplace_back(round, 0.052 * (1 - std::exp(-round / 120.0)));
    chart.series[1].points.emplace_back(round, 0.1 * (1 - std::exp(-round / 120.0)));
  }
  return chart;
}

ResultTable Results() {
  return {.title = "Test split, full ranking",
          .metrics = {"NDCG@10", "HR@10"},
          .rows = {{.method = "federated (this run)",
                    .federated = true,
                    .cells = {{0.0513, 0.0441, 0.0590}, {0.0984, 0.0843, 0.1130}}},
                   {.method = "popularity",
                    .cells = {{0.0190, 0.0151, 0.0233, Verdict::kWorse},
                              {0.0420, 0.0341, 0.0510, Verdict::kWorse}}},
                   {.method = "Markov-1",
                    .cells = {{0.0470, 0.0400, 0.0545, Verdict::kWithinNoise},
                              {0.0894, 0.0770, 0.1020, Verdict::kWithinNoise}}},
                   {.method = "item-kNN",
                    .note = "simulation only",
                    .cells = {{0.0561, 0.0482, 0.0640, Verdict::kBetter}, {}}}},
          .note = "671 users; 95 % intervals by bootstrap over users."};
}

ReportInput Example() {
  ReportInput input;
  input.name = "demo";
  input.lead =
      "An attention recommender trained over 671 users, each a client of its own, in 400 rounds.";
  input.trust_mode = "in_process";
  input.trust_text = "A simulation: everything stays in one process.";
  input.facts = {
      {"Selected round", "380 of 400"},
      {"Clients", "671"},
      {"Parameters", "316 448"},
      {"Sent up", "64.3 GB"},
      {"Received", "64.3 GB"},
      {"Time", "1:32"},
      {"BLAS", "OpenBLAS 0.3.21 (pthread)"},
      {"Device", "cpu"},
      {"Seed", "1"},
      {"Model SHA-256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}};
  input.warnings = {
      "97 % of users' events are sorted by item id; ties are broken by a keyed hash."};
  input.results = {Results()};
  input.charts = {
      LossChart(),
      ValidationChart(),
      LineChart{.id = "bytes",
                .title = "Bytes",
                .description = "Sent in all.",
                .x_label = "round",
                .y_label = "bytes",
                .series = {{.name = "up", .points = {{0, 0}, {200, 3.2e10}, {400, 6.43e10}}},
                           {.name = "down", .points = {{0, 0}, {200, 2.2e10}, {400, 4.43e10}}}},
                .from_zero = true}};
  input.recommendations = {
      {.user = "42",
       .history = {"Heat (1995)", "Casino (1995)", "Fargo (1996)"},
       .items = {{"608", "The <Usual> \"Suspects\" & Co (1995)", 7.12, "after Fargo (1996)"},
                 {"50", "Am\xc3\xa9lie (2001)", 6.9, "after Heat (1995)"},
                 {"7", "", 6.1, ""}}}};
  input.data_tables = {{.title = "What was read",
                        .note = "Rows that were left out, by reason.",
                        .columns = {"Reason", "Rows"},
                        .numeric = {false, true},
                        .rows = {{"broken", "3"}, {"users with fewer than 3 events", "12"}}}};
  input.data_charts = {Histogram{.id = "events",
                                 .title = "Events of a user",
                                 .description = "How many users have how many events.",
                                 .x_label = "events",
                                 .y_label = "users",
                                 .edges = {1, 10, 20, 50, 100, 200, 500, 1000, 2000},
                                 .counts = {0, 61, 180, 150, 120, 90, 50, 20}}};
  input.config = "name = \"demo\"\nseed = 1\n\n[data]\npath = \"/data/<x>\"\n";
  return input;
}

TEST(Report, IsOneWellFormedPageThatAsksForNothing) {
  const testing::TemporaryFolder folder;
  const char* kept =
      std::getenv("RONDO_TEST_REPORT");  // A place to keep the page, for looking at it.
  const std::filesystem::path path =
      kept != nullptr ? std::filesystem::path(kept) : folder / "report.html";
  ASSERT_TRUE(WriteTextFile(path, RenderReport(Example())).has_value());

  const auto outcome = testing::RunCommand(std::string("python3 ") + RONDO_SOURCE_FOLDER
                                           + "/tests/io/check_page.py " + path.string());

  EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
}

TEST(Report, EscapesEveryText) {
  ReportInput input;
  const std::string evil = "<script>\"'&";
  input.name = input.lead = input.trust_mode = input.trust_text = input.config = evil;
  input.facts = {{evil, evil}};
  input.warnings = {evil};
  input.results = {{.title = evil,
                    .metrics = {evil},
                    .rows = {{.method = evil, .note = evil, .cells = {{0.5}}}},
                    .note = evil}};
  input.charts = {LineChart{.id = "a",
                            .title = evil,
                            .description = evil,
                            .x_label = evil,
                            .y_label = evil,
                            .series = {{.name = evil, .points = {{1, 2}, {2, 3}}}}},
                  BarChart{.id = "b",
                           .title = evil,
                           .description = evil,
                           .x_label = evil,
                           .bars = {{.label = evil, .value = 1}}},
                  Histogram{.id = "c",
                            .title = evil,
                            .description = evil,
                            .x_label = evil,
                            .y_label = evil,
                            .edges = {0, 1},
                            .counts = {1}}};
  input.recommendations = {{.user = evil, .history = {evil}, .items = {{evil, evil, 1.0, evil}}}};
  input.data_tables = {
      {.title = evil, .note = evil, .columns = {evil}, .numeric = {}, .rows = {{evil}}}};

  const std::string html = RenderReport(input);

  EXPECT_THAT(html, Not(HasSubstr("<script>")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;&quot;&#39;&amp;"));
}

TEST(Report, LeavesOutWhatIsEmpty) {
  const std::string html = RenderReport({.name = "empty"});

  EXPECT_THAT(html, Not(HasSubstr("Recommendations")));
  EXPECT_THAT(html, Not(HasSubstr("<section")));
}

TEST(Report, ChartsHaveTheirNumbersAsATable) {
  const ReportTable lines =
      ChartTable(LineChart{.x_label = "round",
                           .series = {{.name = "a", .points = {{1, 0.5}, {3, 0.25}}},
                                      {.name = "b", .points = {{3, NAN}}}}});
  const ReportTable bins =
      ChartTable(Histogram{.x_label = "x", .y_label = "n", .edges = {0, 1, 2}, .counts = {3, 4}});

  EXPECT_EQ(lines.columns, (std::vector<std::string>{"round", "a", "b"}));
  EXPECT_EQ(lines.rows,
            (std::vector<std::vector<std::string>>{{"1", "0.5", ""}, {"3", "0.25", "-"}}));
  EXPECT_EQ(bins.rows, (std::vector<std::vector<std::string>>{{"0", "1", "3"}, {"1", "2", "4"}}));
}

TEST(Report, BandsStandBehindTheirLinesAndBesideTheirNumbers) {
  const LineChart chart{
      .id = "a",
      .x_label = "round",
      .series = {{.name = "s",
                  .points = {{1, 0.5}, {2, 0.6}},
                  .band = {{.x = 1, .low = 0.4, .high = 0.7}, {.x = 2, .low = 0.5, .high = 0.9}}}}};

  EXPECT_EQ(ChartTable(chart).rows,
            (std::vector<std::vector<std::string>>{{"1", "0.5 (0.4 to 0.7)"},
                                                   {"2", "0.6 (0.5 to 0.9)"}}));
  const std::string svg = RenderSvg(chart);
  EXPECT_THAT(svg, HasSubstr("fill-opacity"));
  EXPECT_LT(svg.find("fill-opacity"), svg.find("stroke-linejoin"));
  EXPECT_THAT(svg, HasSubstr(">0.9<")) << "the axis reaches the band";
}

TEST(Report, StrongCellsAreBold) {
  const std::string html = RenderReport(
      {.name = "t",
       .result_tables = {
           {.title = "r", .columns = {"a", "b"}, .rows = {{"<x>", "1"}}, .strong = {{0, 1}}}}});

  EXPECT_THAT(html, AllOf(HasSubstr("<strong>1</strong>"), HasSubstr("&lt;x&gt;")));
}

TEST(Report, HeatMapsShadeAndNameTheirCells) {
  HeatMap map{.id = "m",
              .title = "kept",
              .x_label = "defence",
              .y_label = "attack",
              .columns = {"mean", "<median>"},
              .rows = {"ipm", "nan"},
              .values = {{0.0, 1.0}, {0.51, NAN}}};
  const std::string svg = RenderSvg(map);

  for (const char* text : {">0 %</text>", ">100 %</text>", ">51 %</text>", ">-</text>"}) {
    EXPECT_THAT(svg, HasSubstr(text));
  }
  EXPECT_THAT(svg, HasSubstr("<title>ipm, &lt;median&gt;: 100 %</title>"));
  EXPECT_THAT(svg, AllOf(HasSubstr("fill-opacity:0.040"), HasSubstr("fill-opacity:0.500")));
  EXPECT_EQ(ChartTable(map).rows,
            (std::vector<std::vector<std::string>>{{"ipm", "0 %", "100 %"}, {"nan", "51 %", "-"}}));
  map.percent = false;
  EXPECT_THAT(RenderSvg(map), HasSubstr(">0.51</text>"));

  // Thirty columns leave no room for numbers; they stay in the titles and the table.
  const std::vector<std::string> names(30, "institution-01");
  const std::string large = RenderSvg(
      HeatMap{.id = "l",
              .columns = names,
              .rows = names,
              .values = std::vector<std::vector<double>>(30, std::vector<double>(30, 0.25))});
  EXPECT_THAT(large, AllOf(Not(HasSubstr(">25 %</text>")), HasSubstr(": 25 %</title>")));
  EXPECT_THAT(large, HasSubstr("rotate(-90"));
  EXPECT_THAT(RenderSvg(HeatMap{.id = "e"}), HasSubstr("no data"));
}

TEST(Svg, NamesThatDoNotFitTheLegendGoToItsNextRow) {
  LineChart chart{.id = "a"};
  for (int i = 0; i < 8; ++i) {
    chart.series.push_back({.name = "a strategy " + std::to_string(i), .points = {{1, 2}, {2, 3}}});
  }
  const std::string svg = RenderSvg(chart);

  EXPECT_THAT(svg, AllOf(HasSubstr("y=\"20.0\""), HasSubstr("y=\"38.0\"")));
  EXPECT_THAT(svg, HasSubstr("viewBox=\"0 0 520.0 296.0\"")) << "two rows more than one";
}

TEST(Svg, SurvivesDegenerateData) {
  const LineChart flat{.id = "a", .series = {{.name = "s", .points = {{1, 2}}}}};
  const LineChart nothing{.id = "b",
                          .series = {{.name = "s", .points = {{1, NAN}, {INFINITY, 2}}}}};
  const BarChart zero{.id = "c",
                      .bars = {{.label = "x", .value = 0.0}, {.label = "y", .value = NAN}}};
  const Histogram wrong{.id = "d", .edges = {1}, .counts = {1, 2}};

  for (const std::string& svg :
       {RenderSvg(flat), RenderSvg(nothing), RenderSvg(zero), RenderSvg(wrong)}) {
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
    EXPECT_THAT(svg, Not(HasSubstr("inf")));
    EXPECT_THAT(svg, HasSubstr("</svg>"));
  }
  EXPECT_THAT(RenderSvg(nothing), HasSubstr("no data"));
}

TEST(Svg, TicksAreRoundAndCoverTheRange) {
  EXPECT_EQ(AxisTicks(0, 100, 5), (std::vector<double>{0, 20, 40, 60, 80, 100}));
  const std::vector<double> ticks = AxisTicks(-0.013, 0.037, 5);
  EXPECT_LE(ticks.front(), -0.013);
  EXPECT_GE(ticks.back(), 0.037);
  EXPECT_EQ(AxisTicks(3, 3, 5).size(), 1u);
  EXPECT_EQ(TickText(0.05), "0.05");
  EXPECT_EQ(TickText(2.5e6), "2.5M");
  EXPECT_EQ(TickText(0.1 + 0.2), "0.3");
}

TEST(ResultTable, ReadsWellOnATerminal) {
  EXPECT_EQ(RenderText(Results()),
            "Test split, full ranking    NDCG@10  95 % interval                    HR@10  95 % "
            "interval\n"
            "--------------------------  -------  ----------------  ------------  ------  "
            "----------------  ------------\n"
            "federated (this run)         0.0513  0.0441 .. 0.0590                0.0984  0.0843 "
            ".. 0.1130\n"
            "popularity                   0.0190  0.0151 .. 0.0233  worse         0.0420  0.0341 "
            ".. 0.0510  worse\n"
            "Markov-1                     0.0470  0.0400 .. 0.0545  within noise  0.0894  0.0770 "
            ".. 0.1020  within noise\n"
            "item-kNN (simulation only)   0.0561  0.0482 .. 0.0640  better             -\n"
            "671 users; 95 % intervals by bootstrap over users.\n"
            "Better and worse: than the federated model on the same users; within noise: the 95 % "
            "interval of "
            "the paired difference contains 0.\n");
}

}  // namespace
}  // namespace rondo
