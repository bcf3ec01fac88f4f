#pragma once

#include <memory>

#include "common/core/bytes.h"
#include "common/core/result.h"
#include "common/model/ranks.h"

namespace rondo::sim {

/// The processes that a launcher of MPI programs (mpirun, srun) started together.
class MpiRanks : public Ranks {
 public:
  /// This process among those that were started with it; null if it was started alone. Ends with
  /// EndRanks. Errors  kUnsupported if it was not, and the program is built without MPI.
  static Result<std::unique_ptr<MpiRanks>> Join();

  /// Number of this process among those of its machine, which share its devices.
  virtual int local_index() const = 0;

  /// The bytes of the first process, at all of them.
  virtual Bytes Share(Bytes bytes) = 0;
  using Ranks::Share;
};

/// Leaves the others when the program's work is done, or ends them all if it failed: nobody waits
/// for a process that is gone. Does nothing without MPI.
void EndRanks(int exit_code);

}  // namespace rondo::sim
