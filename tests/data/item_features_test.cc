#include "common/data/item_features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/file.h"
#include "tests/data/data_files.h"

namespace rondo {
namespace {

using testing::DataFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Catalogue Films() {
  return Catalogue::Create({"a", "b", "c", "d"},
                           {"genres:token_seq", "year:float", "kind", "score", "words", "same"},
                           {{"War Drama", "1990", "x", "1", "one two", "7"},
                            {"Drama", "2010", "y", "", "two", "7"},
                            {"", "", "", "3", "", "7"},
                            {"War  War", "2000", "x", "2", "three", "7"}})
      .value();
}

/// "name amount, name amount" of a row.
std::string TextOf(const ItemFeatures& features, ItemRow row) {
  std::string text;
  for (const FeatureValue& entry : features.Of(row)) {
    text += (text.empty() ? "" : ", ") + features.names()[static_cast<std::size_t>(entry.index)]
            + " " + std::to_string(entry.amount).substr(0, entry.amount < 0 ? 5 : 4);
  }
  return text;
}

std::string RefusalOf(const Catalogue& catalogue, const std::vector<std::string>& columns) {
  const auto features = MakeItemFeatures(catalogue, columns);
  EXPECT_FALSE(features.has_value());
  return features ? "" : features.error().message;
}

TEST(ItemFeaturesTest, CategoriesShareOneAndNumbersAreStandardised) {
  const auto features = MakeItemFeatures(Films(), {"genres", "year"}).value();
  EXPECT_THAT(features->names(), ElementsAre("genres=Drama", "genres=War", "year"));
  EXPECT_EQ(TextOf(*features, 0), "") << "padding";
  EXPECT_EQ(TextOf(*features, 1), "genres=Drama 0.50, genres=War 0.50, year -1.22");
  EXPECT_EQ(TextOf(*features, 2), "genres=Drama 1.00, year 1.22");
  EXPECT_EQ(TextOf(*features, 3), "") << "an item without features";
  EXPECT_EQ(TextOf(*features, 4), "genres=War 1.00, year 0.00") << "a repeated word counts once";
}

TEST(ItemFeaturesTest, TypesComeFromTheScenarioThenTheCatalogueThenTheCells) {
  const Catalogue films = Films();
  EXPECT_EQ(films.Type("genres"), "token_seq");
  EXPECT_EQ(films.Type("kind"), "");
  EXPECT_THAT(MakeItemFeatures(films, {"year:token"}).value()->names(),
              ElementsAre("year=1990", "year=2000", "year=2010"));
  EXPECT_THAT(MakeItemFeatures(films, {"genres:token"}).value()->names(),
              ElementsAre("genres=Drama", "genres=War  War", "genres=War Drama"));
  EXPECT_THAT(MakeItemFeatures(films, {"kind"}).value()->names(), ElementsAre("kind=x", "kind=y"));
  EXPECT_THAT(MakeItemFeatures(films, {"score"}).value()->names(), ElementsAre("score"));
  EXPECT_THAT(MakeItemFeatures(films, {"words"}).value()->names(),
              ElementsAre("words=one", "words=three", "words=two"));
}

TEST(ItemFeaturesTest, NoColumnGivesNoValue) {
  const auto features = MakeItemFeatures(Films(), {}).value();
  EXPECT_EQ(features->values(), 0);
  EXPECT_TRUE(features->Of(4).empty());
}

TEST(ItemFeaturesTest, RefusalsSayWhatThereIs) {
  const Catalogue films = Films();
  const std::string unknown = RefusalOf(films, {"genre"});
  EXPECT_THAT(unknown, HasSubstr("no column 'genre'; it has genres, year, kind, score, words or"));
  EXPECT_THAT(unknown, HasSubstr("did you mean 'genres'?"));
  EXPECT_THAT(RefusalOf(Catalogue::Create({"a"}).value(), {"genres"}),
              HasSubstr("it has item ids only"));
  EXPECT_THAT(RefusalOf(films, {"kind", "kind:token"}), HasSubstr("'kind' twice"));
  EXPECT_THAT(RefusalOf(films, {"kind:text"}), HasSubstr("unknown type 'text'; use token"));
  EXPECT_THAT(RefusalOf(films, {"kind:float"}), HasSubstr("'x' of item 'a' in column 'kind'"));
  EXPECT_THAT(RefusalOf(films, {"same"}), HasSubstr("the same for all items"));
}

TEST(ItemFeaturesTest, TypesOfAnItemFileReachTheCatalogueAndItsFile) {
  const DataFolder folder;
  folder.Write("d.inter",
               "user_id:token\titem_id:token\ttimestamp:float\nu\t1\t1\nu\t2\t2\nu\t3\t3\n");
  folder.Write("d.item", "item_id:token\tclass:token_seq\tyear:float\n1\tA B\t7\n2\tB\t8\n");
  DataConfig config{.path = folder.path(), .split = "user_ratio"};
  config.validation_ratio = config.test_ratio = 0.0;
  const LoadedData loaded = LoadData(config).value();
  const Catalogue& made = *loaded.dataset.catalogue;
  EXPECT_EQ(made.Type("class"), "token_seq");
  EXPECT_THAT(made.columns(), ElementsAre("class", "year"));

  const Catalogue read = Catalogue::Read(folder.Write("catalogue.tsv", made.text())).value();

  EXPECT_EQ(read.sha256(), made.sha256());
  const auto features = MakeItemFeatures(read, {"class", "year"}).value();
  EXPECT_THAT(features->names(), ElementsAre("class=A", "class=B", "year"));
  EXPECT_EQ(TextOf(*features, 1), "class=A 0.50, class=B 0.50, year -1.00");
}

}  // namespace
}  // namespace rondo
