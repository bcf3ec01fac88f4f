#include "common/core/check.h"

#include <cstdio>
#include <cstdlib>

namespace rondo::detail {

CheckFailure::CheckFailure(const char* expression, const char* file, int line) {
  stream_ << file << ':' << line << ": check failed: " << expression << ": ";
}

CheckFailure::~CheckFailure() {
  std::fprintf(stderr, "%s\n", stream_.str().c_str());
  std::abort();
}

}  // namespace rondo::detail
