#include "common/wire/convert.h"

#include "proto/session.pb.h"

namespace rondo::wire::detail {
namespace {

constexpr int kMillion = 1 << 20;

template <typename Repeated>
void CopyTexts(const std::vector<std::string>& from, Repeated* to) {
  for (const std::string& text : from) {
    to->Add(std::string(text));
  }
}

template <typename Repeated>
std::vector<std::string> Texts(Bounds& bounds, const char* field, const Repeated& from) {
  bounds.Count(field, static_cast<std::size_t>(from.size()), 1024);
  for (const std::string& text : from) {
    bounds.Text(field, text, 256);
  }
  return {from.begin(), from.end()};
}

void ToProto(const ModelConfig& model, v1::ModelSettings* proto) {
  proto->set_width(model.width);
  proto->set_blocks(model.blocks);
  proto->set_heads(model.heads);
  proto->set_history(model.history);
  CopyTexts(model.attention, proto->mutable_attention());
  proto->set_dropout(model.dropout);
  CopyTexts(model.features, proto->mutable_features());
  proto->set_fusion(model.fusion);
  proto->set_positions(model.positions);
  proto->set_causal(model.causal);
  CopyTexts(model.personal, proto->mutable_personal());
  CopyTexts(model.frozen, proto->mutable_frozen());
  proto->set_encoder(model.encoder);
  CopyTexts(model.forms, proto->mutable_forms());
  proto->set_window(model.window);
  proto->set_top_k(model.top_k);
}

ModelConfig FromProto(Bounds& bounds, const v1::ModelSettings& proto) {
  bounds.Range("model.width", proto.width(), 1, 65536);
  bounds.Range("model.blocks", proto.blocks(), 0, 1024);
  bounds.Range("model.heads", proto.heads(), 1, 65536);
  bounds.Range("model.history", proto.history(), 1, kMillion);
  bounds.Range("model.dropout", proto.dropout(), 0.0, 1.0);
  bounds.Text("model.fusion", proto.fusion(), 64);
  bounds.Text("model.encoder", proto.encoder(), 64);
  bounds.Range("model.window", proto.window(), 1, 65536);
  bounds.Range("model.top_k", proto.top_k(), 1, 65536);
  ModelConfig model;
  model.width = proto.width();
  model.blocks = proto.blocks();
  model.heads = proto.heads();
  model.history = proto.history();
  model.attention = Texts(bounds, "model.attention", proto.attention());
  model.dropout = proto.dropout();
  model.features = Texts(bounds, "model.features", proto.features());
  model.fusion = proto.fusion();
  model.positions = proto.positions();
  model.causal = proto.causal();
  model.personal = Texts(bounds, "model.personal", proto.personal());
  model.frozen = Texts(bounds, "model.frozen", proto.frozen());
  model.encoder = proto.encoder();
  model.forms = Texts(bounds, "model.forms", proto.forms());
  model.window = proto.window();
  model.top_k = proto.top_k();
  return model;
}

void ToProto(const EvaluationConfig& evaluation, v1::EvaluationSettings* proto) {
  proto->set_every(evaluation.every);
  proto->set_patience(evaluation.patience);
  CopyTexts(evaluation.protocols, proto->mutable_protocols());
  for (const int k : evaluation.k) {
    proto->add_k(k);
  }
  CopyTexts(evaluation.baselines, proto->mutable_baselines());
  proto->set_filter_seen(evaluation.filter_seen);
  proto->set_fine_tune(evaluation.fine_tune);
}

EvaluationConfig FromProto(Bounds& bounds, const v1::EvaluationSettings& proto) {
  bounds.Range("evaluation.every", proto.every(), 0, 0x7FFFFFFF);
  bounds.Range("evaluation.patience", proto.patience(), 0, 0x7FFFFFFF);
  bounds.Range("evaluation.fine_tune", proto.fine_tune(), 0, 0x7FFFFFFF);
  bounds.Count("evaluation.k", static_cast<std::size_t>(proto.k_size()), 64);
  for (const int k : proto.k()) {
    bounds.Range("evaluation.k", k, 1, kMillion);
  }
  EvaluationConfig evaluation;
  evaluation.every = proto.every();
  evaluation.patience = proto.patience();
  evaluation.protocols = Texts(bounds, "evaluation.protocols", proto.protocols());
  evaluation.k.assign(proto.k().begin(), proto.k().end());
  evaluation.baselines = Texts(bounds, "evaluation.baselines", proto.baselines());
  evaluation.filter_seen = proto.filter_seen();
  evaluation.fine_tune = proto.fine_tune();
  return evaluation;
}

void ToProto(const StrategyConfig& strategy, v1::StrategySettings* proto) {
  proto->set_name(strategy.name);
  proto->set_objective(strategy.objective);
  proto->set_proximal_mu(strategy.proximal_mu);
  proto->set_dynamic_alpha(strategy.dynamic_alpha);
  proto->set_aggregator(strategy.aggregator);
  proto->set_server_optimizer(strategy.server_optimizer);
  proto->set_server_learning_rate(strategy.server_learning_rate);
  proto->set_server_momentum(strategy.server_momentum);
  proto->set_beta1(strategy.beta1);
  proto->set_beta2(strategy.beta2);
  proto->set_epsilon(strategy.epsilon);
  proto->set_rounds(strategy.rounds);
  proto->set_cohort(strategy.cohort);
  proto->set_over_selection(strategy.over_selection);
  proto->set_quorum(strategy.quorum);
  proto->set_deadline_seconds(strategy.deadline_s);
  proto->set_max_void_rounds(strategy.max_void_rounds);
  proto->set_weighting(strategy.weighting);
  proto->set_max_weight(strategy.max_weight);
  proto->set_weight_reference(strategy.weight_reference);
  proto->set_f(strategy.f);
  CopyTexts(strategy.pre, proto->mutable_pre());
  proto->set_bucket_size(strategy.bucket_size);
  proto->set_nu(strategy.nu);
  proto->set_tau(strategy.tau);
  proto->set_iterations(strategy.iterations);
  proto->set_schedule(strategy.schedule);
  proto->set_warmup(strategy.warmup);
  proto->set_row_clip(strategy.row_clip);
  proto->set_row_contributors(strategy.row_contributors);
}

void CheckStrategy(Bounds& bounds, const v1::StrategySettings& proto) {
  for (const std::string* text : {&proto.name(),
                                  &proto.objective(),
                                  &proto.aggregator(),
                                  &proto.server_optimizer(),
                                  &proto.weighting(),
                                  &proto.schedule()}) {
    bounds.Text("strategy", *text, 64);
  }
  for (const double number : {proto.proximal_mu(),
                              proto.dynamic_alpha(),
                              proto.server_learning_rate(),
                              proto.server_momentum(),
                              proto.beta1(),
                              proto.beta2(),
                              proto.epsilon(),
                              proto.over_selection(),
                              proto.deadline_seconds(),
                              proto.nu(),
                              proto.row_clip(),
                              proto.tau()}) {
    bounds.Finite("strategy", number);
  }
  for (const int count : {proto.rounds(),
                          proto.cohort(),
                          proto.quorum(),
                          proto.max_void_rounds(),
                          proto.f(),
                          proto.bucket_size(),
                          proto.iterations(),
                          proto.warmup(),
                          proto.row_contributors()}) {
    bounds.Range("strategy", count, 0, 0x7FFFFFFF);
  }
  if (proto.max_weight() == 0 || proto.weight_reference() == 0) {
    bounds.Broken("strategy.max_weight", "is 0");
  }
}

StrategyConfig FromProto(Bounds& bounds, const v1::StrategySettings& proto) {
  CheckStrategy(bounds, proto);
  StrategyConfig strategy;
  strategy.name = proto.name();
  strategy.objective = proto.objective();
  strategy.proximal_mu = proto.proximal_mu();
  strategy.dynamic_alpha = proto.dynamic_alpha();
  strategy.aggregator = proto.aggregator();
  strategy.server_optimizer = proto.server_optimizer();
  strategy.server_learning_rate = proto.server_learning_rate();
  strategy.server_momentum = proto.server_momentum();
  strategy.beta1 = proto.beta1();
  strategy.beta2 = proto.beta2();
  strategy.epsilon = proto.epsilon();
  strategy.rounds = proto.rounds();
  strategy.cohort = proto.cohort();
  strategy.over_selection = proto.over_selection();
  strategy.quorum = proto.quorum();
  strategy.deadline_s = proto.deadline_seconds();
  strategy.max_void_rounds = proto.max_void_rounds();
  strategy.weighting = proto.weighting();
  strategy.max_weight = proto.max_weight();
  strategy.weight_reference = proto.weight_reference();
  strategy.f = proto.f();
  strategy.pre = Texts(bounds, "strategy.pre", proto.pre());
  strategy.bucket_size = proto.bucket_size();
  strategy.nu = proto.nu();
  strategy.tau = proto.tau();
  strategy.iterations = proto.iterations();
  strategy.schedule = proto.schedule();
  strategy.warmup = proto.warmup();
  strategy.row_clip = proto.row_clip();
  strategy.row_contributors = proto.row_contributors();
  return strategy;
}

Result<Message> ParseHello(ByteView payload) {
  v1::Hello proto;
  RONDO_TRY_STATUS(ParseInto(proto, payload));
  Bounds bounds("hello");
  bounds.Text("software_version", proto.software_version(), 64);
  bounds.Digest("catalogue_sha256", proto.catalogue_sha256(), false);
  bounds.Digest("model_sha256", proto.model_sha256(), true);
  RONDO_TRY_STATUS(bounds.status());
  return Message(Hello{.protocol_version = proto.protocol_version(),
                       .software_version = Printable(proto.software_version()),
                       .catalogue_sha256 = proto.catalogue_sha256(),
                       .model_sha256 = proto.model_sha256(),
                       .only_looks = proto.only_looks()});
}

Result<Message> ParseWelcome(ByteView payload) {
  v1::Welcome proto;
  RONDO_TRY_STATUS(ParseInto(proto, payload));
  Bounds bounds("welcome");
  bounds.Text("run_id", proto.run_id(), 128);
  bounds.Text("name", proto.name(), 128);
  bounds.Digest("catalogue_sha256", proto.catalogue_sha256(), false);
  bounds.Digest("layout_digest", proto.layout_digest(), false);
  bounds.Range<std::int64_t>("items", proto.items(), 1, 0x7FFFFFFE);
  bounds.Text("trust_mode", proto.trust_mode(), 64);
  bounds.Range("heartbeat_seconds", proto.heartbeat_seconds(), 0.1, 3600.0);
  Welcome welcome;
  welcome.run_id = Printable(proto.run_id());
  welcome.name = Printable(proto.name());
  welcome.model = FromProto(bounds, proto.model());
  welcome.catalogue_sha256 = proto.catalogue_sha256();
  welcome.items = proto.items();
  welcome.layout_digest = proto.layout_digest();
  welcome.evaluation = FromProto(bounds, proto.evaluation());
  welcome.strategy = FromProto(bounds, proto.strategy());
  welcome.trust_mode = Printable(proto.trust_mode());
  welcome.heartbeat_s = proto.heartbeat_seconds();
  welcome.rounds = proto.rounds();
  RONDO_TRY_STATUS(bounds.status());
  return Message(std::move(welcome));
}

Result<Message> ParseReject(ByteView payload) {
  v1::Reject proto;
  RONDO_TRY_STATUS(ParseInto(proto, payload));
  Bounds bounds("reject");
  bounds.Range("code", proto.code(), 0U, static_cast<unsigned>(ErrorCode::kInternal));
  bounds.Text("message", proto.message(), 1024);
  RONDO_TRY_STATUS(bounds.status());
  return Message(
      Reject{.code = static_cast<ErrorCode>(proto.code()), .message = Printable(proto.message())});
}

Result<Message> ParseHeartbeat(ByteView payload) {
  v1::Heartbeat proto;
  RONDO_TRY_STATUS(ParseInto(proto, payload));
  return Message(Heartbeat{});
}

Result<Message> ParseGoodbye(ByteView payload) {
  v1::Goodbye proto;
  RONDO_TRY_STATUS(ParseInto(proto, payload));
  Bounds bounds("goodbye");
  bounds.Text("reason", proto.reason(), 256);
  RONDO_TRY_STATUS(bounds.status());
  return Message(Goodbye{.reason = Printable(proto.reason()),
                         .model_stored = proto.model_stored(),
                         .replaced = proto.replaced()});
}

Result<Message> ParseFinish(ByteView payload) {
  v1::Finish proto;
  RONDO_TRY_STATUS(ParseInto(proto, payload));
  Bounds bounds("finish");
  bounds.Digest("model_sha256", proto.model_sha256(), false);
  RONDO_TRY_STATUS(bounds.status());
  return Message(Finish{.model_sha256 = proto.model_sha256()});
}

}  // namespace

Bytes ToFrame(const Hello& message) {
  v1::Hello proto;
  proto.set_protocol_version(message.protocol_version);
  proto.set_software_version(Cut(message.software_version, 64));
  proto.set_catalogue_sha256(message.catalogue_sha256);
  proto.set_model_sha256(message.model_sha256);
  proto.set_only_looks(message.only_looks);
  return FrameOf(FrameType::kHello, proto);
}

Bytes ToFrame(const Welcome& message) {
  v1::Welcome proto;
  proto.set_run_id(Cut(message.run_id, 128));
  proto.set_name(Cut(message.name, 128));
  ToProto(message.model, proto.mutable_model());
  proto.set_catalogue_sha256(message.catalogue_sha256);
  proto.set_items(message.items);
  proto.set_layout_digest(message.layout_digest);
  ToProto(message.evaluation, proto.mutable_evaluation());
  ToProto(message.strategy, proto.mutable_strategy());
  proto.set_trust_mode(message.trust_mode);
  proto.set_heartbeat_seconds(message.heartbeat_s);
  proto.set_rounds(message.rounds);
  return FrameOf(FrameType::kWelcome, proto);
}

Bytes ToFrame(const Reject& message) {
  v1::Reject proto;
  proto.set_code(static_cast<std::uint32_t>(message.code));
  proto.set_message(Cut(message.message, 1024));
  return FrameOf(FrameType::kReject, proto);
}

Bytes ToFrame(const Heartbeat&) {
  return FrameOf(FrameType::kHeartbeat, v1::Heartbeat());
}

Bytes ToFrame(const Goodbye& message) {
  v1::Goodbye proto;
  proto.set_reason(Cut(message.reason, 256));
  proto.set_model_stored(message.model_stored);
  proto.set_replaced(message.replaced);
  return FrameOf(FrameType::kGoodbye, proto);
}

Bytes ToFrame(const Finish& message) {
  v1::Finish proto;
  proto.set_model_sha256(message.model_sha256);
  return FrameOf(FrameType::kFinish, proto);
}

Result<Message> SessionMessage(FrameType type, ByteView payload) {
  switch (type) {
    case FrameType::kHello:
      return ParseHello(payload);
    case FrameType::kWelcome:
      return ParseWelcome(payload);
    case FrameType::kReject:
      return ParseReject(payload);
    case FrameType::kGoodbye:
      return ParseGoodbye(payload);
    case FrameType::kFinish:
      return ParseFinish(payload);
    default:
      return ParseHeartbeat(payload);
  }
}

}  // namespace rondo::wire::detail
