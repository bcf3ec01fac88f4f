#include "common/data/generator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "common/core/rng.h"
#include "common/data/distributions.h"

namespace rondo {
namespace {

constexpr double kStart = 1.6e9;  // September 2020, in Unix seconds.
constexpr double kStartSpread = 90 * 86400.0;
constexpr double kMeanGap = 3600.0;
constexpr int kLeastEvents = 5;
constexpr int kRegions = 5;

Status CheckConfig(const GeneratorConfig& config) {
  const auto is_share = [](double value) {
    return value >= 0.0 && value <= 1.0;
  };
  const bool sizes = config.users >= 1 && config.interests >= 1
                     && config.items >= 2 * config.interests && config.events >= kLeastEvents
                     && config.events <= config.items / 2;
  if (!sizes) {
    return Fail(ErrorCode::kInvalidArgument,
                "the generator needs a user, an interest, at least two items an interest, and "
                "between 5 events a user "
                "and half the number of items");
  }
  bool shares = is_share(config.sequential) && is_share(config.exploration)
                && config.sequential + config.exploration <= 1.0 && is_share(config.buys)
                && is_share(config.dislikes) && config.popularity >= 0.0
                && config.concentration > 0.0;
  for (const ModalityConfig& modality : config.modalities) {
    shares =
        shares && is_share(modality.missing) && modality.noise >= 0.0 && modality.dimension >= 1;
  }
  if (!shares) {
    return Fail(ErrorCode::kInvalidArgument,
                "shares of the generator must lie in 0 to 1, sequential + exploration too, and "
                "dimensions, noise and "
                "concentration must not be negative");
  }
  return Ok();
}

/// One stream a subject, so that more users or another modality leave the rest unchanged.
Rng Stream(const GeneratorConfig& config, std::string_view subject) {
  return Rng({.seed = config.seed, .client = HashId(subject), .purpose = Purpose::kGenerator});
}

class Generator {
 public:
  explicit Generator(const GeneratorConfig& config) : config_(config) {}

  GeneratedData Run() {
    MakeItems();
    for (std::size_t m = 0; m < config_.modalities.size(); ++m) {
      MakeVectors(config_.modalities[m]);
    }
    data_.table.has_time = true;
    data_.table.user_table.columns = {"favourite", "region"};
    if (config_.typed) {
      data_.table.kinds = {"", "view", "buy", "dislike"};
    }
    for (int u = 0; u < config_.users; ++u) {
      MakeUser(u);
    }
    return std::move(data_);
  }

 private:
  std::size_t items() const { return static_cast<std::size_t>(config_.items); }

  std::size_t interests() const { return static_cast<std::size_t>(config_.interests); }

  /// Deals the items to interests in a random order; that order is also the popularity and closes
  /// to the ring.
  void MakeItems() {
    Rng rng = Stream(config_, "items");
    std::vector<std::size_t> order(items());
    std::iota(order.begin(), order.end(), std::size_t{0});
    rng.Shuffle(std::span(order));
    members_.resize(interests());
    data_.interest.resize(items());
    data_.successor.resize(items());
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::size_t interest = i % interests();
      members_[interest].push_back(order[i]);
      data_.interest[order[i]] = static_cast<int>(interest);
    }
    for (const auto& members : members_) {
      // The ring has an order of its own: its neighbours are not neighbours in popularity.
      std::vector<std::size_t> ring = members;
      rng.Shuffle(std::span(ring));
      for (std::size_t i = 0; i < ring.size(); ++i) {
        data_.successor[ring[i]] = static_cast<int>(ring[(i + 1) % ring.size()]);
      }
    }
    for (std::size_t rank = 0; rank < members_.front().size(); ++rank) {
      popularity_.push_back(std::pow(static_cast<double>(rank + 1), -config_.popularity));
    }
    NameItems();
  }

  void NameItems() {
    EventTable& table = data_.table;
    table.item_table.columns = {"title", "genres"};
    for (std::size_t i = 0; i < items(); ++i) {
      const std::string id = std::to_string(i + 1);
      table.items.push_back(id);
      table.item_table.rows[id] = {"Item " + id,
                                   "interest-" + std::to_string(data_.interest[i] + 1)};
    }
  }

  void MakeVectors(const ModalityConfig& modality) {
    Rng rng = Stream(config_, "modality " + modality.name);
    const auto dimension = static_cast<std::size_t>(modality.dimension);
    auto& prototypes = data_.prototypes.emplace_back(interests() * dimension);
    for (float& value : prototypes) {
      value = static_cast<float>(rng.Normal());
    }
    auto& vectors = data_.vectors.emplace_back(items() * dimension);
    for (std::size_t i = 0; i < items(); ++i) {
      const bool missing = rng.Uniform() < modality.missing;
      const std::size_t interest = static_cast<std::size_t>(data_.interest[i]);
      for (std::size_t d = 0; d < dimension; ++d) {
        const double value = prototypes[interest * dimension + d] + modality.noise * rng.Normal();
        vectors[i * dimension + d] =
            missing ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(value);
      }
    }
  }

