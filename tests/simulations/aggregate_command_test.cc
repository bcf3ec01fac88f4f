#include "simulations/aggregate_command.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cmath>
#include <limits>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/file.h"
#include "common/io/safetensors.h"
#include "tests/support/temporary_folder.h"

/// `rondo-sim aggregate`, against published values.
namespace rondo::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// What a command line left behind.
struct Ending {
  Status status = Ok();
  std::string out;
  std::string err;
};

class AggregateTest : public ::testing::Test {
 protected:
  std::filesystem::path Path(const std::string& name) const { return folder_ / name; }

  Ending Run(std::vector<std::string> words) const {
    CLI::App app;
    Action action;
    AddAggregateCommand(app, action);
    std::reverse(words.begin(), words.end());
    Ending end;
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    try {
      app.parse(words);
      end.status = action();
    } catch (const CLI::ParseError& error) {
      end.status = Fail(ErrorCode::kInvalidArgument, error.what());
    }
    end.out = ::testing::internal::GetCapturedStdout();
    end.err = ::testing::internal::GetCapturedStderr();
    return end;
  }

  /// An update in two tensors, b [2] and a [1], of which a comes first.
  void WriteUpdate(const std::string& name,
                   const std::vector<float>& values,
                   const Metadata& metadata = {}) const {
    const std::span<const float> all(values);
    const TensorView tensors[] = {{.name = "b", .shape = {2}, .values = all.subspan(1)},
                                  {.name = "a", .shape = {1}, .values = all.first(1)}};
    const auto bytes = EncodeSafetensors(tensors, metadata);
    ASSERT_TRUE(bytes);
    ASSERT_TRUE(MakeFolder(Path("updates")));
    ASSERT_TRUE(WriteFileAtomic(Path("updates") / name, *bytes));
  }

  /// The three updates of ByzFL's examples.
  void WriteExamples() const {
    WriteUpdate("1.safetensors", {1, 2, 3});
    WriteUpdate("2.safetensors", {4, 5, 6});
    WriteUpdate("3.safetensors", {7, 8, 9});
  }

  Ending Aggregate(std::vector<std::string> words) const {
    words.insert(words.begin(), "aggregate");
    for (const std::string& word : {std::string("--updates"),
                                    Path("updates").string(),
                                    std::string("--out"),
                                    Path("out.safetensors").string(),
                                    std::string("--json")}) {
      words.push_back(word);
    }
    return Run(std::move(words));
  }

  std::vector<float> Written() const {
    const auto file = ReadSafetensors(Path("out.safetensors"));
    EXPECT_TRUE(file);
    std::vector<float> values;
    for (const char* name : {"a", "b"}) {
      const NamedTensor* tensor = file ? file->Find(name) : nullptr;
      if (tensor == nullptr) {
        ADD_FAILURE() << "no tensor " << name;
        return {};
      }
      const auto& part = std::get<std::vector<float>>(tensor->values);
      values.insert(values.end(), part.begin(), part.end());
    }
    return values;
  }

  testing::TemporaryFolder folder_;
};

struct Example {
  std::vector<std::string> words;
  std::vector<double> expected;
};

TEST_F(AggregateTest, GivesThePublishedValues) {
  WriteExamples();
  const Example examples[] = {
      {{"--strategy", "mean"}, {4, 5, 6}},
      {{"--strategy", "median", "--set", "f=1"}, {4, 5, 6}},
      {{"--strategy", "trimmed_mean", "--set", "f=1"}, {4, 5, 6}},
      {{"--strategy", "centered_clipping", "--set", "f=1"}, {4, 5, 6}},
      {{"--strategy", "geometric_median", "--set", "nu=0.1", "--set", "iterations=3"},
       {3.78788764, 4.78788764, 5.78788764}},
      {{"--strategy", "krum", "--set", "f=1"}, {1, 2, 3}},
      {{"--strategy", "multi_krum", "--set", "f=1"}, {2.5, 3.5, 4.5}},
      {{"--strategy", "mda", "--set", "f=1"}, {2.5, 3.5, 4.5}},
      {{"--strategy", "meamed", "--set", "f=1"}, {2.5, 3.5, 4.5}},
      // The mean of the rows that mixing and clipping are published with.
      {{"--strategy", "mean", "--set", "f=1", "--pre", "nnm"}, {3.5, 4.5, 5.5}},
      {{"--strategy", "median", "--set", "f=1", "--pre", "nnm"}, {2.5, 3.5, 4.5}},
      {{"--strategy", "mean", "--set", "tau=2", "--pre", "clipping"},
       {(0.53452248 + 0.91168461 + 1.00514142) / 3,
        (1.06904497 + 1.13960576 + 1.14873305) / 3,
        (1.60356745 + 1.36752692 + 1.29232469) / 3}},
      {{"--strategy", "norm_bounding", "--set", "tau=2"},
       {(0.53452248 + 0.91168461 + 1.00514142) / 3,
        (1.06904497 + 1.13960576 + 1.14873305) / 3,
        (1.60356745 + 1.36752692 + 1.29232469) / 3}},
      {{"--strategy", "mean", "--set", "bucket_size=3", "--pre", "bucketing"}, {4, 5, 6}},
      {{"--attack", "sign_flip"}, {-4, -5, -6}},
      {{"--attack", "ipm"}, {-8, -10, -12}},
      {{"--attack", "ipm", "--set", "strength=0.5"}, {-2, -2.5, -3}},
      {{"--attack", "alie"}, {8.5, 9.5, 10.5}},
      {{"--attack", "mimic"}, {1, 2, 3}},
      {{"--attack", "mimic", "--set", "strength=2"}, {7, 8, 9}},
      {{"--attack", "scaling"}, {40, 50, 60}},
      {{"--attack", "zero"}, {0, 0, 0}},
      // The deviation is 3 in each coordinate. With gamma = 1 the third update is as far away as
      // the first is from it.
      {{"--attack", "min_max"}, {1, 2, 3}},
      // Squares: an honest update has at most 27 + 108 to the others, the mean 54, and gamma = 1
      // adds 3 * 27.
      {{"--attack", "min_sum"}, {1, 2, 3}},
  };
  for (const Example& example : examples) {
    const Ending end = Aggregate(example.words);
    ASSERT_TRUE(end.status) << end.status.error().message;
    const std::vector<float> result = Written();
    ASSERT_EQ(result.size(), 3U);
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(result[k], example.expected[k], 1e-6)
          << example.words[0] << ' ' << example.words[1] << ", number " << k;
    }
  }
}

