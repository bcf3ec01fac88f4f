#include "common/core/version.h"

namespace rondo {

const char* Version() {
  return RONDO_VERSION;
}

}  // namespace rondo
