#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>
#include <iostream>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "client/command.h"
#include "client/papers.h"

namespace rondo::client {
namespace {

/// Empty if the roster names none.
std::string AggregationOf(const SignedRoster& accepted) {
  const auto& key = accepted.roster.aggregation;
  return key ? ToHex(*key) : std::string();
}

std::string RosterJson(const SignedRoster& accepted) {
  boost::json::array members;
  for (const RosterEntry& entry : accepted.roster.entries) {
    members.push_back(boost::json::object{{"id", entry.id}, {"key", ToHex(entry.key)}});
  }
  return boost::json::serialize(boost::json::object{{"schema_version", 1},
                                                    {"version", accepted.roster.version},
                                                    {"federation", accepted.roster.federation},
                                                    {"governance", ToHex(accepted.governance)},
                                                    {"aggregation", AggregationOf(accepted)},
                                                    {"sha256", accepted.roster.sha256()},
                                                    {"members", std::move(members)}})
         + "\n";
}

std::string RosterTable(const SignedRoster& accepted, const ClientId& own) {
  std::string text = fmt::format("version {}, signed by {}\nSHA-256 {}\n",
                                 accepted.roster.version,
                                 ToHex(accepted.governance),
                                 accepted.roster.sha256());
  if (accepted.roster.aggregation) {
    text += "contributions are sealed to " + AggregationOf(accepted) + "\n";
  }
  for (const RosterEntry& entry : accepted.roster.entries) {
    text += fmt::format(
        "  {:<24} {}{}\n", entry.id, ToHex(entry.key), entry.id == own ? "  (this client)" : "");
  }
  return text;
}

Status Show(const CommonOptions& options) {
  RONDO_TRY(const Settings settings, ReadSettings(options));
  RONDO_TRY(Papers::Own own, Papers::ReadOwn(settings.identity, settings.governance));
  RONDO_TRY(const Papers papers, Papers::Open(std::move(own), settings.state_folder));
  if (papers.roster() == nullptr) {
    return Fail(ErrorCode::kNotFound,
                settings.state_folder.string()
                    + " holds no roster yet; 'rondo-client run' brings it once the operator has "
                      "published one that names this client");
  }
  std::cout << (options.json ? RosterJson(*papers.roster())
                             : RosterTable(*papers.roster(), papers.id()));
  return Ok();
}

}  // namespace

void AddRosterCommand(CLI::App& parent, Action& action) {
  const auto options = std::make_shared<CommonOptions>();
  CLI::App* command = parent.add_subcommand(
      "roster",
      "Examples:\n  rondo-client roster --config client.toml\n  rondo-client roster --json\n\n"
      "Shows the list of members that this client accepted last. Members who compare its SHA-256 "
      "know that they speak of the same federation.");
  AddCommonOptions(*command, *options);
  command->callback([options, &action] {
    action = [options] {
      return Show(*options);
    };
  });
}

}  // namespace rondo::client
