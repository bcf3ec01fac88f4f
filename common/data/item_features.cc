#include "common/data/item_features.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "common/config/number_text.h"
#include "common/core/suggest.h"
#include "common/data/text.h"

namespace rondo {
namespace {

constexpr const char* kTypes[] = {"token", "token_seq", "float", "float_seq"};

std::vector<std::string_view> Words(std::string_view cell) {
  std::vector<std::string_view> words = SplitText(cell, " ");
  std::erase(words, std::string_view());
  return words;
}

/// What a column without a type holds, by its cells.
std::string GuessType(const Catalogue& catalogue, const std::string& column) {
  bool numbers = true;
  bool spaces = false;
  for (ItemRow row = 1; row <= catalogue.items(); ++row) {
    const std::string_view cell = catalogue.Value(row, column);
    numbers = numbers && (cell.empty() || ParseNumber(cell).has_value());
    spaces = spaces || cell.find(' ') != std::string_view::npos;
  }
  return numbers ? "float" : spaces ? "token_seq" : "token";
}

}  // namespace

/// Adds one column after the other to the feature rows of all items.
class FeatureBuilder {
 public:
  explicit FeatureBuilder(const Catalogue& catalogue)
      : catalogue_(catalogue),
        rows_(static_cast<std::size_t>(catalogue.items()) + 1) {}

  Status Add(const std::string& wanted) {
    const std::size_t colon = std::min(wanted.find(':'), wanted.size());
    const std::string column = wanted.substr(0, colon);
    const std::vector<std::string>& columns = catalogue_.columns();
    if (std::find(columns.begin(), columns.end(), column) == columns.end()) {
      return Fail(
          ErrorCode::kInvalidArgument,
          "model.features: the catalogue has no column '" + column + "'; "
              + (columns.empty() ? "it has item ids only"
                                 : "it has " + JoinChoices(columns) + DidYouMean(column, columns)));
    }
    if (!seen_.insert(column).second) {
      return Fail(ErrorCode::kInvalidArgument,
                  "model.features names the column '" + column + "' twice");
    }
    std::string type = wanted.substr(std::min(colon + 1, wanted.size()));
    if (type.empty()) {
      type = catalogue_.Type(column);
    }
    if (type.empty()) {
      type = GuessType(catalogue_, column);
    }
    const std::size_t before = features_.names_.size();
    RONDO_TRY_STATUS(AddAs(type, column));
    if (features_.names_.size() == before) {
      return Fail(ErrorCode::kInvalidArgument,
                  "model.features: column '" + column + "' is empty or the same for all items");
    }
    return Ok();
  }

  ItemFeatures Take() && {
    features_.begin_.push_back(0);
    for (const std::vector<FeatureValue>& row : rows_) {
      features_.entries_.insert(features_.entries_.end(), row.begin(), row.end());
      features_.begin_.push_back(features_.entries_.size());
    }
    return std::move(features_);
  }

 private:
  Status AddAs(const std::string& type, const std::string& column) {
    if (type == "token" || type == "token_seq") {
      AddTokens(column, type == "token_seq");
      return Ok();
    }
    if (type == "float" || type == "float_seq") {
      return AddNumbers(column, type == "float_seq");
    }
    return Fail(ErrorCode::kInvalidArgument,
                "model.features: column '" + column + "' has the unknown type '" + type + "'; use "
                    + JoinChoices(std::vector<std::string>(std::begin(kTypes), std::end(kTypes))));
  }

  static std::vector<std::string_view> Tokens(std::string_view cell, bool many) {
    if (!many) {
      return cell.empty() ? std::vector<std::string_view>() : std::vector{cell};
    }
    std::vector<std::string_view> words = Words(cell);
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    return words;
  }

  void AddTokens(const std::string& column, bool many) {
    std::map<std::string_view, std::int32_t> vocabulary;
    for (ItemRow row = 1; row <= catalogue_.items(); ++row) {
      for (const std::string_view token : Tokens(catalogue_.Value(row, column), many)) {
        vocabulary.emplace(token, 0);
      }
    }
    for (auto& [token, index] : vocabulary) {
      index = NewValue(column + "=" + std::string(token));
    }
    for (ItemRow row = 1; row <= catalogue_.items(); ++row) {
      const auto tokens = Tokens(catalogue_.Value(row, column), many);
      for (const std::string_view token : tokens) {
        Entries(row).push_back(
            {.index = vocabulary.at(token), .amount = 1.0F / static_cast<float>(tokens.size())});
      }
    }
  }

  Status AddNumbers(const std::string& column, bool many) {
    std::vector<std::vector<std::pair<ItemRow, double>>> places;
    for (ItemRow row = 1; row <= catalogue_.items(); ++row) {
      const std::string_view cell = catalogue_.Value(row, column);
      const std::vector<std::string_view> words = Words(cell);
      for (std::size_t place = 0; place < words.size(); ++place) {
        const std::optional<double> number = ParseNumber(words[place]);
        if (!number || (!many && words.size() > 1)) {
          return Fail(ErrorCode::kInvalidArgument,
                      "model.features: '" + std::string(cell) + "' of item '" + catalogue_.id(row)
                          + "' in column '" + column + "' is no number; use \"" + column
                          + ":token\" for categories");
        }
        places.resize(std::max(places.size(), place + 1));
        places[place].emplace_back(row, *number);
      }
    }
    for (std::size_t place = 0; place < places.size(); ++place) {
      AddStandardised(many ? column + "[" + std::to_string(place) + "]" : column, places[place]);
    }
    return Ok();
  }

  /// A number that is the same for all items tells nothing and gives no value.
  void AddStandardised(const std::string& name,
                       const std::vector<std::pair<ItemRow, double>>& numbers) {
    const auto count = static_cast<double>(numbers.size());
    double mean = 0.0;
    for (const auto& [row, number] : numbers) {
      mean += number / count;
    }
    double variance = 0.0;
    for (const auto& [row, number] : numbers) {
      variance += (number - mean) * (number - mean) / count;
    }
    const double deviation = std::sqrt(variance);
    if (!(deviation > 1e-12 * std::max(1.0, std::abs(mean)))) {
      return;
    }
    const std::int32_t index = NewValue(name);
    for (const auto& [row, number] : numbers) {
      Entries(row).push_back(
          {.index = index, .amount = static_cast<float>((number - mean) / deviation)});
    }
  }

  std::int32_t NewValue(std::string name) {
    features_.names_.push_back(std::move(name));
    return static_cast<std::int32_t>(features_.names_.size()) - 1;
  }

  std::vector<FeatureValue>& Entries(ItemRow row) { return rows_[static_cast<std::size_t>(row)]; }

  const Catalogue& catalogue_;
  std::vector<std::vector<FeatureValue>> rows_;
  std::set<std::string> seen_;
  ItemFeatures features_;
};

Result<std::shared_ptr<const ItemFeatures>> MakeItemFeatures(
    const Catalogue& catalogue,
    const std::vector<std::string>& columns) {
  FeatureBuilder builder(catalogue);
  for (const std::string& column : columns) {
    RONDO_TRY_STATUS(builder.Add(column));
  }
  return std::make_shared<const ItemFeatures>(std::move(builder).Take());
}

}  // namespace rondo
