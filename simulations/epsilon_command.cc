#include "simulations/epsilon_command.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdint>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "common/privacy/accountant.h"

namespace rondo::sim {
namespace {

constexpr const char* kHelp = R"(Examples:
  rondo-sim epsilon --q 0.04 --sigma 1.5 --rounds 2250 --delta 1e-5 --accountant pld
  rondo-sim epsilon --q 0.04 --sigma 1.5 --rounds 2250 --epsilon 8 --accountant pld
  rondo-sim epsilon --q 1 --target-epsilon 4 --rounds 50 --delta 1e-5 --accountant rdp --json

Says what noisy rounds cost in differential privacy: epsilon, or delta for --epsilon, or the sigma that --target-epsilon
needs. All are upper bounds. docs/privacy.md explains them.)";

constexpr const char* kUnit =
    "one unit (a user, or a client) added or removed; sensitivity is the most that one unit can "
    "move the sum (L2)";
constexpr const char* kSampled =
    "holds only if every round draws each unit independently with probability q, in secret; "
    "otherwise use --q 1";
constexpr const char* kUnsampled = "q = 1: no secret sampling is needed";

struct Arguments {
  double q = 1.0;
  std::optional<double> sigma;
  std::int64_t rounds = 1;
  std::optional<double> delta;
  std::string accountant;
  double sensitivity = 1.0;
  std::optional<double> epsilon;
  std::optional<double> target;
  bool json = false;
};

struct Answer {
  const char* name = "";
  double value = 0.0;
  std::optional<double> order;
};

Failure Refuse(const std::string& message) {
  return Fail(ErrorCode::kInvalidArgument, message);
}

Status CheckQuestion(const Arguments& arguments) {
  if (arguments.epsilon && arguments.target) {
    return Refuse("--epsilon asks for delta and --target-epsilon for sigma: give one of them");
  }
  if (arguments.epsilon && arguments.delta) {
    return Refuse("--epsilon asks for delta: leave --delta out");
  }
  if (!arguments.epsilon && !arguments.delta) {
    return Refuse("give --delta, or --epsilon to get delta");
  }
  if (arguments.target && arguments.sigma) {
    return Refuse("--target-epsilon asks for sigma: leave --sigma out");
  }
  if (!arguments.target && !arguments.sigma) {
    return Refuse("give --sigma, or --target-epsilon to get sigma");
  }
  if (!(arguments.sensitivity >= 1e-300 && arguments.sensitivity <= 1e300)) {
    return Refuse(
        fmt::format("--sensitivity is {}; it must be finite and above 0", arguments.sensitivity));
  }
  return Ok();
}

Result<Answer> Ask(const Arguments& arguments) {
  RONDO_TRY_STATUS(CheckQuestion(arguments));
  const Accountant accountant = arguments.accountant == "rdp" ? Accountant::kRdp : Accountant::kPld;
  NoisyRounds rounds{.rate = arguments.q, .rounds = arguments.rounds};
  if (arguments.target) {
    RONDO_TRY(const double noise,
              NoiseFor(rounds, accountant, *arguments.delta, *arguments.target));
    return Answer{.name = "sigma", .value = noise * arguments.sensitivity};
  }
  rounds.noise = *arguments.sigma / arguments.sensitivity;
  RONDO_TRY(const PrivacyBound bound,
            arguments.epsilon ? DeltaOf(rounds, accountant, *arguments.epsilon)
                              : EpsilonOf(rounds, accountant, *arguments.delta));
  return Answer{
      .name = arguments.epsilon ? "delta" : "epsilon", .value = bound.value, .order = bound.order};
}

void PrintJson(const Arguments& arguments, const Answer& answer) {
  boost::json::object object;
  object["schema_version"] = 1;
  object[answer.name] = answer.value;
  if (!arguments.target) {
    object["order"] =
        answer.order ? boost::json::value(*answer.order) : boost::json::value(nullptr);
  }
  object["accountant"] = arguments.accountant;
  object["unit"] = kUnit;
  object["sampling"] = arguments.q < 1.0 ? kSampled : kUnsampled;
  std::cout << boost::json::serialize(object) << '\n';
}

void Print(const Arguments& arguments, const Answer& answer) {
  // All digits: rounded down, it would no longer be a bound.
  fmt::print("{}\t{}\n", answer.name, answer.value);
  if (answer.order) {
    fmt::print("order\t{}\n", *answer.order);
  }
  if (answer.order && arguments.accountant == "pld") {
    fmt::print("bound\tof rdp, since the grid of pld gives no less here\n");
  }
  fmt::print("unit\t{}\nsampling\t{}\n", kUnit, arguments.q < 1.0 ? kSampled : kUnsampled);
}

Status Run(const Arguments& arguments) {
  RONDO_TRY(const Answer answer, Ask(arguments));
  if (arguments.json) {
    PrintJson(arguments, answer);
  } else {
    Print(arguments, answer);
  }
  return Ok();
}

}  // namespace

void AddEpsilonCommand(CLI::App& parent, Action& action) {
  CLI::App* command = parent.add_subcommand("epsilon", kHelp);
  auto arguments = std::make_shared<Arguments>();
  command->add_option("--q", arguments->q, "probability that a round uses a unit, up to 1")
      ->required();
  command->add_option("--sigma", arguments->sigma, "standard deviation of the noise on the sum");
  command->add_option("--rounds", arguments->rounds, "noisy sums released")->required();
  command->add_option("--delta", arguments->delta, "between 0 and 1");
  command->add_option("--accountant", arguments->accountant, "rdp (quick) or pld (tight)")
      ->required()
      ->check([](const std::string& name) {
        return name == "rdp" || name == "pld" ? std::string()
                                              : "unknown '" + name + "'; use rdp or pld";
      });
  command->add_option("--sensitivity", arguments->sensitivity, "most that one unit moves the sum")
      ->capture_default_str();
  command->add_option("--epsilon", arguments->epsilon, "print delta for it");
  command->add_option("--target-epsilon", arguments->target, "print the sigma that it needs");
  command->add_flag("--json", arguments->json, "print one JSON object");
  command->callback([arguments, &action] {
    action = [arguments] {
      return Run(*arguments);
    };
  });
}

}  // namespace rondo::sim
