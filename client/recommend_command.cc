#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <algorithm>
#include <iostream>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "client/command.h"
#include "common/metrics/top_k.h"

namespace rondo::client {
namespace {

struct RecommendOptions {
  CommonOptions common;
  std::string user;
  std::size_t k = 10;
  bool all = false;
  bool include_seen = false;
  bool hold_out = false;
  std::filesystem::path out;
};

TopKOptions ListOptions(const RecommendOptions& options) {
  return {.k = options.k, .filter_seen = !options.include_seen};
}

Result<UserHistory> FindUser(const std::vector<UserHistory>& users, const std::string& id) {
  const auto found = std::find_if(
      users.begin(), users.end(), [&id](const UserHistory& history) { return history.user == id; });
  if (found == users.end()) {
    return Fail(ErrorCode::kNotFound,
                "user '" + id
                    + "' has no event to start from: the log does not hold the user, or none of "
                      "its items is in the catalogue");
  }
  return *found;
}

std::string ListJson(const UserHistory& user,
                     const std::vector<ScoredItem>& items,
                     const KeptModel& model) {
  namespace json = boost::json;
  json::array list;
  for (const ScoredItem& item : items) {
    list.push_back(json::object{{"item_id", model.catalogue->id(item.row)},
                                {"score", item.score},
                                {"title", model.catalogue->Title(item.row)}});
  }
  const json::object object{{"schema_version", 1},
                            {"user_id", user.user},
                            {"history", user.rows.size()},
                            {"model_sha256", model.weights.sha256},
                            {"items", std::move(list)}};
  return json::serialize(object) + "\n";
}

Status PrintOne(const RecommendOptions& options,
                const KeptModel& model,
                Scorer& scorer,
                const std::vector<UserHistory>& users) {
  RONDO_TRY(const UserHistory user, FindUser(users, options.user));
  RONDO_TRY(const auto lists,
            RecommendTop(scorer, std::span(&user, 1), *model.catalogue, ListOptions(options)));
  std::cout << (options.common.json ? ListJson(user, lists.front(), model)
                                    : RecommendationTable(lists.front(), *model.catalogue));
  return Ok();
}

Status WriteAll(const RecommendOptions& options,
                const KeptModel& model,
                Scorer& scorer,
                const std::vector<UserHistory>& users) {
  RONDO_TRY(
      const std::uint64_t lines,
      WriteRecommendations(options.out, scorer, users, *model.catalogue, ListOptions(options)));
  if (options.common.json) {
    const boost::json::object object{{"schema_version", 1},
                                     {"users", users.size()},
                                     {"lines", lines},
                                     {"model_sha256", model.weights.sha256},
                                     {"out", options.out.string()}};
    std::cout << boost::json::serialize(object) << '\n';
  } else {
    std::cout << users.size() << " users, " << lines << " lines: " << options.out.string() << '\n';
  }
  return Ok();
}

Status Recommend(const RecommendOptions& options) {
  if (options.all == !options.user.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "give either --user U, or --all with --out FILE");
  }
  if (options.all && options.out.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--all needs --out FILE for the lists");
  }
  RONDO_TRY(const Settings settings, ReadSettings(options.common));
  RONDO_TRY(const ClientState state, ClientState::Open(settings.state_folder));
  RONDO_TRY(const KeptModel model, LoadKeptModel(settings, state));
  RONDO_TRY_STATUS(PrepareDevice(settings));
  // Lists to be scored follow the split; a service starts from everything it knows.
  RONDO_TRY(const LoadedData data,
            options.hold_out ? LoadData(settings.data) : LoadWholeLog(settings.data));
  RONDO_TRY(const ParameterVector personal, model.Personal());
  RONDO_TRY(const auto scorer, MakeModelScorer(TrainerOptions(model, settings), personal));
  const std::vector<UserHistory> users = Histories(data.dataset);
  return options.all ? WriteAll(options, model, *scorer, users)
                     : PrintOne(options, model, *scorer, users);
}

}  // namespace

void AddRecommendCommand(CLI::App& parent, Action& action) {
  const auto options = std::make_shared<RecommendOptions>();
  CLI::App* command = parent.add_subcommand("recommend",
                                            "Examples:\n  rondo-client recommend --user 42 -k 10\n "
                                            " rondo-client recommend --all --out lists.tsv\n\n"
                                            "Lists for your own users, from your own log and the "
                                            "newest model kept here. Nothing is sent.");
  AddCommonOptions(*command, options->common);
  command->add_option("--user", options->user, "a user id of your log");
  command->add_option("-k", options->k, "length of a list")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_flag("--all", options->all, "lists for all users");
  command->add_option(
      "--out", options->out, "file for --all: user_id, item_id, score; tab separated");
  command->add_flag(
      "--include-seen", options->include_seen, "do not leave out items of the history");
  command->add_flag(
      "--hold-out",
      options->hold_out,
      "recommend from the events before the test split, so that the lists can be scored");
  command->callback([options, &action] {
    action = [options] {
      return Recommend(*options);
    };
  });
}

}  // namespace rondo::client
