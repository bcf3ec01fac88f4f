#include <string>

#include "common/config/scenario.h"
#include "common/core/check.h"
#include "common/core/file.h"
#include "common/data/dataset.h"
#include "common/data/events.h"
#include "coordinator/audit_log.h"
#include "tests/fuzz/scratch.h"
#include "tests/fuzz/target.h"

// Files that people hand in: scenarios, behaviour logs, catalogues, and the audit log.

namespace rondo::fuzz {
namespace {

/// A scenario that is taken can be written down and read again.
bool RunScenario(ByteView input) {
  static const ScratchFile kFile("scenario.toml");
  static const ScratchFile kAgain("again.toml");
  const auto scenario = LoadScenario({.file = kFile.Write(input)});
  if (!scenario) {
    return false;
  }
  const std::string written = ScenarioToToml(*scenario);
  const auto again = LoadScenario({.file = kAgain.Write(AsBytes(written))});
  RONDO_CHECK(again.has_value()) << "own text is refused: " << again.error().message;
  RONDO_CHECK(ScenarioToToml(*again) == written) << "a scenario changes on its way";
  return true;
}

std::vector<Bytes> ScenarioSeeds() {
  Scenario all;
  all.name = "all";
  return {BytesOf("name = \"small\"\n[strategy]\nname = \"fedadam\"\nrounds = 3\n"
                  "[client]\nloss = \"bce\"\n[model]\nattention = [\"dot\", \"additive\"]\n"),
          BytesOf(ScenarioToToml(all))};
}

/// Every event that was read points into the tables.
bool RunEvents(const std::filesystem::path& path, const char* format) {
  DataConfig config{.path = path, .format = format};
  config.max_bad_rows = 3;
  const auto table = ReadEvents(config);
  if (!table) {
    return false;
  }
  for (const LogEvent& event : table->events) {
    RONDO_CHECK(event.user < table->users.size() && event.item < table->items.size()
                && event.kind < table->kinds.size())
        << "an event of nobody";
  }
  RONDO_CHECK(table->report.rows == table->events.size() + table->report.bad_rows)
      << "rows are lost without a count";
  return true;
}

bool RunCsv(ByteView input) {
  static const ScratchFile kFile("events.csv");
  return RunEvents(kFile.Write(input), "csv");
}

std::vector<Bytes> CsvSeeds() {
  return {
      BytesOf(
          "user_id,item_id,rating,timestamp\n1,10,4.5,1700000000\n2,11,,2024-05-01T10:00:00Z\n"),
      BytesOf("\xEF\xBB\xBFuser;item;event\r\n\"a;b\";\"c \"\"d\"\"\";buy\r\ne;f;view\r\n")};
}

bool RunRecBole(ByteView input) {
  static const ScratchFile kFile("log.inter");
  return RunEvents(kFile.Write(input), "recbole");
}

std::vector<Bytes> RecBoleSeeds() {
  return {BytesOf(
      "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t10\t4\t17\n1\t11\t5\t18\n")};
}

bool RunCatalogue(ByteView input) {
  static const ScratchFile kFile("catalogue.tsv");
  const auto catalogue = Catalogue::Read(kFile.Write(input));
  if (!catalogue) {
    return false;
  }
  for (ItemRow row = 1; row <= catalogue->items(); ++row) {
    RONDO_CHECK(catalogue->Row(catalogue->id(row)) == row) << "an id leads to another row";
  }
  return true;
}

std::vector<Bytes> CatalogueSeeds() {
  return {BytesOf("item_id\ttitle\tgenres:token_seq\n10\tHeat\tCrime Drama\n11\tAlien\tHorror\n"),
          BytesOf("item_id\n1\n2\n")};
}

bool RunAudit(ByteView input) {
  static const ScratchFile kFile("audit.jsonl");
  const auto verdict = coordinator::VerifyAudit(kFile.Write(input));
  return verdict.has_value() && verdict->lines > 0;
}

std::vector<Bytes> AuditSeeds() {
  const testing::TemporaryFolder folder;
  auto log = coordinator::AuditLog::Open(folder.path()).value();
  RONDO_CHECK(log.Append("founded", {{"federation", "acme"}}).has_value()
              && log.Append("round", {{"round", 1}, {"void", false}}).has_value())
      << "a temporary folder takes two lines";
  return {BytesOf(ReadTextFile(folder / "audit.jsonl").value())};
}

}  // namespace

Target ScenarioTarget() {
  return {"scenario", RunScenario, ScenarioSeeds};
}

Target CsvTarget() {
  return {"csv", RunCsv, CsvSeeds};
}

Target RecBoleTarget() {
  return {"recbole", RunRecBole, RecBoleSeeds};
}

Target CatalogueTarget() {
  return {"catalogue", RunCatalogue, CatalogueSeeds};
}

Target AuditTarget() {
  return {"audit", RunAudit, AuditSeeds};
}

}  // namespace rondo::fuzz
