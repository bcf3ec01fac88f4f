#include <algorithm>
#include <utility>

#include "common/core/check.h"
#include "common/core/suggest.h"
#include "common/federated/parameters.h"

namespace rondo {
namespace {

bool Names(const std::string& word, std::string_view name) {
  return !word.empty() && name.substr(0, word.size()) == word;
}

bool AnyNames(const std::vector<std::string>& words, std::string_view name) {
  return std::any_of(
      words.begin(), words.end(), [name](const std::string& word) { return Names(word, name); });
}

/// The beginnings by which parameters are commonly meant: "item.", "blocks.0.", "norm.".
std::vector<std::string> Beginnings(const std::vector<ParameterEntry>& entries) {
  std::vector<std::string> beginnings;
  for (const ParameterEntry& entry : entries) {
    std::size_t end = entry.name.find('.');
    if (entry.name.rfind("blocks.", 0) == 0) {
      end = entry.name.find('.', end + 1);
    }
    std::string beginning = entry.name.substr(0, end == std::string::npos ? end : end + 1);
    if (beginnings.empty() || beginnings.back() != beginning) {
      beginnings.push_back(std::move(beginning));
    }
  }
  return beginnings;
}

Status CheckWords(const std::string& key,
                  const std::vector<std::string>& words,
                  const std::vector<ParameterEntry>& entries) {
  for (const std::string& word : words) {
    const bool known = std::any_of(
        entries.begin(), entries.end(), [&](const auto& entry) { return Names(word, entry.name); });
    if (!known) {
      const std::vector<std::string> beginnings = Beginnings(entries);
      return Fail(ErrorCode::kInvalidArgument,
                  key + ": no parameter is called \"" + word + "\" or begins with it"
                      + DidYouMean(word, beginnings) + "; they begin with "
                      + JoinChoices(beginnings));
    }
  }
  return Ok();
}

std::shared_ptr<const ParameterLayout> LayoutOfGroup(const ParameterLayout& layout,
                                                     ParameterGroup group) {
  std::vector<ParameterEntry> entries;
  for (const ParameterEntry& entry : layout.entries()) {
    if (entry.group == group) {
      entries.push_back(entry);
    }
  }
  if (entries.empty()) {
    return nullptr;
  }
  auto part = ParameterLayout::Create(std::move(entries));
  RONDO_CHECK(part.has_value()) << "a part of a layout is a layout";
  return std::move(part).value();
}

}  // namespace

ParameterGroup GroupOf(const ModelConfig& config, std::string_view name) {
  return AnyNames(config.personal, name) ? ParameterGroup::kPersonal
         : AnyNames(config.frozen, name) ? ParameterGroup::kFrozen
                                         : ParameterGroup::kShared;
}

Status SetGroups(const ModelConfig& config, std::vector<ParameterEntry>& entries) {
  RONDO_TRY_STATUS(CheckWords("model.personal", config.personal, entries));
  RONDO_TRY_STATUS(CheckWords("model.frozen", config.frozen, entries));
  bool shares = false;
  for (ParameterEntry& entry : entries) {
    if (AnyNames(config.personal, entry.name) && AnyNames(config.frozen, entry.name)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "model.frozen: the parameter \"" + entry.name + "\" is in model.personal, too");
    }
    entry.group = GroupOf(config, entry.name);
    shares = shares || entry.group == ParameterGroup::kShared;
  }
  if (!shares) {
    return Fail(ErrorCode::kInvalidArgument,
                "model.personal and model.frozen leave no parameter to share");
  }
  return Ok();
}

std::shared_ptr<const ParameterLayout> SharedLayout(
    const std::shared_ptr<const ParameterLayout>& layout) {
  const bool all =
      std::all_of(layout->entries().begin(), layout->entries().end(), [](const auto& entry) {
        return entry.group == ParameterGroup::kShared;
      });
  return all ? layout : LayoutOfGroup(*layout, ParameterGroup::kShared);
}

std::shared_ptr<const ParameterLayout> PersonalLayout(const ParameterLayout& layout) {
  return LayoutOfGroup(layout, ParameterGroup::kPersonal);
}

void CopyTensors(const ParameterVector& from, ParameterVector& to) {
  for (const ParameterEntry& entry : from.layout->entries()) {
    if (to.layout->Find(entry.name) != nullptr) {
      const std::span<const float> values = from.Tensor(entry.name);
      std::copy(values.begin(), values.end(), to.Tensor(entry.name).begin());
    }
  }
}

}  // namespace rondo
