#include "simulations/trial_progress.h"

#include <cstdio>
#include <utility>

#include "common/io/progress.h"

namespace rondo::sim {

TrialProgress::TrialProgress(std::string what, std::size_t all)
    : what_(std::move(what)),
      all_(all),
      terminal_(ProgressLine::ForStandardError().terminal) {}

void TrialProgress::Start(std::size_t finished_before) {
  done_ = finished_before;
  if (finished_before > 0) {
    std::fprintf(
        stderr, "%zu of %zu %ss were finished before\n", finished_before, all_, what_.c_str());
  }
}

void TrialProgress::Finished(const std::string& name, double seconds, bool diverged) {
  ++done_;
  ++done_here_;
  if (!terminal_) {
    std::fprintf(stderr,
                 "%s %zu/%zu  %s  %s%s%s\n",
                 what_.c_str(),
                 done_,
                 all_,
                 name.c_str(),
                 DurationText(seconds).c_str(),
                 diverged ? ", diverged" : "",
                 Left().c_str());
  }
}

void TrialProgress::Show(std::size_t running) {
  if (terminal_) {
    std::fprintf(stderr,
                 "\r\x1b[K%s %zu/%zu, %zu running%s",
                 what_.c_str(),
                 done_,
                 all_,
                 running,
                 Left().c_str());
  }
}

void TrialProgress::End() const {
  if (terminal_) {
    std::fputs("\r\x1b[K", stderr);
  }
}

std::string TrialProgress::Left() const {
  if (done_here_ == 0 || done_ == all_) {
    return "";
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start_;
  return ", about "
         + DurationText(spent.count() / static_cast<double>(done_here_)
                        * static_cast<double>(all_ - done_))
         + " left";
}

}  // namespace rondo::sim
