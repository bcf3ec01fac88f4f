#include <string>

#include "simulations/launcher.h"
#include "simulations/mpi_ranks.h"

/// MpiRanks of a program that is built without MPI.
namespace rondo::sim {

Result<std::unique_ptr<MpiRanks>> MpiRanks::Join() {
  if (const int count = StartedTogether(); count > 1) {
    return Fail(ErrorCode::kUnsupported,
                "started as one of " + std::to_string(count)
                    + " processes, but this rondo-sim is built without MPI: install "
                      "libopenmpi-dev, build again, or start it alone");
  }
  return std::unique_ptr<MpiRanks>();
}

void EndRanks(int /*exit_code*/) {}

}  // namespace rondo::sim
