#include "common/io/vectors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crypto/sha256.h"

namespace rondo {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const ParameterLayout> Model() {
  static const auto kLayout =
      ParameterLayout::Create({{.name = "item", .shape = {2, 2}},
                               {.name = "own", .shape = {2}, .group = ParameterGroup::kPersonal}})
          .value();
  return kLayout;
}

ParameterVector Vector(const std::shared_ptr<const ParameterLayout>& layout, float first) {
  ParameterVector vector{.layout = layout, .values = std::vector<float>(layout->size())};
  for (float& value : vector.values) {
    value = first++;
  }
  return vector;
}

Broadcast WithExtra() {
  Broadcast broadcast{.model = Vector(Model(), 1.0F)};
  broadcast.extra.push_back({.name = "control", .vector = Vector(Model(), 10.0F)});
  broadcast.extra.push_back({.name = "drift", .vector = Vector(Model(), 20.0F)});
  return broadcast;
}

TEST(Vectors, ComeBackEachInItsPartOfTheModel) {
  const std::vector<NamedVector> vectors = {
      {.name = "control", .vector = Vector(Model(), 1.0F)},
      {.name = "personal", .vector = Vector(PersonalLayout(*Model()), -5.0F)},
      {.name = "residual", .vector = Vector(SharedLayout(Model()), 7.0F)}};
  const Bytes bytes = EncodeSafetensors(VectorViews(vectors), {}).value();

  const auto back = TakeVectors(DecodeSafetensors(bytes).value(), Model());

  ASSERT_TRUE(back.has_value()) << back.error().message;
  ASSERT_EQ(back->size(), vectors.size());
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    const NamedVector& got = (*back)[i];
    EXPECT_EQ(got.name, vectors[i].name);
    EXPECT_EQ(got.vector.values, vectors[i].vector.values);
    EXPECT_EQ(got.vector.layout->digest(), vectors[i].vector.layout->digest());
  }
  EXPECT_EQ((*back)[0].vector.layout, Model());
}

TEST(Vectors, AFileWithoutAnyHasNone) {
  const Bytes bytes = EncodeParameters(Vector(Model(), 1.0F)).value();

  const auto back = TakeVectors(DecodeSafetensors(bytes).value(), Model(), "extra.");

  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_TRUE(back->empty());
}

/// A file of the given tensors of two numbers each, but "item" with its own shape.
TensorFile FileOf(const std::vector<std::string>& names) {
  static const std::vector<float> kNumbers = {1.0F, 2.0F, 3.0F, 4.0F};
  std::vector<TensorView> views;
  for (const std::string& name : names) {
    const bool item = name.size() >= 4 && name.substr(name.size() - 4) == "item";
    views.push_back({.name = name,
                     .shape = item ? Shape{2, 2} : Shape{2},
                     .values = std::span(kNumbers).first(item ? 4 : 2)});
  }
  return DecodeSafetensors(EncodeSafetensors(views, {}).value()).value();
}

TEST(Vectors, TensorsThatTheModelLacksAreRefused) {
  const std::vector<std::int64_t> integers = {1, 2};
  const std::vector<TensorView> wrong_type = {
      {.name = "control/own", .shape = {2}, .values = std::span(integers)}};
  const std::vector<float> three = {1.0F, 2.0F, 3.0F};
  const std::vector<TensorView> wrong_shape = {
      {.name = "control/own", .shape = {3}, .values = std::span(three)}};

  const struct {
    const char* name;
    TensorFile file;
    const char* message;
  } cases[] = {
      {"unknown", FileOf({"control/own", "control/other"}), "'control/other' is none of this"},
      {"no vector", FileOf({"own"}), "'own' is of no vector"},
      {"no tensor", FileOf({"control/"}), "'control/' is none of this"},
      {"type", DecodeSafetensors(EncodeSafetensors(wrong_type, {}).value()).value(), "own"},
      {"shape", DecodeSafetensors(EncodeSafetensors(wrong_shape, {}).value()).value(), "own"},
  };

  for (const auto& test : cases) {
    const auto back = TakeVectors(test.file, Model());
    ASSERT_FALSE(back.has_value()) << test.name;
    EXPECT_EQ(back.error().code, ErrorCode::kCorrupt) << test.name;
    EXPECT_THAT(back.error().message, HasSubstr(test.message)) << test.name;
  }
}

