#include <algorithm>
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "client/worth.h"

namespace rondo::client {
namespace {

namespace json = boost::json;

constexpr std::string_view kReference = "federated";

json::array Triple(const Interval& interval) {
  return {interval.mean, interval.low, interval.high};
}

std::string Bounds(const Interval& interval) {
  return fmt::format("{:.4f} [{:.4f}, {:.4f}]", interval.mean, interval.low, interval.high);
}

}  // namespace

std::string Verdict(const Choice& choice) {
  const Interval& gain = choice.gain;
  const double percent = choice.alone_ndcg > 0.0 ? 100.0 * gain.mean / choice.alone_ndcg : 0.0;
  const std::string size =
      fmt::format("NDCG@10 {:+.4f} ({:+.0f} %), 95 % interval [{:+.4f}, {:+.4f}]",
                  gain.mean,
                  percent,
                  gain.low,
                  gain.high);
  if (gain.low > 0.0) {
    return fmt::format("Joining is worth it: '{}' beats '{}', the best you have without it: {}.",
                       choice.joined,
                       choice.alone,
                       size);
  }
  if (gain.high < 0.0) {
    return fmt::format("Joining is not worth it on these users: '{}' beats '{}': {}.",
                       choice.alone,
                       choice.joined,
                       size);
  }
  return fmt::format("No clear difference between joining ('{}') and not joining ('{}'): {}.",
                     choice.joined,
                     choice.alone,
                     size);
}

std::string WorthText(const WorthReport& report) {
  std::string text = fmt::format("{:<24} {:<26} {:<26} {}\n",
                                 "method",
                                 "NDCG@10 [95 %]",
                                 "HR@10 [95 %]",
                                 "federated minus this");
  for (const MethodScore& method : report.methods) {
    const std::string difference = method.name == kReference ? "" : Bounds(method.behind_federated);
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
                                   {"federated_minus_this", Triple(method.behind_federated)},
                                   {"validation_ndcg@10", method.validation_ndcg}});
  }
  const json::object object{{"schema_version", 1},
                            {"users", report.users},
                            {"verdict", report.verdict},
                            {"choice",
                             json::object{{"alone", report.choice.alone},
                                          {"joined", report.choice.joined},
                                          {"gain", Triple(report.choice.gain)}}},
                            {"methods", std::move(methods)}};
  return json::serialize(object) + "\n";
}

}  // namespace rondo::client
