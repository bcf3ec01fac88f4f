#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include "common/core/clock.h"
#include "common/core/ids.h"

namespace rondo {

struct RoundProgress {
  RoundId round = 0;
  RoundId rounds = 0;
  std::size_t clients = 0;                  ///< contributors of this round
  std::optional<double> loss;               ///< mean training loss
  std::optional<double> ndcg;               ///< newest validation NDCG@10
  std::optional<double> simulated_seconds;  ///< of the run until now, on a virtual clock
  std::string note;                         ///< "void", "resumed"
};

/// Shows how a run goes on: one line that is rewritten on a terminal, at most ten times a second;
/// otherwise one plain line a round. Not thread-safe.
class ProgressLine {
 public:
  struct Options {
    std::FILE* out = stderr;
    bool terminal = false;
    bool color = false;
    RoundId first_round = 1;  ///< of this process; a resumed run has done earlier ones before
  };

  /// stderr as it is: a terminal or not, colours unless NO_COLOR is set or TERM is "dumb".
  static Options ForStandardError();

  /// `clock` outlives the line.
  ProgressLine(Options options, const Clock& clock);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();

  void Update(const RoundProgress& progress);

  /// Takes the line off the terminal, so that something else can be printed; the next update brings
  /// it back.
  void Clear();

  /// Leaves the newest state standing on its line.
  void Finish();

 private:
  std::string Render(const RoundProgress& progress) const;
  void Draw();

  Options options_;
  const Clock& clock_;
  TimePoint start_;
  std::optional<TimePoint> drawn_;
  std::string line_;
  bool visible_ = false;
  bool pending_ = false;
};

/// "42 s", "3:07", "1:02:45".
std::string DurationText(double seconds);

}  // namespace rondo
