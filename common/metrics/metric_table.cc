#include <algorithm>
#include <unordered_map>

#include "common/core/check.h"
#include "common/metrics/evaluate.h"

namespace rondo {

std::optional<double> MetricTable::Find(std::string_view name) const {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    return std::nullopt;
  }
  return means[static_cast<std::size_t>(found - names.begin())];
}

MetricTable MeanOverUsers(std::vector<std::string> names, std::span<const UserMetrics> users) {
  MetricTable table{.names = std::move(names), .users = users.size()};
  table.means.resize(table.names.size(), 0.0);
  for (const UserMetrics& user : users) {
    RONDO_CHECK(user.values.size() == table.names.size()) << "metrics were made with other options";
    for (std::size_t i = 0; i < user.values.size(); ++i) {
      table.means[i] += user.values[i];
    }
    table.nans += user.nans;
  }
  for (double& mean : table.means) {
    mean /= static_cast<double>(std::max<std::size_t>(1, users.size()));
  }
  return table;
}

MetricTable MeanOverInstitutions(std::vector<std::string> names,
                                 std::span<const UserMetrics> users,
                                 std::span<const ClientShard> institutions) {
  std::unordered_map<std::uint32_t, const UserMetrics*> by_user;
  for (const UserMetrics& user : users) {
    by_user.emplace(user.user, &user);
  }
  std::vector<UserMetrics> means;
  MetricTable table;
  for (const ClientShard& institution : institutions) {
    std::vector<UserMetrics> own;
    for (const std::uint32_t user : institution.users) {
      if (const auto found = by_user.find(user); found != by_user.end()) {
        own.push_back(*found->second);
      }
    }
    if (!own.empty()) {
      const MetricTable mean = MeanOverUsers(names, own);
      table.users += mean.users;
      means.push_back({.nans = mean.nans, .values = mean.means});
    }
  }
  MetricTable over = MeanOverUsers(std::move(names), means);
  over.users = table.users;
  return over;
}

Result<std::vector<double>> Column(std::span<const std::string> names,
                                   std::span<const UserMetrics> users,
                                   std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    return Fail(ErrorCode::kNotFound, "no metric is called \"" + std::string(name) + "\"");
  }
  const auto column = static_cast<std::size_t>(found - names.begin());
  std::vector<double> values;
  for (const UserMetrics& user : users) {
    values.push_back(user.values[column]);
  }
  return values;
}

}  // namespace rondo
