#include "simulations/launcher.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace rondo::sim {

int StartedTogether() {
  int most = 1;
  for (const char* const name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    const char* const size = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): at start
    int count = 0;
    if (size != nullptr
        && std::from_chars(size, size + std::strlen(size), count).ec == std::errc()) {
      most = std::max(most, count);
    }
  }
  return most;
}

}  // namespace rondo::sim
