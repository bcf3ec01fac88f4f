#include "common/io/safetensors.h"

#include <cmath>
#include <cstring>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/file.h"
#include "common/core/rng.h"
#include "common/io/json.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_folder.h"

namespace rondo {
namespace {

using ::testing::HasSubstr;

const std::vector<float> kFloats =
    {1.5F, -0.25F, 3.0e-8F, std::numeric_limits<float>::max(), 0.0F, -1.0F};
const std::vector<std::int64_t> kIntegers = {std::numeric_limits<std::int64_t>::min(), -1, 9};

Bytes Example() {
  const std::vector<TensorView> tensors = {
      {.name = "items.weight", .shape = {2, 3}, .values = kFloats},
      {.name = "counts", .shape = {3}, .values = kIntegers},
      {.name = "empty", .shape = {0, 7}, .values = std::span<const float>()},
      {.name = "scalar \"quoted\" \xc3\xa4", .shape = {}, .values = std::span(kFloats).first(1)},
  };
  Result<Bytes> bytes =
      EncodeSafetensors(tensors, {{"rondo.round", "7"}, {"line\n", "tab\t\xe4\xb8\xad"}});
  EXPECT_TRUE(bytes.has_value()) << bytes.error().message;
  return *bytes;
}

/// A file with any header text before `data_size` zero bytes.
Bytes WithHeader(const std::string& header, std::size_t data_size) {
  Bytes bytes(8);
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, sizeof length);
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), data_size, 0);
  return bytes;
}

void ExpectSameAsExample(const TensorFile& file) {
  EXPECT_EQ(file.metadata, (Metadata{{"rondo.round", "7"}, {"line\n", "tab\t\xe4\xb8\xad"}}));
  ASSERT_EQ(file.tensors.size(), 4u);
  const NamedTensor* weight = file.Find("items.weight");
  ASSERT_NE(weight, nullptr);
  EXPECT_EQ(weight->shape, (Shape{2, 3}));
  EXPECT_EQ(std::get<std::vector<float>>(weight->values), kFloats);
  ASSERT_NE(file.Find("counts"), nullptr);
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(file.Find("counts")->values), kIntegers);
  ASSERT_NE(file.Find("empty"), nullptr);
  EXPECT_EQ(file.Find("empty")->shape, (Shape{0, 7}));
  EXPECT_EQ(file.Find("nothing"), nullptr);
}

TEST(Safetensors, WhatIsWrittenReadsBack) {
  const Bytes bytes = Example();

  const Result<TensorFile> file = DecodeSafetensors(bytes);

  ASSERT_TRUE(file.has_value()) << file.error().message;
  ExpectSameAsExample(*file);
  EXPECT_EQ(Example(), bytes);
}

TEST(Safetensors, AnIndependentReaderAgreesBothWays) {
  const testing::TemporaryFolder folder;
  const auto original = folder / "a.safetensors";
  const auto copy = folder / "b.safetensors";
  ASSERT_TRUE(WriteFileAtomic(original, Example()).has_value());

  const auto outcome = testing::RunCommand(std::string("python3 ") + RONDO_SOURCE_FOLDER
                                           + "/scripts/reference/read_safetensors.py "
                                           + original.string() + " --copy " + copy.string());

  ASSERT_EQ(outcome.exit_status, 0);
  const Result<boost::json::value> seen = ParseJson(outcome.output);
  ASSERT_TRUE(seen.has_value()) << seen.error().message;
  EXPECT_EQ(seen->at("metadata").at("rondo.round").as_string(), "7");
  EXPECT_EQ(seen->at("tensors").at("counts").at("values").at(0).as_int64(), kIntegers[0]);
  EXPECT_EQ(seen->at("tensors").at("items.weight").at("values").at(1).to_number<double>(), -0.25);
  const Result<TensorFile> file = ReadSafetensors(copy);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  ExpectSameAsExample(*file);
}

TEST(Safetensors, EveryPrefixIsRefused) {
  const Bytes bytes = Example();

  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeSafetensors(ByteView(bytes).first(size)).has_value()) << size;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(DecodeSafetensors(longer).has_value());
}

