#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/federated/task.h"
#include "common/io/safetensors.h"

/// Named vectors of a model, as tensors of a file: each tensor under "VECTOR/TENSOR".
namespace rondo {

/// The views end with the vectors.
std::vector<TensorView> VectorViews(const std::vector<NamedVector>& vectors,
                                    const std::string& prefix = "");

/// Every vector of the file whose tensors' names begin with `prefix`, in byte order of their names;
/// each in the layout of those tensors of `model` that it holds.
/// Errors  kCorrupt for a tensor that `model` does not name, or names with another shape or type.
Result<std::vector<NamedVector>> TakeVectors(const TensorFile& file,
                                             const std::shared_ptr<const ParameterLayout>& model,
                                             const std::string& prefix = "");

/// What a server sends at the start of a round: the model's tensors, and after them each extra
/// vector's as "extra.VECTOR/TENSOR". Without extra vectors the bytes of EncodeParameters.
Result<Bytes> EncodeBroadcast(const Broadcast& broadcast);

/// SHA-256 of the file that EncodeBroadcast makes, in hexadecimal.
Result<std::string> BroadcastSha256(const Broadcast& broadcast);

/// The opposite; `sha256` stays empty.
/// Errors  kCorrupt for a missing tensor, one that belongs to nothing, or an extra vector that is
/// not in the model's layout.
Result<Broadcast> DecodeBroadcast(ByteView bytes, std::shared_ptr<const ParameterLayout> layout);

}  // namespace rondo
