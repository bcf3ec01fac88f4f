#pragma once

#include <cstdint>
#include <optional>

namespace rondo::coordinator {

/// How many lines about one thing are written, so that a flood of it cannot fill the disk: 64 at
/// once and one more each second. Those beyond are counted, and the next line says how many.
class LineBudget {
 public:
  /// The number of lines left out since the last one; nothing if this one is left out, too.
  std::optional<std::uint64_t> Take(double now_s);

 private:
  double tokens_ = 64;
  double last_s_ = 0;
  std::uint64_t omitted_ = 0;
};

}  // namespace rondo::coordinator
