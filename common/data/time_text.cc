#include "common/data/time_text.h"

#include <chrono>

#include "common/config/number_text.h"

namespace rondo {
namespace {

constexpr int kMinute = 60;
constexpr int kHour = 60 * kMinute;

/// Takes a text apart from its left end; after a failed call the rest does not matter.
class TimeScanner {
 public:
  explicit TimeScanner(std::string_view text) : rest_(text) {}

  bool AtEnd() const { return rest_.empty(); }

  bool Take(char c) {
    const bool is_next = rest_.starts_with(c);
    rest_.remove_prefix(is_next ? 1 : 0);
    return is_next;
  }

  /// Exactly `count` digits of a number in least .. most.
  bool TakeNumber(std::size_t count, int least, int most, int& value) {
    value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') {
        return false;
      }
      value = 10 * value + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value >= least && value <= most;
  }

  /// The digits behind a decimal point, at least one.
  bool TakeFraction(double& value) {
    int digit = 0;
    double place = 0.1;
    if (!TakeNumber(1, 0, 9, digit)) {
      return false;
    }
    for (value = 0.0; true; place /= 10.0) {
      value += place * digit;
      if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') {
        return true;
      }
      TakeNumber(1, 0, 9, digit);
    }
  }

 private:
  std::string_view rest_;
};

bool TakeDate(TimeScanner& scanner, double& seconds) {
  int year = 0;
  int month = 0;
  int day = 0;
  const bool read = scanner.TakeNumber(4, 0, 9999, year) && scanner.Take('-')
                    && scanner.TakeNumber(2, 1, 12, month) && scanner.Take('-')
                    && scanner.TakeNumber(2, 1, 31, day);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!read || !date.ok()) {
    return false;
  }
  const std::chrono::sys_seconds midnight = std::chrono::sys_days(date);
  seconds = static_cast<double>(midnight.time_since_epoch().count());
  return true;
}

bool TakeClock(TimeScanner& scanner, double& seconds) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  double fraction = 0.0;
  bool read = scanner.TakeNumber(2, 0, 23, hour) && scanner.Take(':')
              && scanner.TakeNumber(2, 0, 59, minute);
  if (read && scanner.Take(':')) {
    read = scanner.TakeNumber(2, 0, 60, second);  // 60: a leap second
    read = read && (!scanner.Take('.') || scanner.TakeFraction(fraction));
  }
  seconds += hour * kHour + minute * kMinute + second + fraction;
  return read;
}

bool TakeZone(TimeScanner& scanner, double& seconds) {
  if (scanner.AtEnd() || scanner.Take('Z')) {
    return true;
  }
  const bool east = scanner.Take('+');
  int hours = 0;
  int minutes = 0;
  bool read = (east || scanner.Take('-')) && scanner.TakeNumber(2, 0, 23, hours);
  if (read && !scanner.AtEnd()) {
    scanner.Take(':');
    read = scanner.TakeNumber(2, 0, 59, minutes);
  }
  const double offset = hours * kHour + minutes * kMinute;
  seconds -= east ? offset : -offset;
  return read;
}

}  // namespace

std::optional<double> ParseTime(std::string_view text) {
  if (const std::optional<double> number = ParseNumber(text)) {
    return number;
  }
  TimeScanner scanner(text);
  double seconds = 0.0;
  bool read = TakeDate(scanner, seconds);
  if (read && !scanner.AtEnd()) {
    read = (scanner.Take('T') || scanner.Take(' ')) && TakeClock(scanner, seconds)
           && TakeZone(scanner, seconds);
  }
  return read && scanner.AtEnd() ? std::optional(seconds) : std::nullopt;
}

}  // namespace rondo