TEST(BroadcastFile, WithoutVectorsIsTheModelFile) {
  const Broadcast broadcast{.model = Vector(Model(), 1.0F)};

  const Bytes bytes = EncodeBroadcast(broadcast).value();

  EXPECT_EQ(bytes, EncodeParameters(broadcast.model).value());
  EXPECT_EQ(BroadcastSha256(broadcast).value(), Sha256Hex(bytes));
}

TEST(BroadcastFile, ComesBackWithItsVectors) {
  const Bytes bytes = EncodeBroadcast(WithExtra()).value();

  const auto back = DecodeBroadcast(bytes, Model());

  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(back->model.values, WithExtra().model.values);
  ASSERT_EQ(back->extra.size(), 2U);
  EXPECT_EQ(back->extra[0].name, "control");
  EXPECT_EQ(back->extra[0].vector.values, WithExtra().extra[0].vector.values);
  EXPECT_EQ(back->extra[1].name, "drift");
  EXPECT_EQ(back->extra[1].vector.values, WithExtra().extra[1].vector.values);
  EXPECT_EQ(back->extra[1].vector.layout, Model());
  EXPECT_EQ(BroadcastSha256(WithExtra()).value(), Sha256Hex(bytes));
  EXPECT_EQ(EncodeBroadcast(*back).value(), bytes);
}

Bytes BytesOf(const std::vector<std::string>& names) {
  const TensorFile file = FileOf(names);
  std::vector<TensorView> views;
  for (const NamedTensor& tensor : file.tensors) {
    views.push_back({.name = tensor.name,
                     .shape = tensor.shape,
                     .values = std::span(std::get<std::vector<float>>(tensor.values))});
  }
  return EncodeSafetensors(views, {}).value();
}

TEST(BroadcastFile, MustHoldTheModelAndWholeVectorsAlone) {
  const struct {
    const char* name;
    std::vector<std::string> tensors;
  } cases[] = {
      {"half a model", {"item"}},
      {"a stranger", {"item", "own", "other"}},
      {"half a vector", {"item", "own", "extra.control/own"}},
      {"half a vector and a stranger", {"item", "own", "extra.control/own", "other"}},
      {"a vector of strangers", {"item", "own", "extra.control/x", "extra.control/y"}},
      {"a vector alone", {"extra.control/item", "extra.control/own"}},
      {"no vector", {"item", "own", "extra.item"}},
  };

  for (const auto& test : cases) {
    const auto back = DecodeBroadcast(BytesOf(test.tensors), Model());
    ASSERT_FALSE(back.has_value()) << test.name;
    EXPECT_EQ(back.error().code, ErrorCode::kCorrupt) << test.name;
  }
  EXPECT_TRUE(DecodeBroadcast(BytesOf({"item", "own", "extra.c/item", "extra.c/own"}), Model())
                  .has_value());
}

TEST(BroadcastFile, BrokenBytesGiveAnErrorOrAWholeBroadcast) {
  const Bytes good = EncodeBroadcast(WithExtra()).value();
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(DecodeBroadcast(ByteView(good).first(i), Model()).has_value()) << i;
    for (const int mask : {0x01, 0x20, 0x80}) {
      Bytes bad = good;
      bad[i] = static_cast<std::uint8_t>(bad[i] ^ mask);
      const auto back = DecodeBroadcast(bad, Model());
      if (back) {
        EXPECT_EQ(back->model.values.size(), Model()->size());
        EXPECT_EQ(back->extra.size(), 2U);
      }
    }
  }
}

}  // namespace
}  // namespace rondo
