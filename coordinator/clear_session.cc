#include "coordinator/clear_session.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "common/federated/vector_math.h"

namespace rondo::coordinator {
namespace {

/// Is every number one that `contributors` clamped updates can add up to? Sums cannot overflow
/// then.
bool OnGrid(const GridBlock& block, std::uint64_t contributors) {
  const double most =
      std::floor(block.grid.limit / block.grid.step) * static_cast<double>(contributors);
  return WithinLimit(
      block.values, block.grid.mask(), static_cast<std::uint64_t>(std::min(most, 0x1p62)));
}

Status CheckBlock(const GridBlock& block, const BlockSpec& spec, std::uint64_t contributors) {
  if (block.name != spec.name) {
    return Fail(ErrorCode::kCorrupt,
                "contribution: expected block \"" + spec.name + "\", got \"" + block.name + "\"");
  }
  if (block.layout == nullptr || block.layout->digest() != spec.layout->digest()
      || block.values.size() != spec.layout->size()) {
    const std::string got = block.layout == nullptr ? "none" : block.layout->digest().substr(0, 12);
    return Fail(ErrorCode::kCorrupt,
                "block \"" + spec.name + "\": layout digest differs: offered "
                    + spec.layout->digest().substr(0, 12) + ", got " + got);
  }
  if (block.grid != spec.grid || block.scaling != spec.scaling) {
    return Fail(ErrorCode::kCorrupt,
                "block \"" + spec.name + "\": the grid is not the offered one");
  }
  if (!OnGrid(block, contributors)) {
    return Fail(ErrorCode::kCorrupt,
                "block \"" + spec.name + "\": a value is beyond the limit of the grid");
  }
  return Ok();
}

/// Every user adds 0 to 1 to a metric; a client that claims more would outvote everybody's users.
Status CheckMetrics(const GridBlock& block) {
  const ParameterEntry* users = block.layout->Find("users");
  if (users == nullptr) {
    return Ok();
  }
  const std::vector<double> totals = GridToReal(block);
  const double most = totals[users->offset] * (1.0 + 1e-6);  // Room for rounding.
  for (const ParameterEntry& entry : block.layout->entries()) {
    const double total = totals[entry.offset];
    // One user may meet any number of NaN scores.
    if (total < 0.0 || (total > most && entry.name != "nans")) {
      return Fail(ErrorCode::kCorrupt,
                  "block \"" + block.name + "\": " + entry.name + " adds up to more or less than "
                      + std::to_string(totals[users->offset]) + " users can");
    }
  }
  return Ok();
}

Status CheckSum(const UpdateSum& sum, const ContributionSpec& spec, std::uint64_t contributors) {
  if (sum.contributors != contributors) {
    return Fail(ErrorCode::kCorrupt,
                "contribution: expected the sum of " + std::to_string(contributors)
                    + " clients, got " + std::to_string(sum.contributors));
  }
  if (sum.blocks.size() != spec.blocks.size()) {
    return Fail(ErrorCode::kCorrupt,
                "contribution: expected " + std::to_string(spec.blocks.size()) + " blocks, got "
                    + std::to_string(sum.blocks.size()));
  }
  for (std::size_t i = 0; i < spec.blocks.size(); ++i) {
    RONDO_TRY_STATUS(CheckBlock(sum.blocks[i], spec.blocks[i], contributors));
  }
  return CheckPlausible(sum, spec, contributors);
}

}  // namespace

Status CheckPlausible(const UpdateSum& sum,
                      const ContributionSpec& spec,
                      std::uint64_t contributors) {
  // Evaluations carry no weight.
  const std::uint64_t least = spec.kind == OfferKind::kTrain ? contributors : 0;
  if (sum.weight < least || sum.weight > spec.max_weight * contributors) {
    return Fail(ErrorCode::kCorrupt,
                "contribution: the weight is " + std::to_string(sum.weight) + ", allowed are "
                    + std::to_string(least) + " to "
                    + std::to_string(spec.max_weight * contributors));
  }
  if (spec.kind == OfferKind::kEvaluate) {
    for (const GridBlock& block : sum.blocks) {
      RONDO_TRY_STATUS(CheckMetrics(block));
    }
  }
  return Ok();
}

ClearSession::ClearSession(Parts parts)
    : parts_(std::move(parts)),
      waiting_(parts_.invited.begin(), parts_.invited.end()) {}

Result<Step> ClearSession::Start(TimePoint /*now*/) {
  return Step{};
}

Result<Step> ClearSession::Receive(const ClientId& client, ByteView payload, TimePoint /*now*/) {
  if (taken_) {
    return Fail(ErrorCode::kFailedPrecondition, "the round is over");
  }
  if (!waiting_.contains(client)) {
    return Step{};
  }
  if (!parts_.decode) {
    return Fail(ErrorCode::kFailedPrecondition, "a session without a decoder got a message");
  }
  auto decoded = parts_.decode(client, payload, parts_.spec);
  if (!decoded.has_value()) {
    Drop(client, decoded.error());
    return Step{};
  }
  if (decoded.value().round != parts_.spec.round || decoded.value().kind != parts_.spec.kind) {
    // A late answer to an earlier offer; the right one may still come.
    return Step{};
  }
  const double loss = decoded.value().loss;
  if (parts_.spec.kind == OfferKind::kTrain && !std::isfinite(loss)) {
    Drop(client,
         Error{ErrorCode::kDiverged, "the training loss of the contribution is not finite"});
    return Step{};
  }
  const Status accepted = Accept({client}, std::move(decoded.value().update), loss);
  if (!accepted.has_value()) {
    Drop(client, accepted.error());
  }
  return Step{};
}

Result<Step> ClearSession::AddPack(const std::vector<ClientId>& clients,
                                   UpdateSum sum,
                                   double loss) {
  if (taken_) {
    return Fail(ErrorCode::kFailedPrecondition, "the round is over");
  }
  const std::set<ClientId> distinct(clients.begin(), clients.end());
  const bool expected = std::all_of(clients.begin(), clients.end(), [this](const ClientId& client) {
    return waiting_.contains(client);
  });
  if (!expected || distinct.size() != clients.size() || clients.empty()) {
    return Step{};
  }
  const Status accepted = Accept(clients, std::move(sum), loss);
  if (!accepted.has_value()) {
    for (const ClientId& client : clients) {
      Drop(client, accepted.error());
    }
  }
  return Step{};
}

Status ClearSession::Accept(const std::vector<ClientId>& clients, UpdateSum sum, double loss) {
  if (parts_.spec.visibility == Visibility::kIndividual && clients.size() != 1) {
    return Fail(
        ErrorCode::kUnsupported,
        "the aggregator needs single updates, got a sum of " + std::to_string(clients.size()));
  }
  RONDO_TRY_STATUS(CheckSum(sum, parts_.spec, clients.size()));
  if (parts_.spec.visibility == Visibility::kSumOnly && !sums_.empty()) {
    RONDO_TRY_STATUS(sums_.front().Add(sum));
  } else {
    // Single sums stand in the order of their clients, so that arrival changes no bit.
    const auto after =
        std::upper_bound(contributors_.begin(), contributors_.end(), clients.front());
    sums_.insert(sums_.begin() + std::min(after - contributors_.begin(), std::ssize(sums_)),
                 std::move(sum));
  }
  if (std::isfinite(loss)) {
    losses_[clients.front()] = {loss, clients.size()};
  }
  for (const ClientId& client : clients) {
    waiting_.erase(client);
    contributors_.insert(std::upper_bound(contributors_.begin(), contributors_.end(), client),
                         client);
  }
  return Ok();
}

Result<Step> ClearSession::Tick(TimePoint /*now*/) {
  return Step{};
}

void ClearSession::Drop(const ClientId& client, const Error& why) {
  if (waiting_.erase(client) > 0) {
    dropped_.emplace_back(client, why);
  }
}

double ClearSession::mean_loss() const {
  double sum = 0.0;
  std::size_t clients = 0;
  for (const auto& [client, loss] : losses_) {  // In order of ids, so that arrival changes no bit.
    sum += loss.first * static_cast<double>(loss.second);
    clients += loss.second;
  }
  return clients > 0 ? sum / static_cast<double>(clients)
                     : std::numeric_limits<double>::quiet_NaN();
}

Result<std::vector<UpdateSum>> ClearSession::Take() && {
  if (taken_) {
    return Fail(ErrorCode::kFailedPrecondition, "the sums of the round were taken before");
  }
  taken_ = true;
  return std::move(sums_);
}

SessionFactory ClearSessions(ContributionDecoder decode) {
  return [decode = std::move(decode)](ContributionSpec spec, std::vector<ClientId> invited) {
    return std::unique_ptr<AggregationSession>(std::make_unique<ClearSession>(ClearSession::Parts{
        .spec = std::move(spec), .invited = std::move(invited), .decode = decode}));
  };
}

}  // namespace rondo::coordinator
