#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <iostream>

#include "client/command.h"
#include "client/papers.h"
#include "client/receipts.h"

namespace rondo::client {
namespace {

Status Verify(const CommonOptions& options) {
  RONDO_TRY(const Settings settings, ReadSettings(options));
  RONDO_TRY(const Papers::Own own, Papers::ReadOwn(settings.identity, settings.governance));
  RONDO_TRY(const ReceiptsVerdict verdict,
            VerifyReceipts(Papers::ReceiptsFile(settings.state_folder), own.key.public_key()));
  std::cout << (options.json ? ReceiptsJson(verdict) : ReceiptsText(verdict));
  return Ok();
}

}  // namespace

void AddReceiptsCommand(CLI::App& parent, Action& action) {
  const auto options = std::make_shared<CommonOptions>();
  CLI::App* receipts =
      parent.add_subcommand("receipts",
                            "Examples:\n  rondo-client receipts verify --config client.toml\n\n"
                            "What this client has sent to whom, as it signed for itself.");
  receipts->require_subcommand(1);
  CLI::App* verify = receipts->add_subcommand(
      "verify",
      "Checks signatures and chain of all receipts, and adds up what went to which server. "
      "Compare the newest SHA-256 with an earlier note of yours to see that none was cut off.");
  AddCommonOptions(*verify, *options);
  verify->callback([options, &action] {
    action = [options] {
      return Verify(*options);
    };
  });
}

}  // namespace rondo::client
