#include "coordinator/spent.h"

#include <boost/json.hpp>

#include "common/core/file.h"
#include "common/io/json.h"

namespace rondo::coordinator {

boost::json::array SpentJson(const PrivacyLedger& ledger) {
  boost::json::array spent;
  for (const NoisyRounds& entry : ledger.entries()) {
    spent.push_back({{"rate", entry.rate}, {"noise", entry.noise}, {"releases", entry.rounds}});
  }
  return spent;
}

Result<PrivacyLedger> LedgerOf(const boost::json::array& spent) {
  PrivacyLedger ledger;
  for (const boost::json::value& entry : spent) {
    RONDO_TRY_STATUS(ledger.Spend({.rate = entry.at("rate").to_number<double>(),
                                   .noise = entry.at("noise").to_number<double>(),
                                   .rounds = entry.at("releases").to_number<std::int64_t>()}));
  }
  return ledger;
}

Status WriteSpent(const std::filesystem::path& file, const PrivacyLedger& ledger) {
  const boost::json::object json{{"schema_version", 1}, {"spent", SpentJson(ledger)}};
  return WriteTextFile(file, CompactJson(json) + "\n");
}

Result<PrivacyLedger> ReadSpent(const std::filesystem::path& file, const PrivacyLedger& known) {
  const auto text = ReadTextFile(file);
  if (!text && text.error().code != ErrorCode::kNotFound) {
    return Fail(text.error());
  }
  PrivacyLedger ledger;
  if (text) {
    RONDO_TRY(const boost::json::value json, ParseJson(*text));
    try {
      RONDO_TRY(ledger, LedgerOf(json.at("spent").as_array()));
    } catch (const std::exception& error) {
      return Fail(ErrorCode::kCorrupt,
                  "'" + file.string() + "' is no privacy ledger: " + error.what());
    }
  }
  if (ledger.releases() < known.releases()) {
    return Fail(ErrorCode::kFailedPrecondition,
                "'" + file.string() + "' holds " + std::to_string(ledger.releases())
                    + " releases, but the newest checkpoint knows of "
                    + std::to_string(known.releases())
                    + ": what was spent cannot be forgotten; put the file back");
  }
  return ledger;
}

}  // namespace rondo::coordinator
