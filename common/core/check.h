#pragma once

#include <sstream>

namespace rondo::detail {

/// Collects the explanation of a failed check, prints it and aborts on destruction.
class CheckFailure {
 public:
  CheckFailure(const char* expression, const char* file, int line);
  CheckFailure(const CheckFailure&) = delete;
  CheckFailure& operator=(const CheckFailure&) = delete;
  [[noreturn]] ~CheckFailure();

  std::ostream& stream() { return stream_; }

 private:
  std::ostringstream stream_;
};

struct CheckVoidify {
  void operator&(std::ostream&) {}  // Lower precedence than <<, higher than ?:.
};

}  // namespace rondo::detail

/// Aborts when `condition` is false. For bugs only; never reachable from input.
/// `RONDO_CHECK(a.size() == b.size()) << "layouts were compared by the caller";`
#define RONDO_CHECK(condition)                  \
  (condition) ? (void)0                         \
              : ::rondo::detail::CheckVoidify() \
                    & ::rondo::detail::CheckFailure(#condition, __FILE__, __LINE__).stream()
