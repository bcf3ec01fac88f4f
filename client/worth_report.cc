#include <algorithm>
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "client/worth.h"

namespace rondo::client {
namespace {

namespace json = boost::json;

constexpr std::string_view kFederatedPrefix = "federated";

bool IsFederated(const MethodScore& method) {
  return method.name.starts_with(kFederatedPrefix);
}

/// The best method among those with or without the federation, by NDCG@10; null if there is none.
const MethodScore* Best(const std::vector<MethodScore>& methods, bool federated) {
  const MethodScore* best = nullptr;
  for (const MethodScore& method : methods) {
    if (IsFederated(method) == federated
        && (best == nullptr || method.ndcg.mean > best->ndcg.mean)) {
      best = &method;
    }
  }
  return best;
}

json::array Triple(const Interval& interval) {
  return {interval.mean, interval.low, interval.high};
}

std::string Bounds(const Interval& interval) {
  return fmt::format("{:.4f} [{:.4f}, {:.4f}]", interval.mean, interval.low, interval.high);
}

}  // namespace

std::string Verdict(const std::vector<MethodScore>& methods) {
  const MethodScore* alone = Best(methods, false);
  const MethodScore* joined = Best(methods, true);
  if (alone == nullptr || joined == nullptr) {
    return "Nothing to compare.";
  }
  // The paired interval compares the plain federated model: choosing the better of two federated
  // ones after looking at the test split would flatter it.
  const Interval& gain = alone->behind_federated;
  const double percent = alone->ndcg.mean > 0.0 ? 100.0 * gain.mean / alone->ndcg.mean : 0.0;
  const std::string size =
      fmt::format("NDCG@10 {:+.4f} ({:+.0f} %), 95 % interval [{:+.4f}, {:+.4f}]",
                  gain.mean,
                  percent,
                  gain.low,
                  gain.high);
  if (gain.low > 0.0) {
    return fmt::format(
        "Joining is worth it: the federated model beats your best own method, {}, by {}.",
        alone->name,
        size);
  }
  if (gain.high < 0.0) {
    return fmt::format(
        "Joining is not worth it on these users: your own {} beats the federated model; {}.",
        alone->name,
        size);
  }
  return fmt::format(
      "No clear difference between the federated model and your best own method, {}: {}.",
      alone->name,
      size);
}

std::string WorthText(const WorthReport& report) {
  std::string text = fmt::format("{:<24} {:<26} {:<26} {}\n",
                                 "method",
                                 "NDCG@10 [95 %]",
                                 "HR@10 [95 %]",
                                 "federated minus this");
  for (const MethodScore& method : report.methods) {
    const std::string difference =
        method.name == kFederatedPrefix ? "" : Bounds(method.behind_federated);
    text += fmt::format("{:<24} {:<26} {:<26} {}\n",
                        method.name,
                        Bounds(method.ndcg),
                        Bounds(method.hit_rate),
                        difference);
  }
  text += fmt::format(
      "\n{} users, full catalogue, each user's held-out test events. Nothing was sent.\n",
      report.users);
  if (report.noisy) {
    text += "So few users say little: the intervals are wider than they look.\n";
  }
  return text + report.verdict + "\n";
}

std::string WorthJson(const WorthReport& report) {
  json::array methods;
  for (const MethodScore& method : report.methods) {
    methods.push_back(json::object{{"name", method.name},
                                   {"ndcg@10", Triple(method.ndcg)},
                                   {"hr@10", Triple(method.hit_rate)},
                                   {"federated_minus_this", Triple(method.behind_federated)}});
  }
  const json::object object{{"schema_version", 1},
                            {"users", report.users},
                            {"verdict", report.verdict},
                            {"methods", std::move(methods)}};
  return json::serialize(object) + "\n";
}

}  // namespace rondo::client
