#pragma once

#include <memory>
#include <vector>

#include <torch/types.h>

#include "common/federated/update_sum.h"

namespace rondo {

/// The exact sum of a round on the device that trains it: what ClipSegments and FoldSegments do
/// with one update, as tensor operations over all updates of a pack, whose results nobody asks for
/// before the round's end. The numbers are theirs, but for the last bits of a clip's factor, whose
/// norm is added up in another order.
class TensorFold {
 public:
  TensorFold(std::shared_ptr<const ParameterLayout> layout,
             const GridSpec& grid,
             const at::Device& device);

  /// The updates of a pack's groups.
  struct Updates {
    const std::vector<at::Tensor>&
        delta;          ///< [G, ...] in layout order; of the item table [G, R, width]
    at::Tensor rows;    ///< int64 [G R] catalogue rows of the item tables; undefined: all, in order
    at::Tensor weight;  ///< double [G]
    at::Tensor sound;   ///< bool [G]; other groups are left out
    double clip_norm = 0.0;  ///< 0: never
    double clients = 1.0;    ///< of a group, each of which may be as large as the grid's limit
  };

  /// Returns the L2 norms before the clip, double [G], on the device; infinite for groups that are
  /// left out, as is one whose norm is not finite.
  at::Tensor Add(const Updates& updates);

  /// The sums, in one download.
  std::vector<std::int64_t> Sums() const;

  std::uint64_t saturated() const;

 private:
  std::shared_ptr<const ParameterLayout> layout_;
  GridSpec grid_;
  at::Tensor sums_;       // int64 [size of the layout]
  at::Tensor saturated_;  // int64 [1]
};

}  // namespace rondo
