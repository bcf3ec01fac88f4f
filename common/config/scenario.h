#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/config/sources.h"
#include "common/core/result.h"

/// The scenario file as plain data: one struct a section, one field a key, with its default.
/// The same scenario drives a simulation, a rehearsal on loopback and a federation.
namespace rondo {

struct DataConfig {
  std::filesystem::path path;   ///< A file, or a folder that holds one `.inter` file.
  std::string format = "auto";  ///< auto | recbole | movielens | csv
  /// csv: user, item, rating, time, event -> header name
  std::map<std::string, std::string> columns;
  /// Event name -> input (seen, never predicted) | target (predicted, never seen) | both | negative
  /// (feedback: never seen or predicted, drawn as negative) | ignore
  std::map<std::string, std::string> events;
  std::string order = "time";  ///< time | sequence | none
  std::string ties = "file";   ///< file | hash: order inside equal timestamps
  /// leave_one_out | global_time | user_ratio; outside a scenario, which must hold out, also none
  std::string split = "leave_one_out";
  /// user_ratio: share of a user's events; global_time: share of all events
  double validation_ratio = 0.1;
  double test_ratio = 0.1;  ///< same
  /// global_time: public cut, Unix seconds; 0 derives it from the ratios
  double validation_from = 0.0;
  double test_from = 0.0;   ///< global_time: public cut, Unix seconds
  int min_user_events = 3;  ///< users with fewer training rows are left out
  int min_item_events = 1;  ///< items with fewer training rows are left out
  double min_rating = 0.0;  ///< events below it are ignored; 0 keeps all
  /// user | column:NAME | column:NAME:PREFIX | dirichlet:ALPHA | lognormal:SIGMA
  std::string clients = "user";
  int institutions = 8;  ///< K of dirichlet and lognormal
  /// catalogue.tsv; empty: items of the training rows (simulation only)
  std::filesystem::path catalogue;
  std::filesystem::path mapping;  ///< client only: own item id -> catalogue item id
  std::uint64_t seed = 1;         ///< partition, negatives, ties, random hold-out
  int max_bad_rows = 1000;        ///< more broken rows than this are fatal
};

struct ModelConfig {
  int width = 64;
  int blocks = 2;
  int heads = 1;     ///< must divide width
  int history = 50;  ///< most recent events seen
  /// multi_head | dot | additive | bilinear | uniform (every event counts the same: mean pooling);
  /// one a block, the last repeats
  std::vector<std::string> attention = {"multi_head"};
  double dropout = 0.2;
  /// Catalogue columns fused into the item embedding: "genres", or "genres:token_seq" to say how to
  /// read one (token | token_seq | float | float_seq)
  std::vector<std::string> features;
  std::string fusion = "sum";  ///< sum | gate | concat: how features join the item embedding
  bool positions = true;       ///< learned positions; must be off where data.order = "none"
  /// Parameters that stay with each client: names or beginnings such as "blocks.1."
  std::vector<std::string> personal;
  std::vector<std::string> frozen;  ///< parameters that keep their initial values
  bool causal = true;               ///< must be off where, and only where, data.order = "none"
  /// self_attention | gru | target_attention (the last block asks with each candidate)
  std::string encoder = "self_attention";
  /// Of all self-attention blocks, any of: window | top_k | gated | relative
  std::vector<std::string> forms;
  int window = 32;  ///< window: most recent events that an event looks at, itself among them
  int top_k = 8;    ///< top_k: events of the highest scores that an event looks at
};

struct ClientConfig {
  int epochs = 1;       ///< passes over the client's sequences; ignored if steps > 0
  int steps = 0;        ///< local steps; 0: by epochs
  int batch_size = 32;  ///< sequences a step
  bool shuffle = true;
  std::string optimizer = "sgd";  ///< sgd | adam
  double learning_rate = 1.0;
  double gradient_clip = 0.0;    ///< L2 bound of a step's gradient; 0: none
  std::string loss = "softmax";  ///< softmax | sampled_softmax | bce | bpr | gbce
  int negatives = 1;             ///< sampled losses: negatives a position
  /// Sampled losses: probability that a negative is one of the user's own negative-feedback items,
  /// where there are any; the full softmax ranks every item and has no use for them
  double feedback_share = 0.5;
  double calibration = 0.75;  ///< gbce: 0 is bce, 1 undoes all of what sampling does to the scores
  double weight_decay = 0.0;
  std::string device = "auto";  ///< auto | cpu | cuda
};

struct StrategyConfig {
  std::string name = "fedavg";      ///< a preset; the keys below override its parts
  std::string objective = "plain";  ///< plain | proximal | normalised | control_variates | dynamic
  double proximal_mu = 0.0;
  double dynamic_alpha = 0.0;  ///< FedDyn's weight of the regulariser
  /// mean | median | trimmed_mean | krum | multi_krum | bulyan | geometric_median |
  /// centered_clipping | mda | meamed | norm_bounding | row_median
  std::string aggregator = "mean";
  int f = 0;                     ///< clients of a cohort that may be hostile (Byzantine)
  std::vector<std::string> pre;  ///< in front of the aggregator, in order: nnm | bucketing
  int bucket_size = 2;           ///< bucketing: updates a bucket
  double nu = 0.1;               ///< geometric_median: smoothing
  double tau = 100.0;     ///< centered_clipping: radius; norm_bounding: largest norm of an update
  int iterations = 0;     ///< geometric_median, centered_clipping; 0: 3 and 1
  double row_clip = 0.0;  ///< largest norm of one row of an embedding table in an update; 0: none
  int row_contributors = 0;  ///< a row of an embedding table moves from so many clients on; 0: any
  /// Updates a server step of buffered aggregation (FedBuff); 0: synchronous rounds
  int buffer = 0;
  double staleness_exponent = 0.5;  ///< buffered: an update s steps old counts (1 + s)^-exponent
  int max_staleness = 100;          ///< buffered: older updates are dropped
  std::string server_optimizer = "sgd";  ///< sgd | adam | yogi | adagrad
  double server_learning_rate = 1.0;
  std::string schedule = "constant";  ///< of the server's rate: constant | linear | cosine
  int warmup = 0;                     ///< rounds in which the server's rate rises to its value
  double server_momentum = 0.0;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double epsilon = 1e-8;
  int rounds = 100;
  int cohort = 0;               ///< clients a round; 0: all
  double over_selection = 1.0;  ///< invited = ceil(cohort * over_selection)
  int quorum = 1;               ///< fewer contributors void the round
  double deadline_s = 600.0;
  int max_void_rounds = 10;             ///< this many void rounds in a row end the run
  std::string weighting = "positions";  ///< positions | uniform
  std::uint64_t max_weight = 1024;
  /// weight = clamp(round(positions * max_weight / weight_reference), 1, max_weight)
  std::uint64_t weight_reference = 1024;
};

struct PrivacyConfig {
  std::string mode = "in_process";  ///< in_process | channel | sealed | masked (sealed is refused
                                    ///< until it exists)
  std::string grid = "exact";       ///< exact | ring
  int ring_bits = 32;
  double ring_range = 1.0;  ///< ring grid: largest coordinate of an update, before its weight
  double clip_norm = 0.0;   ///< L2 bound of an update; 0: none
  int min_clients = 3;      ///< masked: a sum of fewer is never opened

