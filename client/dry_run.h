#pragma once

#include <string>
#include <vector>

#include "client/local_work.h"
#include "common/federated/parameters.h"

namespace rondo::client {

/// One local round as it would be sent, for the owner of the data to look at. Nothing leaves the
/// process.
struct DryRunReport {
  struct Tensor {
    std::string name;
    std::vector<std::int64_t> shape;
    ParameterGroup group = ParameterGroup::kShared;  ///< only shared ones are sent
    double norm = 0.0;                               ///< L2 of its part of the delta
  };

  struct Block {
    std::string name;
    std::uint64_t numbers = 0;  ///< of its layout
    std::uint64_t bytes = 0;    ///< of its payload
    bool packed = false;        ///< in the encoding of compressed updates
  };

  std::vector<Tensor> tensors;  ///< of the whole model
  std::vector<Block> blocks;    ///< of the contribution
  std::uint64_t bytes = 0;      ///< of the frames
  std::uint64_t saturated = 0;  ///< numbers that the grid cut off
  ClientReport training;
};

/// `own` are the client's vectors, and stay as they are.
/// Errors  those of StartRound, LocalWork::Train and FinishRound.
Result<DryRunReport> DryRun(LocalWork& work,
                            const Broadcast& broadcast,
                            const TrainTask& task,
                            const ClientVectors& own);

/// The report for people.
std::string DryRunText(const DryRunReport& report, const std::string& trust_mode);

/// {"schema_version", "tensors": [{"name", "shape", "group": "shared" | "personal" | "frozen",
///  "norm"}], "blocks": [{"name", "numbers", "bytes", "packed"}], "bytes", "norm", "loss",
///  "weight", "saturated", "positions", "steps", "seconds", "trust_mode", "sent": false}
std::string DryRunJson(const DryRunReport& report, const std::string& trust_mode);

}  // namespace rondo::client
