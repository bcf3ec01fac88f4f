#pragma once

#include <string>
#include <vector>

#include "common/io/report.h"
#include "simulations/compare_runs.h"

namespace rondo::sim {

/// How the data of a comparison is shared out to clients, as pictures.
struct PartitionPictures {
  std::vector<ReportChart> charts;
  std::string missing;  ///< why there are none, a whole sentence; empty if there are
};

/// Reads the data set that all runs have in common. Runs may be older than their data set's last
/// change or come from another machine, so a set that cannot be read, has another fingerprint, or
/// is not shared out alike in all runs leaves the pictures out and says so.
PartitionPictures PicturePartition(const std::vector<Arm>& arms);

}  // namespace rondo::sim
