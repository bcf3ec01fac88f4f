#include "simulations/compare_plan.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "common/config/presets.h"
#include "common/core/suggest.h"

namespace rondo::sim {
namespace {

constexpr std::size_t kMostSeeds = 1000;

Failure WrongSeeds(std::string_view text, const std::string& why) {
  return Fail(ErrorCode::kInvalidArgument,
              "seeds '" + std::string(text) + "': " + why
                  + "; expected numbers and ranges such as 1..5 or 1,2,7");
}

std::optional<int> ParseSeed(std::string_view text) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end && value >= 0 ? std::optional(value) : std::nullopt;
}

}  // namespace

Result<std::vector<std::string>> ComparePlan::SetsOf(const std::string& strategy,
                                                     const std::string& attack) const {
  RONDO_TRY(std::vector<std::string> sets, PurePreset(strategy.substr(0, strategy.find('+'))));
  sets.insert(sets.end(), settings.begin(), settings.end());
  if (const auto own = settings_of.find(strategy); own != settings_of.end()) {
    sets.insert(sets.end(), own->second.begin(), own->second.end());
  }
  if (!attack.empty()) {
    sets.push_back("attack.name=" + attack);
  } else if (!attacks.empty()) {
    sets.insert(sets.end(), {"attack.name=none", "attack.share=0"});
  }
  return sets;
}

void BindComparePlan(ComparePlan& plan, Binder& binder) {
  binder.Text("name", plan.name);
  binder.Path("scenario", plan.scenario);
  binder.TextList("strategies", plan.strategies);
  std::vector<std::string> names = StrategyPresetNames();
  for (const std::string& strategy : plan.strategies) {
    if (strategy.find('+') != std::string::npos) {
      names.push_back(strategy);
    }
  }
  binder.IntegerList("seeds", plan.seeds, {.min = 0});
  binder.Text("reference", plan.reference);
  binder.Text("metric", plan.metric);
  binder.Number("target", plan.target, {.min = 0, .max = 1});
  binder.Flag("all_pairs", plan.all_pairs);
  binder.TextList("attacks", plan.attacks);
  binder.TextList("settings", plan.settings);
  binder.Section("settings_of");
  for (const std::string& name : names) {
    binder.TextList(name, plan.settings_of[name]);
  }
  binder.Section("tuning");
  binder.Flag("enabled", plan.tuning.enabled);
  binder.Integer("trials", plan.tuning.trials, {.min = 0});
  binder.Integer("rounds", plan.tuning.rounds, {.min = 0});
  binder.Integer("seed", plan.tuning.seed);
  binder.TextList("grid", plan.tuning.grid);
  binder.Section("tuning.grids");
  for (const std::string& name : names) {
    binder.TextList(name, plan.tuning.grids[name]);
  }
}

Result<bool> IsComparePlan(const std::filesystem::path& file) {
  RONDO_TRY(const Layers layers, Layers::Load({.file = file}));
  return layers.Find("scenario") != nullptr || layers.Find("strategies") != nullptr;
}

Result<ComparePlan> LoadComparePlan(const std::filesystem::path& file) {
  RONDO_TRY(ComparePlan plan, LoadConfig<ComparePlan>({.file = file}, BindComparePlan));
  if (plan.scenario.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                file.string() + ": name the scenario that all runs share, scenario = \"FILE\"");
  }
  plan.name = plan.name.empty() ? file.stem().string() : plan.name;
  return plan;
}

Status CheckPlan(const ComparePlan& plan) {
  const auto fail = [](const std::string& message) {
    return Fail(ErrorCode::kInvalidArgument, message);
  };
  if (plan.strategies.size() < 2) {
    return fail(
        "a comparison needs at least two strategies: --strategies fedavg,fedadam, or "
        "strategies = [...] in the file");
  }
  if (std::set(plan.strategies.begin(), plan.strategies.end()).size() != plan.strategies.size()) {
    return fail("a strategy stands twice among those to compare");
  }
  if (!plan.reference.empty()
      && std::find(plan.strategies.begin(), plan.strategies.end(), plan.reference)
             == plan.strategies.end()) {
    return fail("the reference '" + plan.reference
                + "' is not among the strategies: " + JoinChoices(plan.strategies));
  }
  if (plan.seeds.empty()
      || std::set(plan.seeds.begin(), plan.seeds.end()).size() != plan.seeds.size()) {
    return fail("seeds: at least one is needed, and none may stand twice");
  }
  if (std::set(plan.attacks.begin(), plan.attacks.end()).size() != plan.attacks.size()
      || std::find(plan.attacks.begin(), plan.attacks.end(), "none") != plan.attacks.end()) {
    return fail("attacks: none may stand twice, and \"none\" always runs");
  }
  if (plan.name.empty() || plan.name.find('/') != std::string::npos) {
    return fail("name '" + plan.name + "': expected the name of a folder");
  }
  return Ok();
}

Result<std::vector<int>> ParseSeeds(std::string_view text) {
  std::vector<int> seeds;
  std::string_view rest = text;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    more = comma != std::string_view::npos;
    rest.remove_prefix(more ? comma + 1 : rest.size());
    const std::size_t dots = part.find("..");
    const std::optional<int> first = ParseSeed(part.substr(0, dots));
    const std::optional<int> last =
        dots == std::string_view::npos ? first : ParseSeed(part.substr(dots + 2));
    if (!first || !last) {
      return WrongSeeds(text, "'" + std::string(part) + "' is no seed");
    }
    if (*last < *first || static_cast<std::size_t>(*last - *first) >= kMostSeeds) {
      return WrongSeeds(text,
                        "'" + std::string(part) + "' is empty or holds more than "
                            + std::to_string(kMostSeeds) + " seeds");
    }
    for (int seed = *first; seed <= *last; ++seed) {
      if (std::find(seeds.begin(), seeds.end(), seed) != seeds.end()) {
        return WrongSeeds(text, "seed " + std::to_string(seed) + " stands twice");
      }
      seeds.push_back(seed);
    }
  }
  return seeds;
}

}  // namespace rondo::sim
