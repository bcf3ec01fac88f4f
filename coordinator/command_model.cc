#include <fmt/format.h>
#include <iostream>
#include <memory>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "common/core/file.h"
#include "common/io/json.h"
#include "coordinator/commands.h"
#include "coordinator/federation.h"
#include "coordinator/status_client.h"

namespace rondo::coordinator {
namespace {

constexpr auto kAnswerTime = std::chrono::seconds(5);

struct Flags {
  std::filesystem::path config;
  std::filesystem::path out;
  int round = -1;
  bool json = false;
};

Result<boost::json::object> FetchStatus(const std::filesystem::path& config) {
  RONDO_TRY(const Settings settings,
            LoadSettings({.file = config, .environment = ConfigEnvironment()}));
  const auto address = ReadTextFile(settings.state / "status_address", 1024);
  if (!address) {
    return Fail(ErrorCode::kUnavailable,
                "no coordinator runs here: " + (settings.state / "status_address").string()
                    + " does not exist; start `rondo-coordinator run`");
  }
  const std::string trimmed = address.value().substr(0, address.value().find('\n'));
  RONDO_TRY(const std::string body, FetchPage(trimmed, "/status", kAnswerTime));
  RONDO_TRY(boost::json::value status, ParseJson(body));
  if (!status.is_object()) {
    return Fail(ErrorCode::kCorrupt, "the coordinator's status is no JSON object");
  }
  return std::move(status.as_object());
}

std::string Text(const boost::json::object& object, const char* key) {
  const boost::json::value* value = object.if_contains(key);
  if (value == nullptr) {
    return "-";
  }
  return value->is_string() ? std::string(value->as_string()) : boost::json::serialize(*value);
}

Status ShowStatus(const Flags& flags) {
  RONDO_TRY(const boost::json::object status, FetchStatus(flags.config));
  if (flags.json) {
    std::cout << boost::json::serialize(status) << '\n';
    return Ok();
  }
  for (const char* key : {"name", "trust_mode", "round", "rounds", "bytes_up", "bytes_down"}) {
    std::cout << fmt::format("{:<12}{}\n", key, Text(status, key));
  }
  return Ok();
}

Status ShowClients(const Flags& flags) {
  RONDO_TRY(const boost::json::object status, FetchStatus(flags.config));
  const boost::json::value* clients = status.if_contains("clients");
  if (clients == nullptr || !clients->is_array()) {
    return Fail(ErrorCode::kCorrupt, "the status names no clients");
  }
  if (flags.json) {
    std::cout << boost::json::serialize(
        boost::json::object{{"schema_version", 1}, {"clients", *clients}})
              << '\n';
    return Ok();
  }
  std::cout << "id\tconnected\tworking_on\tcontributions\tdrops\tlast_error\n";
  for (const boost::json::value& client : clients->as_array()) {
    if (!client.is_object()) {
      continue;
    }
    const boost::json::object& row = client.as_object();
    std::cout << Text(row, "id") << '\t' << Text(row, "connected") << '\t'
              << Text(row, "working_on") << '\t' << Text(row, "contributions") << '\t'
              << Text(row, "drops") << '\t' << Text(row, "last_error") << '\n';
  }
  return Ok();
}

Status ListModels(const Flags& flags) {
  RONDO_TRY(const Federation federation,
            Federation::Load({.file = flags.config, .environment = ConfigEnvironment()}));
  RONDO_TRY(const RunCheckpoints checkpoints, federation.OpenCheckpoints());
  boost::json::array rounds;
  for (const RoundId round : checkpoints.store().rounds()) {
    rounds.push_back(round);
  }
  if (flags.json) {
    std::cout << boost::json::serialize(
        boost::json::object{{"schema_version", 1}, {"rounds", std::move(rounds)}})
              << '\n';
    return Ok();
  }
  for (const RoundId round : checkpoints.store().rounds()) {
    std::cout << round << '\t' << checkpoints.store().PathOf(round).string() << '\n';
  }
  return Ok();
}

Status ExportModel(const Flags& flags) {
  RONDO_TRY(const Federation federation,
            Federation::Load({.file = flags.config, .environment = ConfigEnvironment()}));
  RONDO_TRY(const RunCheckpoints checkpoints, federation.OpenCheckpoints());
  RunState state;
  if (flags.round >= 0) {
    RONDO_TRY(Checkpoint checkpoint, checkpoints.store().Load(static_cast<RoundId>(flags.round)));
    state.round = checkpoint.round;
    state.model = std::move(checkpoint.model);
  } else {
    RONDO_TRY(auto latest, checkpoints.Latest());
    if (!latest) {
      return Fail(ErrorCode::kNotFound,
                  federation.settings.state.string() + " holds no checkpoint");
    }
    state = std::move(*latest);
  }
  RONDO_TRY(const Bytes file,
            EncodeModelFile(state.selected_round(), state.selected_model(), federation.Identity()));
  RONDO_TRY_STATUS(WriteFileAtomic(flags.out, file));
  fmt::print(stderr, "round {} in {}\n", state.selected_round(), flags.out.string());
  return Ok();
}

CLI::App* AddVerb(CLI::App& app,
                  const char* name,
                  const char* help,
                  const std::shared_ptr<Flags>& flags,
                  Action& action,
                  Status (*run)(const Flags&)) {
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option("--config", flags->config, "coordinator.toml")->required();
  command->callback([flags, &action, run] {
    action = [flags, run] {
      return run(*flags);
    };
  });
  return command;
}

}  // namespace

void AddStatusCommands(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  AddVerb(app,
          "status",
          "Examples:\n  rondo-coordinator status --config federation/coordinator.toml\n\n"
          "Asks the running coordinator how far it is.",
          flags,
          action,
          ShowStatus)
      ->add_flag("--json", flags->json, "Print one JSON object");
  AddVerb(app,
          "clients",
          "Examples:\n  rondo-coordinator clients --config federation/coordinator.toml\n\n"
          "Lists the clients of the running coordinator, and why each was last left out.",
          flags,
          action,
          ShowClients)
      ->add_flag("--json", flags->json, "Print one JSON object");
}

void AddModelCommand(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* model = app.add_subcommand(
      "model",
      "Examples:\n  rondo-coordinator model list --config federation/coordinator.toml\n"
      "  rondo-coordinator model export --config federation/coordinator.toml --out "
      "model.safetensors\n\n"
      "Lists and exports checkpoints.");
  model->require_subcommand(1);
  AddVerb(*model,
          "list",
          "Examples:\n  rondo-coordinator model list --config federation/coordinator.toml\n\n"
          "Lists the checkpoints.",
          flags,
          action,
          ListModels)
      ->add_flag("--json", flags->json, "Print one JSON object");
  CLI::App* out = AddVerb(
      *model,
      "export",
      "Examples:\n  rondo-coordinator model export --config federation/coordinator.toml --round 40 "
      "--out model.safetensors\n\nWrites one model as safetensors.",
      flags,
      action,
      ExportModel);
  out->add_option("--out", flags->out, "File to write")->required();
  out->add_option("--round", flags->round, "Round; default: the best validated one")
      ->check(CLI::NonNegativeNumber);
}

}  // namespace rondo::coordinator
