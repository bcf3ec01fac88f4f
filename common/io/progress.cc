#include "common/io/progress.h"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

#include "common/io/text_table.h"

namespace rondo {
namespace {

constexpr std::chrono::milliseconds kShortestPause{100};
constexpr const char* kRewrite = "\r\033[K";
constexpr const char* kDim = "\033[2m";
constexpr const char* kBold = "\033[1m";
constexpr const char* kPlain = "\033[0m";

}  // namespace

std::string DurationText(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 60) {
    return std::to_string(whole) + " s";
  }
  const auto two = [](std::int64_t value) {
    return (value < 10 ? "0" : "") + std::to_string(value);
  };
  if (whole < 3600) {
    return std::to_string(whole / 60) + ":" + two(whole % 60);
  }
  return std::to_string(whole / 3600) + ":" + two(whole / 60 % 60) + ":" + two(whole % 60);
}

ProgressLine::Options ProgressLine::ForStandardError() {
  const char* no_color = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
  const char* terminal = std::getenv("TERM");      // NOLINT(concurrency-mt-unsafe)
  const bool dumb = terminal == nullptr || std::strcmp(terminal, "dumb") == 0;
  Options options;
  options.terminal = ::isatty(STDERR_FILENO) == 1 && !dumb;
  options.color = options.terminal && (no_color == nullptr || *no_color == '\0');
  return options;
}

ProgressLine::ProgressLine(Options options, const Clock& clock)
    : options_(options),
      clock_(clock),
      start_(clock.Now()) {}

ProgressLine::~ProgressLine() {
  Finish();
}

std::string ProgressLine::Render(const RoundProgress& progress) const {
  const auto styled = [this](const char* style, const std::string& text) {
    return options_.color ? style + text + kPlain : text;
  };
  std::string line =
      "round " + std::to_string(progress.round) + "/" + std::to_string(progress.rounds);
  if (progress.loss) {
    line += "  loss " + FixedText(*progress.loss, 4);
  }
  if (progress.ndcg) {
    line += "  NDCG@10 " + styled(kBold, FixedText(*progress.ndcg, 4));
  }
  line +=
      "  " + std::to_string(progress.clients) + (progress.clients == 1 ? " client" : " clients");
  if (progress.simulated_seconds) {
    line += "  simulated " + DurationText(*progress.simulated_seconds);
  }
  if (!progress.note.empty()) {
    line += "  " + progress.note;
  }
  const double elapsed = std::chrono::duration<double>(clock_.Now() - start_).count();
  if (progress.round >= options_.first_round && progress.round < progress.rounds) {
    const double done = static_cast<double>(progress.round - options_.first_round) + 1.0;
    const double left = static_cast<double>(progress.rounds - progress.round);
    line += styled(kDim, "  ETA " + DurationText(elapsed / done * left));
  }
  return line;
}

void ProgressLine::Update(const RoundProgress& progress) {
  line_ = Render(progress);
  pending_ = true;
  if (!options_.terminal) {
    Draw();
    return;
  }
  const bool last = progress.round >= progress.rounds;
  if (last || !drawn_ || clock_.Now() - *drawn_ >= kShortestPause) {
    Draw();
  }
}

void ProgressLine::Draw() {
  if (options_.terminal) {
    std::fprintf(options_.out, "%s%s", kRewrite, line_.c_str());
    visible_ = true;
  } else {
    std::fprintf(options_.out, "%s\n", line_.c_str());
  }
  std::fflush(options_.out);
  drawn_ = clock_.Now();
  pending_ = false;
}

void ProgressLine::Clear() {
  if (visible_) {
    std::fputs(kRewrite, options_.out);
    std::fflush(options_.out);
    visible_ = false;
    drawn_.reset();
  }
}

void ProgressLine::Finish() {
  if (pending_) {
    Draw();
  }
  if (visible_) {
    std::fputs("\n", options_.out);
    std::fflush(options_.out);
    visible_ = false;
  }
}

}  // namespace rondo
