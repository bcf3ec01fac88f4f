#pragma once

namespace rondo::sim {

/// How many processes a launcher of MPI programs says that it started together with this one, by
/// the environment it gave; 1 without a launcher.
int StartedTogether();

}  // namespace rondo::sim
