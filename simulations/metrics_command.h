#pragma once

#include "common/config/program.h"

namespace CLI {
class App;
}  // namespace CLI

namespace rondo::sim {

/// `metrics --recommendations R.tsv --truth T.tsv --k 5,10 [--json]`: scores finished lists.
void AddMetricsCommand(CLI::App& parent, Action& action);

}  // namespace rondo::sim