TEST(Safetensors, FlippedBytesNeverCrashNorChangeTheSizeOfTensors) {
  const Bytes bytes = Example();
  Rng rng({.seed = 11, .purpose = Purpose::kGenerator});

  for (int trial = 0; trial < 20000; ++trial) {
    Bytes broken = bytes;
    const std::uint64_t flips = 1 + rng.Below(3);
    for (std::uint64_t flip = 0; flip < flips; ++flip) {
      broken[rng.Below(broken.size())] = static_cast<std::uint8_t>(rng.Below(256));
    }
    const Result<TensorFile> file = DecodeSafetensors(broken);
    if (!file) {
      continue;
    }
    std::size_t held = 0;
    for (const NamedTensor& tensor : file->tensors) {
      held += std::visit([](const auto& values) { return values.size() * sizeof(values[0]); },
                         tensor.values);
    }
    EXPECT_LT(held, bytes.size());
  }
}

struct BrokenCase {
  std::string name;
  std::string header;
  std::size_t data_size;
  std::string expected;
};

class BrokenSafetensors : public ::testing::TestWithParam<BrokenCase> {};

TEST_P(BrokenSafetensors, IsRefusedWithAReason) {
  const Result<TensorFile> file =
      DecodeSafetensors(WithHeader(GetParam().header, GetParam().data_size));

  ASSERT_FALSE(file.has_value());
  EXPECT_THAT(file.error().message, HasSubstr(GetParam().expected));
}

std::string Entry(const std::string& shape,
                  const std::string& offsets,
                  const std::string& type = "F32") {
  return R"({"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

INSTANTIATE_TEST_SUITE_P(
    Cases,
    BrokenSafetensors,
    ::testing::Values(
        BrokenCase{"noObject", "[]", 0, "'{'"},
        BrokenCase{"noJson", "{\"a\":", 0, "broken JSON"},
        BrokenCase{"after", "{} x", 0, "broken JSON"},
        BrokenCase{"entry", "{\"a\":1}", 0, "no object"},
        BrokenCase{"type", "{\"a\":" + Entry("[1]", "[0,2]", "F16") + "}", 2, "'F16'"},
        BrokenCase{"extra",
                   R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1}})",
                   4,
                   "must hold"},
        BrokenCase{"repeated",
                   "{\"a\":" + Entry("[1]", "[0,4]") + ",\"a\":" + Entry("[1]", "[0,4]") + "}",
                   4,
                   "repeated"},
        BrokenCase{
            "repeatedEscaped",
            "{\"a\":" + Entry("[1]", "[0,4]") + ",\"\\u0061\":" + Entry("[1]", "[0,4]") + "}",
            4,
            "repeated"},
        BrokenCase{"overlap",
                   "{\"a\":" + Entry("[2]", "[0,8]") + ",\"b\":" + Entry("[1]", "[4,8]") + "}",
                   8,
                   "overlaps"},
        BrokenCase{"same",
                   "{\"a\":" + Entry("[1]", "[0,4]") + ",\"b\":" + Entry("[1]", "[0,4]") + "}",
                   4,
                   "overlaps"},
        BrokenCase{"hole",
                   "{\"a\":" + Entry("[1]", "[0,4]") + ",\"b\":" + Entry("[1]", "[8,12]") + "}",
                   12,
                   "hole"},
        BrokenCase{"lead", "{\"a\":" + Entry("[1]", "[4,8]") + "}", 8, "hole"},
        BrokenCase{"tail", "{\"a\":" + Entry("[1]", "[0,4]") + "}", 8, "belong to no tensor"},
        BrokenCase{"outside", "{\"a\":" + Entry("[3]", "[0,12]") + "}", 8, "outside"},
        BrokenCase{"backwards", "{\"a\":" + Entry("[1]", "[8,4]") + "}", 8, "outside"},
        BrokenCase{"negative", "{\"a\":" + Entry("[-1]", "[0,4]") + "}", 4, "whole numbers"},
        BrokenCase{"fraction", "{\"a\":" + Entry("[1.0]", "[0,4]") + "}", 4, "whole numbers"},
        BrokenCase{"product",
                   "{\"a\":" + Entry("[4294967296,4294967297]", "[0,4]") + "}",
                   4,
                   "does not fit"},
        BrokenCase{"huge",
                   "{\"a\":" + Entry("[18446744073709551615]", "[0,4]") + "}",
                   4,
                   "whole numbers"},
        BrokenCase{"three", "{\"a\":" + Entry("[1]", "[0,4,4]") + "}", 4, "not two"},
        BrokenCase{"metadata", R"({"__metadata__":{"a":1}})", 0, "no text"},
        BrokenCase{"metadataList", R"({"__metadata__":[]})", 0, "no object"},
        BrokenCase{"deep",
                   "{\"a\":" + std::string(500, '[') + std::string(500, ']') + "}",
                   0,
                   "broken JSON"}),
    [](const auto& test) { return test.param.name; });

