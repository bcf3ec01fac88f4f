#include "coordinator/run_recorder.h"

#include <algorithm>
#include <string>
#include <utility>

namespace rondo::coordinator {
namespace {

double UnixSeconds(RunRecorder::WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

bool IsRound(const boost::json::object& line) {
  const boost::json::value* event = line.if_contains("event");
  return event != nullptr && *event == "round";
}

/// Numbers that were read back are signed, those of a report are not.
RoundId RoundOf(const boost::json::object& line) {
  const boost::json::value& round = line.at("round");
  return static_cast<RoundId>(round.is_uint64() ? round.get_uint64()
                                                : static_cast<std::uint64_t>(round.get_int64()));
}

double Number(const boost::json::object& line, const char* key) {
  const boost::json::value* value = line.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0.0;
}

}  // namespace

Result<RunRecorder> RunRecorder::Open(RunDirectory& directory,
                                      const RunState& state,
                                      WallTime now) {
  RONDO_TRY_STATUS(directory.TruncateRounds(state.round, state.validated_round));
  RONDO_TRY(const std::vector<boost::json::object> lines, directory.ReadRounds());
  // Points after the last validation that counts are taken back and written again: among them may
  // be a validation, or a first round, that the state does not know.
  const RoundId resumed_after = std::min(state.round, state.validated_round);
  RONDO_TRY(TensorBoardWriter events,
            TensorBoardWriter::Create(directory.path(), now, resumed_after));
  RunRecorder recorder(directory, std::move(events));
  for (const boost::json::object& line : lines) {
    RunTotals& totals = recorder.totals_;
    totals.seconds += Number(line, "seconds");
    totals.bytes_up += static_cast<std::uint64_t>(Number(line, "bytes_up"));
    totals.bytes_down += static_cast<std::uint64_t>(Number(line, "bytes_down"));
    if (IsRound(line)) {
      totals.round_seconds.push_back(Number(line, "seconds"));
    }
    if (RoundOf(line) > resumed_after) {
      RONDO_TRY_STATUS(recorder.AddScalars(line));
    }
  }
  return recorder;
}

RunTotals RunRecorder::TotalsWith(double seconds,
                                  std::uint64_t bytes_up,
                                  std::uint64_t bytes_down) const {
  RunTotals totals = totals_;
  totals.seconds += seconds;
  totals.bytes_up += bytes_up;
  totals.bytes_down += bytes_down;
  return totals;
}

void RunRecorder::OnRound(const RoundReport& report) {
  totals_.round_seconds.push_back(report.seconds);
  Record(RoundLine(report));
}

void RunRecorder::OnValidation(const ValidationReport& report) {
  if (report.split == Split::kValidation) {
    Record(ValidationLine(report));
  }
}

void RunRecorder::Record(boost::json::object line) {
  line["time"] = UnixSeconds(std::chrono::system_clock::now());
  Status written = directory_->AppendRound(line);
  if (written) {
    written = AddScalars(line);
  }
  if (status_ && !written) {
    status_ = std::move(written);
  }
}

Status RunRecorder::AddScalars(const boost::json::object& line) {
  const std::chrono::duration<double> seconds(Number(line, "time"));
  const WallTime time(std::chrono::duration_cast<WallTime::duration>(seconds));
  const RoundId round = RoundOf(line);
  if (const auto* loss = line.if_contains("loss"); loss != nullptr && loss->is_number()) {
    RONDO_TRY_STATUS(events_.AddScalar("train/loss", round, loss->to_number<double>(), time));
  }
  if (const auto* spent = line.if_contains("epsilon"); spent != nullptr && spent->is_number()) {
    RONDO_TRY_STATUS(events_.AddScalar("privacy/epsilon", round, spent->to_number<double>(), time));
  }
  const auto* validation = line.if_contains("validation");
  if (validation == nullptr || !validation->is_object()) {
    return Ok();
  }
  for (const auto& [name, value] : validation->get_object()) {
    if (value.is_number()) {
      RONDO_TRY_STATUS(events_.AddScalar(
          "validation/" + std::string(name), round, value.to_number<double>(), time));
    }
  }
  return Ok();
}

}  // namespace rondo::coordinator
