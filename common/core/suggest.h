#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rondo {

/// The candidate nearest to a mistyped word, if one is near enough to be meant: at most a third of
/// the letters (and at least two) inserted, deleted, replaced or swapped, or the word's beginning
/// typed. Ignores case and `-` against `_`. Ties go to the earlier candidate.
std::optional<std::string> Suggest(std::string_view word, std::span<const std::string> candidates);

/// "; did you mean 'x'?", or an empty text when no candidate is near.
std::string DidYouMean(std::string_view word, std::span<const std::string> candidates);

/// "a, b or c", for messages that list what is allowed.
std::string JoinChoices(std::span<const std::string> choices);

}  // namespace rondo