TEST(Safetensors, AHeaderOverTheLimitIsRefusedBeforeItIsRead) {
  Bytes bytes(16);
  const std::uint64_t length = 100'000'001;
  std::memcpy(bytes.data(), &length, sizeof length);
  EXPECT_FALSE(DecodeSafetensors(bytes).has_value());
  std::memset(bytes.data(), 0xff, 8);
  EXPECT_FALSE(DecodeSafetensors(bytes).has_value());
}

TEST(Safetensors, TheWriterRefusesWhatTheReaderWould) {
  const TensorView tensor{.name = "a", .shape = {6}, .values = kFloats};
  const TensorView wrong{.name = "b", .shape = {5}, .values = kFloats};
  const TensorView reserved{.name = "__metadata__", .shape = {6}, .values = kFloats};

  EXPECT_FALSE(EncodeSafetensors(std::vector{tensor, tensor}, {}).has_value());
  EXPECT_FALSE(EncodeSafetensors(std::vector{wrong}, {}).has_value());
  EXPECT_FALSE(EncodeSafetensors(std::vector{reserved}, {}).has_value());
  EXPECT_FALSE(EncodeSafetensors(std::vector{tensor}, {{"a", "\xff"}}).has_value());
  EXPECT_TRUE(EncodeSafetensors(std::vector{tensor}, {}).has_value());
}

TEST(Safetensors, ModelsTravelWithTheirLayout) {
  const auto layout =
      ParameterLayout::Create({{.name = "w", .shape = {2, 2}}, {.name = "b", .shape = {3}}});
  const auto other =
      ParameterLayout::Create({{.name = "w", .shape = {4}}, {.name = "b", .shape = {3}}});
  const auto less = ParameterLayout::Create({{.name = "w", .shape = {2, 2}}});
  ASSERT_TRUE(layout.has_value() && other.has_value() && less.has_value());
  const ParameterVector model{.layout = *layout, .values = {1, 2, 3, 4, 5, 6, 7}};

  const Result<Bytes> bytes = EncodeParameters(model, {{"a", "b"}});

  ASSERT_TRUE(bytes.has_value()) << bytes.error().message;
  const Result<ParameterVector> back = DecodeParameters(*bytes, *layout);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(back->values, model.values);
  EXPECT_FALSE(DecodeParameters(*bytes, *other).has_value());
  EXPECT_FALSE(DecodeParameters(*bytes, *less).has_value());
}

TEST(Json, DecimalsReadBackExactly) {
  Rng rng({.seed = 5, .purpose = Purpose::kGenerator});
  for (int trial = 0; trial < 10000; ++trial) {
    const double value = rng.Normal() * std::pow(10.0, static_cast<double>(rng.Below(40)) - 20.0);
    const Result<boost::json::value> back = ParseJson(CompactJson(value));
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->to_number<double>(), value);
  }
}

TEST(Json, RepeatedKeysAreRefusedAtAnyDepth) {
  EXPECT_TRUE(ParseJson(R"({"a":{"b":1},"c":{"b":1}})").has_value());
  EXPECT_FALSE(ParseJson(R"({"a":[{"b":1,"b":2}]})").has_value());
  EXPECT_FALSE(ParseJson("").has_value());
  EXPECT_FALSE(ParseJson("{").has_value());
  EXPECT_FALSE(ParseJson("{} {}").has_value());
  EXPECT_TRUE(ParseJson(" [1, -2.5e3, true, null] \n").has_value());
  EXPECT_FALSE(ParseJson("\"\xff\"").has_value());
}

}  // namespace
}  // namespace rondo
