#include "simulations/metrics_command.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "common/metrics/list_metrics.h"

namespace rondo::sim {
namespace {

constexpr const char* kHelp = R"(Examples:
  rondo-sim metrics --recommendations R.tsv --truth T.tsv --k 5,10
  rondo-sim metrics --recommendations R.tsv --truth T.tsv --k 10 --json

Scores finished recommendation lists: R.tsv has the columns user_id, item_id and score, T.tsv user_id and item_id.
Exact formulas are in docs/metrics.md.)";

struct Arguments {
  std::filesystem::path recommendations;
  std::filesystem::path truth;
  std::vector<int> k = {5, 10};
  bool json = false;
};

void PrintJson(const ListMetrics& scored) {
  boost::json::object object;
  object["schema_version"] = 1;
  object["users"] = scored.users;
  for (const auto& [name, value] : scored.metrics) {
    object[name] = value;
  }
  std::cout << boost::json::serialize(object) << '\n';
}

void PrintTable(const ListMetrics& scored) {
  std::cout << "users\t" << scored.users << '\n';
  for (const auto& [name, value] : scored.metrics) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6f", value);
    std::cout << name << '\t' << text << '\n';
  }
}

Status Run(const Arguments& arguments) {
  RONDO_TRY(Recommendations recommendations, ReadRecommendations(arguments.recommendations));
  RONDO_TRY(const Truth truth, ReadTruth(arguments.truth));
  RONDO_TRY(const ListMetrics scored, ScoreLists(std::move(recommendations), truth, arguments.k));
  if (arguments.json) {
    PrintJson(scored);
  } else {
    PrintTable(scored);
  }
  return Ok();
}

}  // namespace

void AddMetricsCommand(CLI::App& parent, Action& action) {
  CLI::App* command = parent.add_subcommand("metrics", kHelp);
  auto arguments = std::make_shared<Arguments>();
  command->add_option("--recommendations", arguments->recommendations, "lists to score (TSV)")
      ->required();
  command->add_option("--truth", arguments->truth, "held-out items (TSV)")->required();
  command->add_option("--k", arguments->k, "list lengths")->delimiter(',')->capture_default_str();
  command->add_flag("--json", arguments->json, "print one JSON object");
  command->callback([arguments, &action] {
    action = [arguments] {
      return Run(*arguments);
    };
  });
}

}  // namespace rondo::sim
