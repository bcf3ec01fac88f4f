#include "common/metrics/baselines/bpr_mf.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <span>

#include "common/core/check.h"

namespace rondo {
namespace {

constexpr float kInitScale = 0.1F;

std::vector<ItemRow> SortedDistinct(std::span<const ItemRow> rows) {
  std::vector<ItemRow> own(rows.begin(), rows.end());
  std::sort(own.begin(), own.end());
  own.erase(std::unique(own.begin(), own.end()), own.end());
  return own;
}

// A uniform item outside `own`; nothing if a few tries find none.
std::optional<ItemRow> DrawNegative(std::span<const ItemRow> own, std::size_t rows, Rng& rng) {
  for (int attempt = 0; attempt < 32; ++attempt) {
    const auto row = static_cast<ItemRow>(1 + rng.Below(rows - 1));
    if (!std::binary_search(own.begin(), own.end(), row)) {
      return row;
    }
  }
  return std::nullopt;
}

}  // namespace

BprMf::BprMf(const Options& options, std::uint64_t seed, std::size_t rows)
    : options_(options),
      seed_(seed),
      rows_(rows),
      width_(static_cast<std::size_t>(options.factors)),
      items_(rows * width_),
      bias_(rows, 0.0F) {
  Rng rng({.seed = seed, .purpose = Purpose::kInit});
  for (float& value : items_) {
    value = kInitScale * static_cast<float>(rng.Normal());
  }
}

void BprMf::Step(float* user, ItemRow positive, ItemRow negative, bool train_items) {
  float* liked = item(positive);
  float* other = item(negative);
  float& liked_bias = bias_[static_cast<std::size_t>(positive)];
  float& other_bias = bias_[static_cast<std::size_t>(negative)];
  float margin = liked_bias - other_bias;
  for (std::size_t d = 0; d < width_; ++d) {
    margin += user[d] * (liked[d] - other[d]);
  }
  const float rate = options_.learning_rate;
  const float decay = options_.regularisation;
  const float pull = 1.0F / (1.0F + std::exp(margin));
  for (std::size_t d = 0; d < width_; ++d) {
    const float before = user[d];
    user[d] += rate * (pull * (liked[d] - other[d]) - decay * before);
    if (train_items) {
      liked[d] += rate * (pull * before - decay * liked[d]);
      other[d] += rate * (-pull * before - decay * other[d]);
    }
  }
  if (train_items) {
    liked_bias += rate * (pull - decay * liked_bias);
    other_bias += rate * (-pull - decay * other_bias);
  }
}

BprMf BprMf::Fit(const Dataset& dataset, std::uint64_t seed, const Options& options) {
  BprMf model(options, seed, static_cast<std::size_t>(dataset.catalogue->items()) + 1);

  struct Event {
    std::uint32_t user;
    ItemRow row;
  };

  std::vector<Event> events;
  std::vector<std::vector<ItemRow>> own;
  for (std::size_t user = 0; user < dataset.users.size(); ++user) {
    const std::span<const ItemRow> train = dataset.users[user].train();
    own.push_back(SortedDistinct(train));
    for (const ItemRow row : train) {
      if (row > 0) {
        events.push_back({.user = static_cast<std::uint32_t>(user), .row = row});
      }
    }
  }
  Rng rng({.seed = seed, .purpose = Purpose::kNegatives});
  std::vector<float> users(dataset.users.size() * model.width_);
  for (float& value : users) {
    value = kInitScale * static_cast<float>(rng.Normal());
  }
  for (int epoch = 0; epoch < options.epochs; ++epoch) {
    rng.Shuffle(std::span(events));
    for (const Event& event : events) {
      if (const auto negative = DrawNegative(own[event.user], model.rows_, rng)) {
        model.Step(users.data() + event.user * model.width_, event.row, *negative, true);
      }
    }
  }
  return model;
}

std::vector<float> BprMf::FoldIn(History history) {
  std::vector<float> user(width_, 0.0F);
  const std::vector<ItemRow> own = SortedDistinct(history);
  std::vector<ItemRow> order(history.begin(), history.end());
  // One stream a history: a user's scores depend on nothing but the model and the own history.
  const auto* bytes = reinterpret_cast<const char*>(history.data());
  Rng rng({.seed = seed_,
           .client = HashId(std::string_view(bytes, history.size_bytes())),
           .purpose = Purpose::kNegatives});
  for (int epoch = 0; epoch < options_.fold_in_epochs; ++epoch) {
    rng.Shuffle(std::span(order));
    for (const ItemRow row : order) {
      if (const auto negative = DrawNegative(own, rows_, rng)) {
        Step(user.data(), row, *negative, false);
      }
    }
  }
  return user;
}

Status BprMf::Score(std::span<const History> histories, std::span<float> scores) {
  RONDO_CHECK(scores.size() == histories.size() * rows_) << "scores are [histories, rows]";
  for (std::size_t i = 0; i < histories.size(); ++i) {
    const std::vector<float> user = FoldIn(histories[i]);
    for (std::size_t row = 0; row < rows_; ++row) {
      const float* vector = item(static_cast<ItemRow>(row));
      scores[i * rows_ + row] = std::inner_product(user.begin(), user.end(), vector, bias_[row]);
    }
  }
  return Ok();
}

}  // namespace rondo
