#include "common/config/clients_rule.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "common/config/number_text.h"
#include "common/core/suggest.h"

namespace rondo {
namespace {

constexpr double kMostLetters = 1000.0;
constexpr double kMostAlpha = 1e6;
// Nearly all users are at one institution long before; exp(SIGMA * normal) stays far from infinity.
constexpr double kMostSigma = 20.0;

Result<ClientsRule> ParseColumn(const std::string& text, const std::string& rest) {
  ClientsRule rule{.kind = ClientsRule::Kind::kColumn};
  const std::size_t colon = rest.find(':');
  rule.column = rest.substr(0, colon);
  std::optional<double> letters = 1.0;
  if (colon != std::string::npos) {
    letters = ParseNumber(std::string_view(rest).substr(colon + 1));
  }
  const bool whole =
      letters && *letters >= 1.0 && *letters <= kMostLetters && *letters == std::floor(*letters);
  if (rule.column.empty() || !whole) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "expected column:NAME, or column:NAME:LETTERS with 1 to 1000 letters, got '" + text + "'");
  }
  if (colon != std::string::npos) {
    rule.prefix = static_cast<std::size_t>(*letters);
  }
  return rule;
}

Result<ClientsRule> ParseSpread(ClientsRule::Kind kind, double most, const std::string& text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::optional<double> value =
      ParseNumber(std::string_view(text).substr(std::min(colon + 1, text.size())));
  if (!value || !(*value > 0.0) || *value > most) {
    const std::string name = text.substr(0, colon);
    return Fail(ErrorCode::kInvalidArgument,
                "expected " + name + " with a positive number up to " + FormatNumber(most)
                    + " such as " + name + ":0.5, got '" + text + "'");
  }
  return ClientsRule{.kind = kind, .parameter = *value};
}

}  // namespace

Result<ClientsRule> ParseClientsRule(const std::string& text) {
  if (text == "user") {
    return ClientsRule{};
  }
  const std::size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  if (kind == "column") {
    return ParseColumn(text, colon == std::string::npos ? "" : text.substr(colon + 1));
  }
  if (kind == "dirichlet") {
    return ParseSpread(ClientsRule::Kind::kDirichlet, kMostAlpha, text);
  }
  if (kind == "lognormal") {
    return ParseSpread(ClientsRule::Kind::kLogNormal, kMostSigma, text);
  }
  const std::vector<std::string> kinds = {"user", "column", "dirichlet", "lognormal"};
  return Fail(ErrorCode::kInvalidArgument,
              "expected user, column:NAME, column:NAME:LETTERS, dirichlet:ALPHA or "
              "lognormal:SIGMA, got '"
                  + text + "'" + DidYouMean(kind, kinds));
}

}  // namespace rondo
