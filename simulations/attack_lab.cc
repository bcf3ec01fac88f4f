#include "simulations/attack_lab.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/core/check.h"
#include "common/federated/vector_math.h"
#include "common/metrics/exposure.h"

namespace rondo::sim {

/// What a hostile client's forger may look at.
struct Forgery {
  const ParameterLayout& layout;
  std::span<const std::span<const float>> honest;  ///< updates of the cohort's honest clients
  std::span<const float> first;                    ///< the client's own first update
  double strength = 0.0;                           ///< 0: the attack's own
};

/// Replaces the update that a hostile client trained.
using Forge = void (*)(const Forgery& forgery, std::span<float> update);

struct AttackKind {
  const char* name;
  Poison poison;  ///< null: trains on its own log
  Forge forge;    ///< null: sends what it trained
};

namespace {

double MedianNorm(std::span<const std::span<const float>> updates) {
  std::vector<double> norms;
  for (const std::span<const float> update : updates) {
    norms.push_back(std::sqrt(SquaredSum(update)));
  }
  const auto middle = norms.begin() + static_cast<std::ptrdiff_t>(norms.size() / 2);
  std::nth_element(norms.begin(), middle, norms.end());
  return *middle;
}

/// Keeps the item table alone, as long as an honest update times the strength: the target's row is
/// pulled up, and the rows of its rivals are pushed down.
void KeepItemTable(const Forgery& forgery, std::span<float> update) {
  const ParameterEntry* table = forgery.layout.Find("item.weight");
  RONDO_CHECK(table != nullptr) << "every recommender has an item table";
  std::fill_n(update.begin(), table->offset, 0.0F);
  const auto end = static_cast<std::ptrdiff_t>(table->offset + table->size);
  std::fill(update.begin() + end, update.end(), 0.0F);
  const std::span rows = update.subspan(table->offset, table->size);
  const double norm = std::sqrt(SquaredSum(rows));
  const double strength = forgery.strength > 0.0 ? forgery.strength : 1.0;
  if (norm > 0.0 && !forgery.honest.empty()) {
    Scale(rows, strength * MedianNorm(forgery.honest) / norm);
  }
}

void SendFirstAgain(const Forgery& forgery, std::span<float> update) {
  std::copy(forgery.first.begin(), forgery.first.end(), update.begin());
}

/// Attacks on recommenders; those that look at nothing but numbers are UpdateAttacks().
constexpr AttackKind kAttacks[] = {
    {"label_flip", &FlipLabels, nullptr},
    {"random_items", &FillWithRandom, nullptr},
    {"popular_items", &FillWithPopular, nullptr},
    {"bandwagon", &FillWithBoth, nullptr},
    {"promotion", &AlwaysTarget, &KeepItemTable},
    {"replay", nullptr, &SendFirstAgain},
};

/// Null if there is none of this name.
const AttackKind* FindAttack(const std::string& name) {
  const auto* const found = std::find_if(std::begin(kAttacks),
                                         std::end(kAttacks),
                                         [&](const AttackKind& kind) { return kind.name == name; });
  return found == std::end(kAttacks) ? nullptr : found;
}

/// A seeded share of the clients, at least one.
std::set<ClientId> ChooseHostile(const Scenario& scenario, const std::vector<ClientShard>& shards) {
  std::vector<ClientId> ids;
  for (const ClientShard& shard : shards) {
    ids.push_back(shard.id);
  }
  Rng rng({.seed = scenario.data.seed, .purpose = Purpose::kAttack});
  rng.Shuffle(std::span(ids));
  const auto count = static_cast<std::size_t>(
      std::llround(scenario.attack.share * static_cast<double>(ids.size())));
  ids.resize(std::clamp<std::size_t>(count, 1, ids.size()));
  return {ids.begin(), ids.end()};
}

std::vector<ItemRow> ByPopularity(const Dataset& dataset) {
  const std::vector<std::uint32_t> users = UsersPerItem(dataset);
  std::vector<ItemRow> rows(users.size() - 1);
  std::iota(rows.begin(), rows.end(), 1);
  std::stable_sort(rows.begin(), rows.end(), [&](ItemRow a, ItemRow b) {
    return users[static_cast<std::size_t>(a)] > users[static_cast<std::size_t>(b)];
  });
  return rows;
}

}  // namespace

Result<std::unique_ptr<AttackLab>> AttackLab::Create(const Scenario& scenario,
                                                     const Dataset& dataset,
                                                     const std::vector<ClientShard>& shards) {
  if (scenario.attack.name == "none") {
    return std::unique_ptr<AttackLab>();
  }
  std::unique_ptr<AttackLab> lab(new AttackLab());
  lab->config_ = scenario.attack;
  lab->kind_ = FindAttack(scenario.attack.name);
  lab->update_attack_ = FindUpdateAttack(scenario.attack.name);
  RONDO_CHECK((lab->kind_ != nullptr) != (lab->update_attack_ != nullptr))
      << "attack.name was checked when it was read: " << scenario.attack.name;
  lab->workers_ = std::make_unique<Workers>(std::max(1, scenario.engine.threads));
  lab->hostile_ = ChooseHostile(scenario, shards);
  lab->by_popularity_ = ByPopularity(dataset);
  lab->context_ = {.items = dataset.catalogue->items(),
                   .target = lab->by_popularity_.back(),
                   .by_popularity = lab->by_popularity_};
  if (const std::string& id = scenario.attack.target; !id.empty()) {
    lab->context_.target = dataset.catalogue->Row(id);
    if (lab->context_.target == 0) {
      return Fail(ErrorCode::kNotFound,
                  "attack.target: the catalogue has no item '" + id + "'; name one of its "
                      + std::to_string(dataset.catalogue->items()) + " items");
    }
  }
  for (const ClientShard& shard : shards) {
    if (lab->kind_ == nullptr || lab->kind_->poison == nullptr
        || !lab->hostile_.contains(shard.id)) {
      continue;
    }
    Rng rng({.seed = scenario.data.seed, .client = HashId(shard.id), .purpose = Purpose::kAttack});
    for (const std::uint32_t user : shard.users) {
      lab->poisoned_[shard.id].push_back(
          lab->kind_->poison(dataset.users[user].train(), lab->context_, rng));
    }
  }
  return lab;
}

bool AttackLab::Forges() const {
  return update_attack_ != nullptr || kind_->forge != nullptr;
}

bool AttackLab::Attacks(const ClientId& client, RoundId round) const {
  return round >= static_cast<RoundId>(config_.from_round) && hostile_.contains(client);
}

void AttackLab::PoisonData(std::span<ClientData> cohort, RoundId round) const {
  for (ClientData& client : cohort) {
    const auto poisoned = poisoned_.find(client.id);
    if (poisoned == poisoned_.end() || !Attacks(client.id, round)) {
      continue;
    }
    client = ClientData{.id = client.id};
    for (const PoisonedSequence& sequence : poisoned->second) {
      client.sequences.emplace_back(sequence.rows);
      client.roles.emplace_back(sequence.roles);
      client.feedback.emplace_back();
    }
  }
}

void AttackLab::ForgeUpdates(const TrainTask& task,
                             const ParameterLayout& layout,
                             CohortOutcome& outcome) {
  std::vector<std::span<const float>> honest;
  for (std::size_t i = 0; i < outcome.clients.size(); ++i) {
    if (!Attacks(outcome.clients[i].id, task.round)) {
      honest.emplace_back(outcome.deltas[i]);
    }
  }
  for (std::size_t i = 0; i < outcome.clients.size() && !honest.empty(); ++i) {
    const ClientId& id = outcome.clients[i].id;
    if (!Attacks(id, task.round)) {
      continue;
    }
    std::vector<float>& update = outcome.deltas[i];
    if (update_attack_ != nullptr) {
      Rng rng({.seed = task.seed,
               .round = task.round,
               .client = HashId(id),
               .purpose = Purpose::kAttack});
      update_attack_(
          {.honest = honest, .strength = config_.strength, .rng = rng, .workers = *workers_},
          update);
      continue;
    }
    std::span<const float> first;
    if (kind_->forge == &SendFirstAgain) {
      first = first_updates_.try_emplace(id, update).first->second;
    }
    kind_->forge({.layout = layout, .honest = honest, .first = first, .strength = config_.strength},
                 update);
  }
}

}  // namespace rondo::sim
