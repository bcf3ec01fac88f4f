#pragma once

#include <cstdint>
#include <vector>

#include "common/federated/local_round.h"

/// What a federation would send, in bytes of numbers.
namespace rondo::sim {

/// Of a model and the vectors beside it.
std::uint64_t BytesOf(const Broadcast& broadcast);

/// Of a finished contribution.
std::uint64_t BytesOf(const std::vector<LocalBlock>& blocks);

/// Of a contribution to come; estimated where its encoding depends on its numbers.
std::uint64_t ExpectedBytes(const TrainTask& task,
                            const std::shared_ptr<const ParameterLayout>& model);

}  // namespace rondo::sim
