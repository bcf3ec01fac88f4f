#include "common/config/program.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <iostream>
#include <memory>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sstream>

#include "common/core/version.h"

namespace rondo {
namespace {

void LogToStandardError(const std::string& name) {
  auto logger = spdlog::stderr_color_mt(name);
  logger->set_pattern("%H:%M:%S %^%l%$ %v");
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

/// A command's help begins with its examples, as its description does; the list of commands shows
/// the first sentence after them.
class ExamplesFirst : public CLI::Formatter {
 public:
  std::string make_subcommand(const CLI::App* command) const override {
    std::string about = command->get_description();
    if (about.starts_with("Examples:")) {
      about.erase(0, about.find("\n\n") + 2);
    }
    std::stringstream line;
    CLI::detail::format_help(
        line, command->get_name(), about.substr(0, about.find_first_of(".;:\n")), column_width_);
    return line.str();
  }
};

int Report(const std::string& program, const Error& error) {
  std::cerr << program << ": " << error.message << '\n';
  return ExitCode(error.code);
}

int ParseAndRun(int argc,
                char** argv,
                const ProgramInfo& info,
                const std::function<void(CLI::App& app, Action& action)>& add_commands) {
  CLI::App app(info.examples, info.name);
  app.set_version_flag("--version", Version());
  app.require_subcommand(1);
  app.formatter(std::make_shared<ExamplesFirst>());  // Commands inherit it.
  Action action;
  add_commands(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : ExitCode(ErrorCode::kInvalidArgument);
  }
  const Status done = action();
  if (!done) {
    return Report(info.name, done.error());
  }
  if (!std::cout.flush()) {
    return Report(
        info.name,
        {ErrorCode::kIo, "cannot write to standard output; is its disk full or its pipe closed?"});
  }
  return 0;
}

}  // namespace

int RunProgram(int argc,
               char** argv,
               const ProgramInfo& info,
               const std::function<void(CLI::App& app, Action& action)>& add_commands) {
  std::signal(SIGPIPE, SIG_IGN);  // A closed pipe or socket is an error value,
  std::signal(SIGXFSZ, SIG_IGN);  // and so is a file that may not grow.
  LogToStandardError(info.name);
  try {
    return ParseAndRun(argc, argv, info, add_commands);
  } catch (const std::exception& error) {
    return Report(info.name,
                  {ErrorCode::kInternal, std::string("internal error: ") + error.what()});
  }
}

}  // namespace rondo
