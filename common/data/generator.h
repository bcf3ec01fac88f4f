#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/core/result.h"
#include "common/data/events.h"

namespace rondo {

/// One kind of content vector: the prototype of the item's interest plus noise.
struct ModalityConfig {
  std::string name;
  int dimension = 16;
  double noise = 0.3;    ///< standard deviation beside prototypes of standard deviation 1
  double missing = 0.0;  ///< share of items without a vector
};

/// A log whose structure is known, so that tests know what a model can learn.
struct GeneratorConfig {
  int users = 600;
  int items = 400;
  int interests = 8;         ///< latent; every item has one, every user a mixture
  int events = 40;           ///< mean of a user
  double sequential = 0.5;   ///< chance that an event follows the chain of the item before it
  double exploration = 0.1;  ///< chance of any item, uniformly
  double popularity = 1.0;   ///< Zipf exponent inside an interest
  double concentration =
      0.3;             ///< Dirichlet parameter of the users' mixtures; small: one interest each
  bool typed = false;  ///< name the events view, buy and dislike
  double buys = 0.3;   ///< typed: share of liked views that a purchase follows
  double dislikes =
      0.5;  ///< typed: share of events outside the user's two best interests that are dislikes
  std::vector<ModalityConfig> modalities = {
      {.name = "text", .dimension = 16, .noise = 0.3, .missing = 0.0},
      {.name = "image", .dimension = 16, .noise = 0.6, .missing = 0.2},
      {.name = "audio", .dimension = 8, .noise = 1.0, .missing = 0.4},
  };
  std::uint64_t seed = 1;
};

/// A generated log and the truth behind it.
///
/// Items form one ring a interest. A user's next item is, in this order of chance: the first item
/// on the ring behind the last one that the user has not met (`sequential`); any item
/// (`exploration`); else an item of an interest drawn from the user's mixture, by popularity. No
/// user meets an item twice; a purchase repeats its view.
struct GeneratedData {
  EventTable table;            ///< ids are "1" .. ; every item has a row in `item_table`
  std::vector<int> interest;   ///< of each item, item "1" first
  std::vector<int> successor;  ///< index of the next item on the ring
  std::vector<std::vector<double>> mixtures;   ///< [users][interests]
  std::vector<std::vector<float>> prototypes;  ///< by modality: [interests, dimension] row-major
  std::vector<std::vector<float>>
      vectors;  ///< by modality: [items, dimension] row-major; NaN rows are missing
};

/// Equal configurations give equal bytes on every machine with the same mathematical library.
/// Errors  kInvalidArgument for sizes or shares out of range.
Result<GeneratedData> GenerateData(const GeneratorConfig& config);

/// Writes synthetic.inter, .item and .user, one NAME.npy (float32 [items, dimension], rows in the
/// order of the .item file) a modality, and truth.json with the parameters, interests and ring.
Status WriteGenerated(const GeneratedData& data,
                      const GeneratorConfig& config,
                      const std::filesystem::path& folder);

}  // namespace rondo
