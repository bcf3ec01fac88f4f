#pragma once

#include "common/config/program.h"

namespace CLI {
class App;
}  // namespace CLI

namespace rondo::sim {

/// `aggregate --strategy NAME --updates DIR --out A.safetensors`: a robust rule, or an attack, on
/// updates in files.
void AddAggregateCommand(CLI::App& parent, Action& action);

}  // namespace rondo::sim
