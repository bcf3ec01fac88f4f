#pragma once

#include <span>
#include <string>
#include <vector>

#include <torch/types.h>

#include "common/core/result.h"
#include "common/data/item_features.h"
#include "common/model/encoder.h"

/// How the public features of items join their own embeddings. The fused embedding stands for the
/// item everywhere: in the history and in the scores.
namespace rondo {

/// Fuses the items' own embeddings with those of their features, row by row.
///
/// Shapes  item, feature [G, R, width]; weights of the fusion, undefined where it has none. Returns
/// [G, R, width].
using Fuse = at::Tensor (*)(const at::Tensor& item,
                            const at::Tensor& feature,
                            const AffineWeights& weights);

/// A kind of fusion, by its word in the scenario. With e an item's own embedding and f the sum of
/// amount * row of the feature table over its features (zero without features):
///
///   sum     e + f
///   gate    e + sigmoid(W [e; f] + b) * f
///   concat  W [e; f] + b
struct FusionKind {
  std::string name;
  Fuse fuse;
  bool weighted;  ///< has fusion.weight [width, 2 width] and fusion.bias [width]
};

/// Errors  kInvalidArgument for an unknown word.
Result<const FusionKind*> FindFusion(const std::string& name);

/// The features of the rows of all groups' item tables, entry by entry.
struct TableFeatures {
  std::int64_t values = 0;  ///< rows of a feature table
  at::Tensor from;          ///< int64 [E] row among the G * values of all feature tables
  at::Tensor to;            ///< int64 [E] row among the G * R of all item tables
  at::Tensor amount;        ///< float [E]
};

/// `tables[g]` holds the catalogue rows of group g's item table, or nothing for the whole
/// catalogue; every table has room for `table_rows` rows.
TableFeatures FeaturesOfTables(const ItemFeatures& features,
                               std::span<const std::span<const ItemRow>> tables,
                               std::int64_t table_rows,
                               const at::Device& device);

/// Replaces the items' own embeddings in `weights` by the fused ones.
void FuseFeatures(const TableFeatures& features, EncoderWeights& weights);

}  // namespace rondo
