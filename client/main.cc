#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <csignal>
#include <exception>
#include <iostream>
#include <string>

#include "client/command.h"
#include "client/version.h"

namespace {

constexpr const char* kExamples = R"(Examples:
  rondo-client doctor --config client.toml            check everything before the first round
  rondo-client run --config client.toml --dry-run     train one round here, send nothing
  rondo-client run --config client.toml               take part until the federation is finished
  rondo-client recommend --user 42 -k 10              a list with titles for one of your users
  rondo-client recommend --all --out lists.tsv        lists for all of them
  rondo-client evaluate                               is joining worth it, measured on your users

Takes part in a federation. Behaviour data and keys stay on this machine.)";

int Report(const rondo::Error& error) {
  std::cerr << "rondo-client: " << error.message << '\n';
  return rondo::ExitCode(error.code);
}

int Run(int argc, char** argv) {
  CLI::App app(kExamples, "rondo-client");
  app.set_version_flag("--version", rondo::client::kVersion);
  app.require_subcommand(1);
  rondo::client::Action action;
  rondo::client::AddRunCommand(app, action);
  rondo::client::AddRecommendCommand(app, action);
  rondo::client::AddEvaluateCommand(app, action);
  rondo::client::AddDoctorCommand(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : rondo::ExitCode(rondo::ErrorCode::kInvalidArgument);
  }
  rondo::client::LogToStderr();
  const rondo::Status done = action();
  return done ? 0 : Report(done.error());
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // A closed pipe or socket is an error value.
  try {
    return Run(argc, argv);
  } catch (const std::exception& error) {
    return Report({rondo::ErrorCode::kInternal, std::string("internal error: ") + error.what()});
  }
}