TEST_F(AggregateTest, AttacksMaySendWhatIsNotFinite) {
  WriteExamples();
  ASSERT_TRUE(Aggregate({"--attack", "inf"}).status);
  EXPECT_THAT(Written(), ::testing::Each(std::numeric_limits<float>::infinity()));
  ASSERT_TRUE(Aggregate({"--attack", "nan"}).status);
  EXPECT_THAT(Written(), ::testing::Each(::testing::NanSensitiveFloatEq(std::nanf(""))));
}

TEST_F(AggregateTest, WeightsCountForTheMeanAlone) {
  WriteUpdate("1.safetensors", {1, 2, 3}, {{"weight", "3"}});
  WriteUpdate("2.safetensors", {5, 6, 7});
  ASSERT_TRUE(Aggregate({"--strategy", "mean"}).status);
  EXPECT_THAT(Written(), ElementsAre(2, 3, 4));
  ASSERT_TRUE(Aggregate({"--strategy", "multi_krum"}).status);
  EXPECT_THAT(Written(), ElementsAre(3, 4, 5));

  WriteUpdate("2.safetensors", {5, 6, 7}, {{"weight", "heavy"}});
  const Ending end = Aggregate({"--strategy", "mean"});
  ASSERT_FALSE(end.status);
  EXPECT_EQ(end.status.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(end.status.error().message,
              HasSubstr("'2.safetensors': the weight must be a positive decimal number"));
}

TEST_F(AggregateTest, UpdatesThatAreNotFiniteAreDroppedNamedAndCounted) {
  WriteExamples();
  WriteUpdate("0-bad.safetensors", {1, std::numeric_limits<float>::quiet_NaN(), 3});
  WriteUpdate("4-bad.safetensors", {std::numeric_limits<float>::infinity(), 1, 1});

  const Ending end = Aggregate({"--strategy", "krum", "--set", "f=1"});

  ASSERT_TRUE(end.status) << end.status.error().message;
  EXPECT_THAT(Written(), ElementsAre(1, 2, 3));
  EXPECT_THAT(end.err, HasSubstr("dropped 2 of 5 updates"));
  const boost::json::object json = boost::json::parse(end.out).as_object();
  EXPECT_EQ(json.at("updates").as_int64(), 3);
  EXPECT_EQ(json.at("dropped"), (boost::json::value{"0-bad.safetensors", "4-bad.safetensors"}));
}

TEST_F(AggregateTest, PreconditionsOnlyWarn) {
  WriteExamples();
  const Ending few = Aggregate({"--strategy", "krum", "--set", "f=1"});
  EXPECT_TRUE(few.status);
  EXPECT_THAT(few.err,
              HasSubstr("krum needs at least 2 f + 3 = 5 updates with f = 1, but the number of "
                        "finite updates is 3"));
  EXPECT_THAT(Aggregate({"--strategy", "median", "--set", "f=1"}).err, IsEmpty());
}

TEST_F(AggregateTest, SaysWhatIsWrong) {
  WriteExamples();
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"--strategy", "krumm"}, "did you mean 'krum'"},
      {{"--strategy", "krum", "--pre", "nmm"}, "did you mean 'nnm'"},
      {{"--strategy", "krum", "--set", "g=1"}, "strategy.g"},
      {{"--attack", "alli"}, "did you mean 'alie'"},
      {{}, "give either --strategy or --attack"},
  };
  for (const auto& [words, message] : cases) {
    const Ending end = Aggregate(words);
    ASSERT_FALSE(end.status) << message;
    EXPECT_EQ(end.status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(end.status.error().message, HasSubstr(message));
  }
  ASSERT_TRUE(MakeFolder(Path("empty")));
  const Ending none = Run({"aggregate",
                           "--strategy",
                           "mean",
                           "--updates",
                           Path("empty").string(),
                           "--out",
                           Path("out.safetensors").string()});
  ASSERT_FALSE(none.status);
  EXPECT_THAT(none.status.error().message, HasSubstr("holds no .safetensors file"));
}

}  // namespace
}  // namespace rondo::sim
