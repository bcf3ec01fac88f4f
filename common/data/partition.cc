#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <span>
#include <utility>

#include "common/config/clients_rule.h"
#include "common/core/rng.h"
#include "common/data/dataset.h"
#include "common/data/distributions.h"
#include "common/data/text.h"

namespace rondo {
namespace {

constexpr std::size_t kPopularityGroups = 8;

using Groups = std::map<std::string, std::vector<std::uint32_t>>;

/// Number with zeros in front, so that byte order is number order.
ClientId InstitutionName(std::size_t number, std::size_t count) {
  const std::string digits = std::to_string(number + 1);
  const std::size_t width = std::max<std::size_t>(2, std::to_string(count).size());
  return "institution-" + std::string(width - digits.size(), '0') + digits;
}

/// Most frequent genre of the training rows; the first in byte order among equals.
std::string FavouriteGenre(const Catalogue& catalogue, const UserSequence& user) {
  std::map<std::string, int, std::less<>> counts;
  for (const ItemRow row : user.train()) {
    for (const std::string_view genre : SplitText(catalogue.Value(row, "genres"), " ")) {
      if (!genre.empty()) {
        ++counts[std::string(genre)];
      }
    }
  }
  const auto best =
      std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
        return a.second < b.second;
      });
  return best == counts.end() ? "none" : best->first;
}

Groups GroupsByGenre(const Dataset& dataset) {
  Groups groups;
  for (std::uint32_t u = 0; u < dataset.users.size(); ++u) {
    groups[FavouriteGenre(*dataset.catalogue, dataset.users[u])].push_back(u);
  }
  return groups;
}

/// Quantile groups of users by the mean log popularity of their training items.
Groups GroupsByPopularity(const Dataset& dataset) {
  std::vector<double> counts(static_cast<std::size_t>(dataset.catalogue->items()) + 1);
  for (const UserSequence& user : dataset.users) {
    for (const ItemRow row : user.train()) {
      ++counts[static_cast<std::size_t>(row)];
    }
  }
  std::vector<std::pair<double, std::uint32_t>> order;
  for (std::uint32_t u = 0; u < dataset.users.size(); ++u) {
    double sum = 0.0;
    for (const ItemRow row : dataset.users[u].train()) {
      sum += std::log(counts[static_cast<std::size_t>(row)]);
    }
    order.emplace_back(sum / static_cast<double>(dataset.users[u].train_size), u);
  }
  std::sort(order.begin(), order.end());
  Groups groups;
  for (std::size_t i = 0; i < order.size(); ++i) {
    groups[std::to_string(i * kPopularityGroups / order.size())].push_back(order[i].second);
  }
  return groups;
}

Groups ByDirichlet(const Dataset& dataset, double alpha, std::size_t institutions, Rng& rng) {
  const auto& columns = dataset.catalogue->columns();
  const bool has_genres = std::find(columns.begin(), columns.end(), "genres") != columns.end();
  const Groups groups = has_genres ? GroupsByGenre(dataset) : GroupsByPopularity(dataset);
  Groups shards;
  for (const auto& [name, users] : groups) {
    const std::vector<double> shares = DrawDirichlet(alpha, institutions, rng);
    for (const std::uint32_t user : users) {
      shards[InstitutionName(DrawIndex(shares, 1.0, rng), institutions)].push_back(user);
    }
  }
  return shards;
}

Groups ByLogNormal(const Dataset& dataset, double sigma, std::size_t institutions, Rng& rng) {
  std::vector<std::uint32_t> users(dataset.users.size());
  std::iota(users.begin(), users.end(), 0U);
  rng.Shuffle(std::span(users));
  std::vector<double> ends(institutions);
  double total = 0.0;
  for (double& end : ends) {
    total += std::exp(sigma * rng.Normal());
    end = total;
  }
  Groups shards;
  const std::size_t spare = users.size() - institutions;
  std::size_t next = 0;
  for (std::size_t k = 0; k < institutions; ++k) {
    const double share = ends[k] / total * static_cast<double>(spare);
    const std::size_t end = std::min(static_cast<std::size_t>(std::llround(share)), spare) + k + 1;
    auto& shard = shards[InstitutionName(k, institutions)];
    while (next < end) {
      shard.push_back(users[next++]);
    }
  }
  return shards;
}

Result<Groups> ByColumn(const Dataset& dataset, const ClientsRule& rule) {
  Groups shards;
  for (std::uint32_t u = 0; u < dataset.users.size(); ++u) {
    const auto& attributes = dataset.users[u].attributes;
    const auto found = attributes.find(rule.column);
    if (found == attributes.end()) {
      return Fail(
          ErrorCode::kInvalidArgument,
          "data.clients wants the column '" + rule.column + "', which the file of the users lacks");
    }
    const std::string value = found->second.substr(0, rule.prefix);
    shards[value.empty() ? "unknown" : value].push_back(u);
  }
  return shards;
}

Result<Groups> ByInstitution(const Dataset& dataset,
                             const DataConfig& config,
                             const ClientsRule& rule) {
  const bool enough = config.institutions >= 1
                      && static_cast<std::size_t>(config.institutions) <= dataset.users.size();
  if (!enough) {
    return Fail(ErrorCode::kInvalidArgument,
                "data.institutions is " + std::to_string(config.institutions)
                    + "; it must lie in 1 to the " + std::to_string(dataset.users.size())
                    + " users");
  }
  Rng rng({.seed = config.seed, .purpose = Purpose::kPartition});
  const auto institutions = static_cast<std::size_t>(config.institutions);
  return rule.kind == ClientsRule::Kind::kDirichlet
             ? ByDirichlet(dataset, rule.parameter, institutions, rng)
             : ByLogNormal(dataset, rule.parameter, institutions, rng);
}

Groups ByUser(const Dataset& dataset) {
  Groups shards;
  for (std::uint32_t u = 0; u < dataset.users.size(); ++u) {
    shards[dataset.users[u].user].push_back(u);
  }
  return shards;
}

Result<Groups> GroupUsers(const Dataset& dataset, const DataConfig& config) {
  const Result<ClientsRule> rule = ParseClientsRule(config.clients);
  if (!rule) {
    return Fail(rule.error().code, "data.clients: " + rule.error().message);
  }
  switch (rule->kind) {
    case ClientsRule::Kind::kUser:
      return ByUser(dataset);
    case ClientsRule::Kind::kColumn:
      return ByColumn(dataset, *rule);
    default:
      return ByInstitution(dataset, config, *rule);
  }
}

}  // namespace

Result<std::vector<ClientShard>> PartitionClients(const Dataset& dataset,
                                                  const DataConfig& config) {
  RONDO_TRY(Groups groups, GroupUsers(dataset, config));
  std::vector<ClientShard> shards;
  for (auto& [id, users] : groups) {
    std::sort(users.begin(), users.end());
    shards.push_back({.id = id, .users = std::move(users)});
  }
  return shards;
}

}  // namespace rondo