  void MakeUser(int number) {
    const std::string id = std::to_string(number + 1);
    Rng rng = Stream(config_, "user " + id);
    const auto& mixture =
        data_.mixtures.emplace_back(DrawDirichlet(config_.concentration, interests(), rng));
    const auto favourite = std::max_element(mixture.begin(), mixture.end()) - mixture.begin();
    const auto region = rng.Uniform() < 0.5 ? static_cast<std::uint64_t>(favourite) % kRegions
                                            : rng.Below(kRegions);
    data_.table.users.push_back(id);
    data_.table.user_table.rows[id] = {"interest-" + std::to_string(favourite + 1),
                                       "region-" + std::to_string(region + 1)};
    const double spread = std::exp(0.5 * rng.Normal() - 0.125);  // log-normal with mean 1
    const int count = std::clamp(
        static_cast<int>(std::lround(config_.events * spread)), kLeastEvents, config_.items / 2);
    Walk(static_cast<std::uint32_t>(number), count, rng);
  }

  void Walk(std::uint32_t user, int count, Rng& rng) {
    met_.assign(items(), false);
    double time = std::floor(kStart + kStartSpread * rng.Uniform());
    std::size_t last = items();
    for (int e = 0; e < count; ++e) {
      last = NextItem(user, last, rng);
      met_[last] = true;
      time += 1.0 + std::floor(-kMeanGap * std::log(1.0 - rng.Uniform()));
      AddEvent(user, last, time, rng);
    }
  }

  std::size_t NextItem(std::uint32_t user, std::size_t last, Rng& rng) {
    const double choice = rng.Uniform();
    if (choice < config_.sequential && last < items()) {
      std::size_t next = static_cast<std::size_t>(data_.successor[last]);
      while (met_[next] && next != last) {
        next = static_cast<std::size_t>(data_.successor[next]);
      }
      if (!met_[next]) {
        return next;
      }
    } else if (choice >= 1.0 - config_.exploration) {
      return AnyItem(rng);
    }
    return LikedItem(user, rng);
  }

  std::size_t AnyItem(Rng& rng) {
    // At most half of the items are met, so this ends soon.
    while (true) {
      const std::size_t item = rng.Below(items());
      if (!met_[item]) {
        return item;
      }
    }
  }

  std::size_t LikedItem(std::uint32_t user, Rng& rng) {
    const auto& members = members_[DrawIndex(data_.mixtures[user], 1.0, rng)];
    std::vector<double> weights(members.size());
    double total = 0.0;
    for (std::size_t rank = 0; rank < members.size(); ++rank) {
      weights[rank] = met_[members[rank]] ? 0.0 : popularity_[rank];
      total += weights[rank];
    }
    if (total <= 0.0) {
      return AnyItem(rng);
    }
    const std::size_t item = members[DrawIndex(weights, total, rng)];
    return met_[item] ? AnyItem(rng) : item;
  }

  void AddEvent(std::uint32_t user, std::size_t item, double time, Rng& rng) {
    LogEvent event{.user = user, .item = static_cast<std::uint32_t>(item), .time = time};
    if (!config_.typed) {
      data_.table.events.push_back(event);
      return;
    }
    const bool liked = IsLiked(user, item);
    const bool disliked = !liked && rng.Uniform() < config_.dislikes;
    event.kind = disliked ? 3 : 1;
    data_.table.events.push_back(event);
    if (liked && rng.Uniform() < config_.buys) {
      event.kind = 2;
      data_.table.events.push_back(event);
    }
  }

  /// Whether the item is of one of the user's two best interests.
  bool IsLiked(std::uint32_t user, std::size_t item) const {
    const auto& mixture = data_.mixtures[user];
    const double own = mixture[static_cast<std::size_t>(data_.interest[item])];
    return std::count_if(mixture.begin(), mixture.end(), [&](double share) { return share > own; })
           < 2;
  }

  const GeneratorConfig& config_;
  GeneratedData data_;
  std::vector<std::vector<std::size_t>> members_;  ///< items of each interest, most popular first
  std::vector<double> popularity_;                 ///< Zipf weight of a rank
  std::vector<bool> met_;                          ///< items that the present user has met
};

}  // namespace

Result<GeneratedData> GenerateData(const GeneratorConfig& config) {
  RONDO_TRY_STATUS(CheckConfig(config));
  return Generator(config).Run();
}

}  // namespace rondo
