#include "common/core/suggest.h"

#include <algorithm>
#include <cctype>

namespace rondo {
namespace {

std::string Fold(std::string_view text) {
  std::string folded;
  folded.reserve(text.size());
  for (const char c : text) {
    folded += c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return folded;
}

/// Edit distance with swaps of neighbours (optimal string alignment).
std::size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    last[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::optional<std::string> Suggest(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t kLongest = 64;  // Keeps hostile words cheap.
  if (word.empty() || word.size() > kLongest) {
    return std::nullopt;
  }
  const std::string folded = Fold(word);
  const std::size_t limit = std::max<std::size_t>(2, word.size() / 3);
  std::optional<std::string> best;
  std::size_t best_distance = limit + 1;
  constexpr std::size_t kShortestPrefix = 3;
  for (const std::string& candidate : candidates) {
    if (!best && folded.size() >= kShortestPrefix && Fold(candidate).rfind(folded, 0) == 0) {
      best = candidate;  // An unfinished word; a nearer candidate still wins.
    }
    const std::size_t distance = EditDistance(folded, Fold(candidate));
    // A word that shares no letter with the candidate was not meant to be it.
    if (distance < best_distance && distance < std::max(word.size(), candidate.size())) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string DidYouMean(std::string_view word, std::span<const std::string> candidates) {
  const std::optional<std::string> suggestion = Suggest(word, candidates);
  return suggestion ? "; did you mean '" + *suggestion + "'?" : "";
}

std::string JoinChoices(std::span<const std::string> choices) {
  std::string text;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) {
      text += i + 1 == choices.size() ? " or " : ", ";
    }
    text += choices[i];
  }
  return text;
}

}  // namespace rondo
