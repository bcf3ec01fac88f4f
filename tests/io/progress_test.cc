#include "common/io/progress.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/io/text_table.h"

namespace rondo {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ManualClock : public Clock {
 public:
  TimePoint Now() const override { return now_; }

  void Advance(std::chrono::milliseconds step) { now_ += step; }

 private:
  TimePoint now_{};
};

/// A stream into memory.
class Capture {
 public:
  Capture() : file_(::open_memstream(&text_, &size_)) {}

  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  ~Capture() {
    std::fclose(file_);
    std::free(text_);  // NOLINT(cppcoreguidelines-no-malloc): open_memstream's contract.
  }

  std::FILE* file() const { return file_; }

  std::string text() const {
    std::fflush(file_);
    return {text_, size_};
  }

 private:
  char* text_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* file_;
};

TEST(ProgressLine, WritesOnePlainLineARoundOffTerminals) {
  ManualClock clock;
  Capture capture;
  {
    ProgressLine line({.out = capture.file()}, clock);
    clock.Advance(std::chrono::seconds(2));
    line.Update({.round = 1, .rounds = 3, .clients = 1, .loss = 6.25});
    line.Update({.round = 2, .rounds = 3, .clients = 8, .loss = 6.0, .ndcg = 0.05, .note = "void"});
    line.Update({.round = 3, .rounds = 3, .clients = 8});
  }

  EXPECT_EQ(capture.text(),
            "round 1/3  loss 6.2500  1 client  ETA 4 s\n"
            "round 2/3  loss 6.0000  NDCG@10 0.0500  8 clients  void  ETA 1 s\n"
            "round 3/3  8 clients\n");
}

TEST(ProgressLine, RewritesAtMostTenTimesASecondAndEndsWithTheNewest) {
  ManualClock clock;
  Capture capture;
  {
    ProgressLine line({.out = capture.file(), .terminal = true}, clock);
    for (RoundId round = 1; round <= 99; ++round) {
      line.Update({.round = round, .rounds = 1000, .clients = 2});
      clock.Advance(std::chrono::milliseconds(10));
    }
  }

  const std::string text = capture.text();
  std::size_t draws = 0;
  for (std::size_t at = text.find("\r\033[K"); at != std::string::npos;
       at = text.find("\r\033[K", at + 1)) {
    ++draws;
  }
  EXPECT_EQ(draws, 11u);  // Ten in a second, and the newest at the end.
  EXPECT_THAT(text, HasSubstr("round 99/1000"));
  EXPECT_EQ(text.back(), '\n');
}

TEST(ProgressLine, ClearsForOtherOutput) {
  ManualClock clock;
  Capture capture;
  ProgressLine line({.out = capture.file(), .terminal = true}, clock);

  line.Update({.round = 1, .rounds = 9, .clients = 2});
  line.Clear();
  line.Clear();

  EXPECT_THAT(capture.text(), ::testing::EndsWith("\r\033[K"));
}

TEST(ProgressLine, AResumedRunEstimatesFromItsOwnRounds) {
  ManualClock clock;
  Capture capture;
  ProgressLine line({.out = capture.file(), .first_round = 51}, clock);
  clock.Advance(std::chrono::seconds(10));

  line.Update({.round = 60, .rounds = 100, .clients = 2});

  EXPECT_THAT(capture.text(), HasSubstr("ETA 40 s"));
}

TEST(ProgressLine, ColoursOnlyWhereAsked) {
  ManualClock clock;
  Capture plain;
  Capture color;
  ProgressLine({.out = plain.file(), .terminal = true}, clock)
      .Update({.round = 1, .rounds = 2, .ndcg = 0.1});
  ProgressLine({.out = color.file(), .terminal = true, .color = true}, clock)
      .Update({.round = 1, .rounds = 2, .ndcg = 0.1});

  EXPECT_THAT(plain.text(), Not(HasSubstr("\033[1m")));
  EXPECT_THAT(color.text(), HasSubstr("\033[1m0.1000\033[0m"));
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(ProgressLine::ForStandardError().color);
  ::unsetenv("NO_COLOR");
}

TEST(DurationText, IsShort) {
  EXPECT_EQ(DurationText(0.4), "0 s");
  EXPECT_EQ(DurationText(59.6), "1:00");
  EXPECT_EQ(DurationText(3765), "1:02:45");
  EXPECT_EQ(DurationText(-1), "0 s");
}

TEST(TextTable, AlignsWhateverTheAlphabet) {
  TextTable table({{"title", TextTable::Align::kLeft}, {"score"}});
  table.AddRow({"Am\xc3\xa9lie", "0.1"});
  table.AddRow({"\xe4\xb8\xad\xe6\x96\x87", "12.25"});
  table.AddRow({"bell\x07\x1b[2J"});

  EXPECT_EQ(table.Render(),
            "title      score\n"
            "---------  -----\n"
            "Am\xc3\xa9lie       0.1\n"
            "\xe4\xb8\xad\xe6\x96\x87       12.25\n"
            "bell??[2J\n");
}

TEST(TextTable, WidthsSurviveBrokenText) {
  EXPECT_EQ(DisplayWidth("\xff\xfe"), 2u);
  EXPECT_EQ(DisplayWidth("\xe4\xb8"), 1u);
  EXPECT_EQ(DisplayWidth("e\xcc\x81"), 1u);
  EXPECT_EQ(BytesText(999), "999 B");
  EXPECT_EQ(BytesText(1234567), "1.2 MB");
  EXPECT_EQ(FixedText(0.0 / 0.0, 3), "-");
}

}  // namespace
}  // namespace rondo