  double noise_multiplier = 0.0;    ///< standard deviation of the noise over the clip norm; 0: none
  double target_epsilon = 0.0;      ///< training stops before it would be exceeded; 0: never
  double delta = 1e-5;              ///< at which epsilon is stated
  std::string unit = "client";      ///< client | user: whom the guarantee protects
  std::string sampling = "fixed";   ///< fixed | poisson: how a cohort, or users of it, are drawn
  std::string accountant = "pld";   ///< pld | rdp
  double clip_quantile = 0.0;       ///< adaptive clipping: share of updates left whole; 0: fixed
  double clip_learning_rate = 0.2;  ///< adaptive clipping: of the clip norm, geometric
};

/// What is done to an update before it is sent, in this order where several are named.
struct CompressionConfig {
  std::vector<std::string> stages;  ///< low_rank | top_k | quantise
  int rank = 8;                     ///< low_rank: columns sent of an embedding table
  double top_k = 0.01;              ///< top_k: share of the coordinates sent
  int bits = 8;                     ///< quantise: of a coordinate

  bool operator==(const CompressionConfig&) const = default;
};

/// The machines of simulated clients. With a virtual clock, training, sending and waiting take the
/// seconds they would, without anybody waiting for them.
struct DevicesConfig {
  bool virtual_clock = false;
  double positions_per_s = 2000.0;  ///< trained by the median client
  double speed_sigma = 0.5;         ///< log-normal spread over clients
  double down_mbit = 40.0;          ///< of the median client, a second
  double up_mbit = 10.0;
  double bandwidth_sigma = 0.5;
  double available = 1.0;  ///< share of the time that a client is there, in hours of its own
  double drop_out = 0.0;   ///< probability that an invited client never answers
};

/// Clients of a simulation that misbehave; a federation has none of its own making.
struct AttackConfig {
  /// none | sign_flip | scaling | gaussian | nan | inf | ipm | alie | min_max | min_sum | mimic |
  /// zero | replay | label_flip | random_items | popular_items | bandwagon | promotion
  std::string name = "none";
  double share = 0.0;     ///< of the clients, at least one
  double strength = 0.0;  ///< its factor; 0: the attack's own
  std::string target;     ///< item that is promoted; empty: one of the least popular
  int from_round = 1;
};

struct EvaluationConfig {
  int every = 20;    ///< rounds between validations; 0: only at the end
  int patience = 0;  ///< stop after this many validations without a better NDCG@10; 0: never
  std::vector<std::string> protocols = {"full", "sampled:99"};
  std::vector<int> k = {5, 10};
  std::vector<std::string> baselines = {"popularity", "markov1", "item_knn"};
  bool filter_seen = true;
  int fine_tune = 0;  ///< local epochs of each client before its evaluation; 0: none
};

struct EngineConfig {
  int threads = 0;              ///< 0: one a core
  int memory_mib = 512;         ///< bound on the working memory of a pack; a thread holds one pack
  std::string device = "auto";  ///< auto | cpu | cuda
  /// Of products on a GPU: float32 | tf32 | bfloat16. Weights and sums stay float32.
  std::string precision = "float32";
};

struct CheckpointConfig {
  int every = 50;  ///< rounds (simulation); a federation saves every round
  int keep = 2;    ///< newest ones kept, beside the best
};

struct Scenario {
  std::string name = "unnamed";
  std::uint64_t seed = 1;
  DataConfig data;
  ModelConfig model;
  ClientConfig client;
  StrategyConfig strategy;
  PrivacyConfig privacy;
  CompressionConfig compression;
  DevicesConfig devices;
  AttackConfig attack;
  EvaluationConfig evaluation;
  EngineConfig engine;
  CheckpointConfig checkpoint;
};

using ScenarioSources = ConfigSources;

/// Loads, layers and validates a scenario. Paths in the file resolve against the file's folder,
/// those in environment and sets against the working directory. A `strategy.name` preset fills in
/// the keys that no source names. Errors  kNotFound; kInvalidArgument with "file:line:column" and a
/// suggestion for unknown or wrong keys.
Result<Scenario> LoadScenario(const ScenarioSources& sources);

/// Checks ranges and combinations that need no data.
Status ValidateScenario(const Scenario& scenario);

/// The scenario as TOML with every key, as written to `config.toml` of a run and read back by
/// LoadScenario.
std::string ScenarioToToml(const Scenario& scenario);

class Binder;

/// The one list of a scenario's keys; reads, checks and writes them (see binder.h).
void BindScenario(Scenario& scenario, Binder& binder);

/// The same for the sections `model` and `data` alone.
void BindModelConfig(ModelConfig& model, Binder& binder);
void BindDataConfig(DataConfig& data, Binder& binder);

}  // namespace rondo
