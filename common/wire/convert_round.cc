#include <utility>

#include "common/config/validate.h"
#include "common/wire/convert.h"
#include "common/wire/convert_grid.h"

#include "proto/parameters.pb.h"
#include "proto/round.pb.h"
#include "proto/update.pb.h"

namespace rondo::wire::detail {
namespace {

constexpr int kMillion = 1 << 20;

void ToProto(const GridSpec& grid, v1::Grid* proto) {
  proto->set_kind(static_cast<std::uint32_t>(grid.kind));
  proto->set_bits(grid.bits);
  proto->set_step(grid.step);
  proto->set_limit(grid.limit);
}

GridSpec FromProto(Bounds& bounds, const v1::Grid& proto) {
  return CheckedGrid(bounds, {proto.kind(), proto.bits(), proto.step(), proto.limit()});
}

void ToProto(const ClientConfig& client, v1::LocalTraining* proto) {
  proto->set_epochs(client.epochs);
  proto->set_steps(client.steps);
  proto->set_batch_size(client.batch_size);
  proto->set_shuffle(client.shuffle);
  proto->set_optimizer(client.optimizer);
  proto->set_learning_rate(client.learning_rate);
  proto->set_gradient_clip(client.gradient_clip);
  proto->set_loss(client.loss);
  proto->set_negatives(client.negatives);
  proto->set_weight_decay(client.weight_decay);
  proto->set_feedback_share(client.feedback_share);
  proto->set_calibration(client.calibration);
}

void ToProto(const CompressionConfig& compression, v1::Compression* proto) {
  for (const std::string& stage : compression.stages) {
    proto->add_stages(stage);
  }
  proto->set_rank(compression.rank);
  proto->set_top_k(compression.top_k);
  proto->set_bits(compression.bits);
}

void ToProto(const TrainTask& task, v1::TrainTask* proto) {
  proto->set_seed(task.seed);
  proto->set_data_seed(task.data_seed);
  ToProto(task.client, proto->mutable_client());
  proto->set_proximal_mu(task.proximal_mu);
  proto->set_normalise(task.normalise);
  proto->set_control_variates(task.control_variates);
  proto->set_dynamic_alpha(task.dynamic_alpha);
  if (!task.compression.stages.empty()) {
    ToProto(task.compression, proto->mutable_compression());
  }
  proto->set_dropout(task.dropout);
  proto->set_clip_norm(task.clip_norm);
  proto->set_noise_stddev(task.noise_stddev);
  proto->set_counts_unclipped(task.counts_unclipped);
  proto->set_weighting(task.weighting.weighting);
  proto->set_max_weight(task.weighting.max_weight);
  proto->set_weight_reference(task.weighting.weight_reference);
  ToProto(task.grid, proto->mutable_grid());
}

ClientConfig FromProto(Bounds& bounds, const v1::LocalTraining& proto) {
  bounds.Range("epochs", proto.epochs(), 0, 1'000'000);
  bounds.Range("steps", proto.steps(), 0, 100'000'000);
  bounds.Range("batch_size", proto.batch_size(), 1, kMillion);
  bounds.Range("negatives", proto.negatives(), 0, kMillion);
  bounds.Text("optimizer", proto.optimizer(), 64);
  bounds.Text("loss", proto.loss(), 64);
  bounds.Finite("learning_rate", proto.learning_rate());
  bounds.Range("gradient_clip", proto.gradient_clip(), 0.0, 1e30);
  bounds.Range("weight_decay", proto.weight_decay(), 0.0, 1e30);
  bounds.Range("feedback_share", proto.feedback_share(), 0.0, 1.0);
  bounds.Range("calibration", proto.calibration(), 0.0, 1.0);
  ClientConfig client;
  client.epochs = proto.epochs();
  client.steps = proto.steps();
  client.batch_size = proto.batch_size();
  client.shuffle = proto.shuffle();
  client.optimizer = proto.optimizer();
  client.learning_rate = proto.learning_rate();
  client.gradient_clip = proto.gradient_clip();
  client.loss = proto.loss();
  client.negatives = proto.negatives();
  client.weight_decay = proto.weight_decay();
  client.feedback_share = proto.feedback_share();
  client.calibration = proto.calibration();
  return client;
}

/// A stage that this program does not know would be left out, so it is refused.
CompressionConfig FromProto(Bounds& bounds, const v1::Compression& proto) {
  bounds.Count("compression.stages", static_cast<std::size_t>(proto.stages_size()), 3);
  for (const std::string& stage : proto.stages()) {
    if (stage != "low_rank" && stage != "top_k" && stage != "quantise") {
      bounds.Broken("compression.stages", "names a stage that this version does not know");
    }
  }
  bounds.Range("compression.rank", proto.rank(), 1, 65536);
  bounds.Range("compression.top_k", proto.top_k(), 1e-300, 1.0);
  bounds.Range("compression.bits", proto.bits(), 2, 16);
  CompressionConfig compression;
  compression.stages.assign(proto.stages().begin(), proto.stages().end());
  compression.rank = proto.rank();
  compression.top_k = proto.top_k();
  compression.bits = proto.bits();
  if (FindCompressionFault(compression)) {
    bounds.Broken("compression.stages", "are stages that cannot work together");
  }
  return compression;
}

TrainTask FromProto(Bounds& bounds, RoundId round, const v1::TrainTask& proto) {
  bounds.Range("proximal_mu", proto.proximal_mu(), 0.0, 1e30);
  bounds.Range("dynamic_alpha", proto.dynamic_alpha(), 0.0, 1e30);
  bounds.Range("dropout", proto.dropout(), 0.0, 1.0);
  bounds.Range("clip_norm", proto.clip_norm(), 0.0, 1e30);
  bounds.Range("noise_stddev", proto.noise_stddev(), 0.0, 1e30);
  if (proto.noise_stddev() > 0 && (proto.clip_norm() == 0 || proto.grid().kind() != 1)) {
    bounds.Broken("noise_stddev", "needs clip_norm and a ring");
  }
  if (proto.counts_unclipped() && proto.clip_norm() == 0) {
    bounds.Broken("counts_unclipped", "needs clip_norm");
  }
  bounds.Text("weighting", proto.weighting(), 64);
  if (proto.max_weight() == 0 || proto.weight_reference() == 0) {
    bounds.Broken("max_weight", "is 0");
  }
  TrainTask task;
  task.round = round;
  task.seed = proto.seed();
  task.data_seed = proto.data_seed();
  task.client = FromProto(bounds, proto.client());
  if (proto.control_variates() && (proto.client().optimizer() != "sgd" || proto.clip_norm() > 0)) {
    bounds.Broken("control_variates", "needs sgd and no clip_norm");
  }
  task.proximal_mu = proto.proximal_mu();
  task.normalise = proto.normalise();
  task.control_variates = proto.control_variates();
  task.dynamic_alpha = proto.dynamic_alpha();
  if (proto.has_compression()) {
    task.compression = FromProto(bounds, proto.compression());
  }
  task.dropout = proto.dropout();
  task.clip_norm = proto.clip_norm();
  task.noise_stddev = proto.noise_stddev();
  task.counts_unclipped = proto.counts_unclipped();
  task.weighting.weighting = proto.weighting();
  task.weighting.max_weight = proto.max_weight();
  task.weighting.weight_reference = proto.weight_reference();
  task.grid = FromProto(bounds, proto.grid());
  return task;
}

void ToProto(const EvaluateTask& task, v1::EvaluateTask* proto) {
  proto->set_split(static_cast<std::uint32_t>(task.split));
  for (const std::string& protocol : task.protocols) {
    proto->add_protocols(protocol);
  }
  for (const int k : task.k) {
    proto->add_k(k);
  }
  proto->set_filter_seen(task.filter_seen);
  if (task.fine_tune > 0) {
    proto->set_fine_tune(task.fine_tune);
    ToProto(task.client, proto->mutable_client());
    proto->set_seed(task.seed);
    proto->set_data_seed(task.data_seed);
  }
  ToProto(task.grid, proto->mutable_grid());
}

EvaluateTask FromProto(Bounds& bounds, RoundId round, const v1::EvaluateTask& proto) {
  bounds.Range("split", proto.split(), 0U, 1U);
  bounds.Range("fine_tune", proto.fine_tune(), 0, 10'000);
  bounds.Count("protocols", static_cast<std::size_t>(proto.protocols_size()), 64);
  for (const std::string& protocol : proto.protocols()) {
    bounds.Text("protocols", protocol, 64);
  }
  bounds.Count("k", static_cast<std::size_t>(proto.k_size()), 64);
  for (const int k : proto.k()) {
    bounds.Range("k", k, 1, kMillion);
  }
  EvaluateTask task;
  task.round = round;
  task.split = static_cast<Split>(proto.split());
  task.protocols.assign(proto.protocols().begin(), proto.protocols().end());
  task.k.assign(proto.k().begin(), proto.k().end());
  task.filter_seen = proto.filter_seen();
  if (proto.fine_tune() > 0) {
    task.fine_tune = proto.fine_tune();
    task.client = FromProto(bounds, proto.client());
    task.seed = proto.seed();
    task.data_seed = proto.data_seed();
  }
  task.grid = FromProto(bounds, proto.grid());
  return task;
}

Result<Message> ParseOffer(ByteView payload) {
  v1::Offer proto;
  RONDO_TRY_STATUS(ParseInto(proto, payload));
  Bounds bounds("offer");
  bounds.Digest("model_sha256", proto.model_sha256(), false);
  Offer offer;
  offer.round = proto.round();
  offer.model_sha256 = proto.model_sha256();
  switch (proto.task_case()) {
    case v1::Offer::kTrain:
      offer.kind = OfferKind::kTrain;
      offer.train = FromProto(bounds, proto.round(), proto.train());
      break;
    case v1::Offer::kEvaluate:
      offer.kind = OfferKind::kEvaluate;
      offer.evaluate = FromProto(bounds, proto.round(), proto.evaluate());
      break;
    case v1::Offer::TASK_NOT_SET:
      bounds.Broken("task", "is missing");
      break;
  }
  RONDO_TRY_STATUS(bounds.status());
  return Message(std::move(offer));
}

Result<Message> ParseRoundResult(ByteView payload) {
  v1::RoundResult proto;
  RONDO_TRY_STATUS(ParseInto(proto, payload));
  Bounds bounds("round result");
  bounds.Digest("model_sha256", proto.model_sha256(), false);
  RONDO_TRY_STATUS(bounds.status());
  return Message(RoundResult{.round = proto.round(),
                             .is_void = proto.is_void(),
                             .included = proto.included(),
                             .model_sha256 = proto.model_sha256()});
}

Result<Message> ParseDecline(ByteView payload) {
  v1::Decline proto;
  RONDO_TRY_STATUS(ParseInto(proto, payload));
  Bounds bounds("decline");
  bounds.Range("kind", proto.kind(), 0U, 1U);
  bounds.Text("reason", proto.reason(), 1024);
  RONDO_TRY_STATUS(bounds.status());
  return Message(Decline{.round = proto.round(),
                         .kind = static_cast<OfferKind>(proto.kind()),
                         .reason = Printable(proto.reason())});
}

Bytes ToBytes(const std::string& text) {
  const ByteView view = AsBytes(text);
  return {view.begin(), view.end()};
}

Result<Message> ParseModelChunk(ByteView payload) {
  v1::ModelChunk proto;
  RONDO_TRY_STATUS(ParseInto(proto, payload));
  Bounds bounds("model chunk");
  bounds.Digest("sha256", proto.sha256(), false);
  RONDO_TRY_STATUS(bounds.status());
  return Message(ModelChunk{.sha256 = proto.sha256(),
                            .total = proto.total(),
                            .offset = proto.offset(),
                            .bytes = std::move(*proto.mutable_bytes())});
}

Result<Message> ParseContributionChunk(ByteView payload) {
  v1::ContributionChunk proto;
  RONDO_TRY_STATUS(ParseInto(proto, payload));
  Bounds bounds("contribution chunk");
  bounds.Range("kind", proto.kind(), 0U, 1U);
  RONDO_TRY_STATUS(bounds.status());
  return Message(ContributionChunk{.round = proto.round(),
                                   .kind = static_cast<OfferKind>(proto.kind()),
                                   .total = proto.total(),
                                   .offset = proto.offset(),
                                   .bytes = std::move(*proto.mutable_bytes())});
}

Result<Message> ParseAggregation(ByteView payload) {
  v1::Aggregation proto;
  RONDO_TRY_STATUS(ParseInto(proto, payload));
  return Message(Aggregation{.round = proto.round(), .payload = ToBytes(proto.payload())});
}

}  // namespace

Bytes ToFrame(const Offer& message) {
  v1::Offer proto;
  proto.set_round(message.round);
  proto.set_model_sha256(message.model_sha256);
  if (message.kind == OfferKind::kTrain) {
    ToProto(message.train, proto.mutable_train());
  } else {
    ToProto(message.evaluate, proto.mutable_evaluate());
  }
  return FrameOf(FrameType::kOffer, proto);
}

Bytes ToFrame(const RoundResult& message) {
  v1::RoundResult proto;
  proto.set_round(message.round);
  proto.set_is_void(message.is_void);
  proto.set_included(message.included);
  proto.set_model_sha256(message.model_sha256);
  return FrameOf(FrameType::kRoundResult, proto);
}

Bytes ToFrame(const Decline& message) {
  v1::Decline proto;
  proto.set_round(message.round);
  proto.set_kind(static_cast<std::uint32_t>(message.kind));
  proto.set_reason(Cut(message.reason, 1024));
  return FrameOf(FrameType::kDecline, proto);
}

Bytes ToFrame(const ModelChunk& message) {
  v1::ModelChunk proto;
  proto.set_sha256(message.sha256);
  proto.set_total(message.total);
  proto.set_offset(message.offset);
  proto.set_bytes(message.bytes);
  return FrameOf(FrameType::kModelChunk, proto);
}

Bytes ToFrame(const ContributionChunk& message) {
  v1::ContributionChunk proto;
  proto.set_round(message.round);
  proto.set_kind(static_cast<std::uint32_t>(message.kind));
  proto.set_total(message.total);
  proto.set_offset(message.offset);
  proto.set_bytes(message.bytes);
  return FrameOf(FrameType::kContributionChunk, proto);
}

Bytes ToFrame(const Aggregation& message) {
  v1::Aggregation proto;
  proto.set_round(message.round);
  proto.set_payload(message.payload.data(), message.payload.size());
  return FrameOf(FrameType::kAggregation, proto);
}

Result<Message> RoundMessage(FrameType type, ByteView payload) {
  switch (type) {
    case FrameType::kOffer:
      return ParseOffer(payload);
    case FrameType::kRoundResult:
      return ParseRoundResult(payload);
    default:
      return ParseDecline(payload);
  }
}

Result<Message> ChunkMessage(FrameType type, ByteView payload) {
  switch (type) {
    case FrameType::kModelChunk:
      return ParseModelChunk(payload);
    case FrameType::kContributionChunk:
      return ParseContributionChunk(payload);
    default:
      return ParseAggregation(payload);
  }
}

}  // namespace rondo::wire::detail
