#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/config/scenario.h"
#include "common/core/bytes.h"
#include "common/core/ids.h"
#include "common/core/result.h"
#include "common/crypto/ed25519.h"
#include "common/federated/task.h"
#include "common/federated/update_sum.h"

/// The messages between coordinator and client as plain structs. The order in which they may come
/// stands in docs/protocol.md; the fields' units and bounds in proto/*.proto.
namespace rondo::wire {

inline constexpr std::uint32_t kProtocolVersion = 1;

struct Hello {
  std::uint32_t protocol_version = kProtocolVersion;
  std::string software_version;
  std::string catalogue_sha256;
  std::string model_sha256;  ///< newest model the client holds; empty: none
  bool only_looks = false;   ///< a visit: the client asks whether it is welcome and takes no part
};

struct Welcome {
  std::string run_id;
  std::string name;
  ModelConfig model;
  std::string catalogue_sha256;
  std::int64_t items = 0;
  std::string layout_digest;
  EvaluationConfig evaluation;
  StrategyConfig strategy;
  std::string trust_mode = "channel";
  double heartbeat_s = 10.0;
  std::uint32_t rounds = 0;
};

struct Reject {
  ErrorCode code = ErrorCode::kFailedPrecondition;
  std::string message;
};

struct Heartbeat {};

struct Goodbye {
  std::string reason;
  bool model_stored = false;  ///< from a client: the answer to Finish
  bool replaced = false;      ///< from the coordinator: another connection took the client's id
};

struct Finish {
  std::string model_sha256;
};

/// A client that sits a round out.
struct Decline {
  RoundId round = 0;
  OfferKind kind = OfferKind::kTrain;
  std::string reason;
};

struct ModelChunk {
  std::string sha256;
  std::uint64_t total = 0;
  std::uint64_t offset = 0;
  std::string bytes;  ///< as Protobuf holds them, so that a megabyte need not be copied
};

/// A piece of an encoded Contribution.
struct ContributionChunk {
  RoundId round = 0;
  OfferKind kind = OfferKind::kTrain;
  std::uint64_t total = 0;
  std::uint64_t offset = 0;
  std::string bytes;
};

/// A message of the aggregation protocol, from either side.
struct Aggregation {
  RoundId round = 0;  ///< from the client: of the offer that it works on
  Bytes payload;
};

/// A newcomer with a token, or a member that renews its certificate; docs/protocol.md says what is
/// signed.
struct Enrol {
  Bytes request;  ///< PKCS #10 in DER
  Ed25519Public roster_key{};
  Signature roster_signature{};

  struct Token {
    Ed25519Public key{};
    Signature signature{};
  };

  std::optional<Token> token;  ///< none in a renewal
};

/// The answer. In a renewal all but the certificate is empty.
struct Enrolled {
  std::string certificate_pem;
  std::string authority_pem;
  DataConfig data;  ///< the rules that all clients share
  std::string catalogue_sha256;
  std::string trust_mode;  ///< as in Welcome
};

struct CatalogueChunk {
  std::uint64_t total = 0;
  std::uint64_t offset = 0;
  std::string bytes;
};

/// SignedRoster::Text.
struct MemberRoster {
  std::string text;
};

using Message = std::variant<Hello,
                             Welcome,
                             Reject,
                             Heartbeat,
                             Goodbye,
                             Finish,
                             Offer,
                             RoundResult,
                             Decline,
                             ModelChunk,
                             ContributionChunk,
                             Aggregation,
                             Enrol,
                             Enrolled,
                             CatalogueChunk,
                             MemberRoster>;

/// What the signatures of Enrol are over. `binding` is ChannelSecurity's.
Bytes EnrolTranscript(const Enrol& message, ByteView binding);

/// The message as one frame, ready for Channel::Send. Texts beyond their bound are cut.
Bytes Encode(const Message& message);

/// Errors  kInvalidArgument if the other side would refuse the message: a field is out of bounds,
/// or all of them together are longer than a frame of this kind may be. Who makes messages out of a
/// configuration asks once; Encode takes it for granted.
Status CheckSendable(const Message& message);

/// Control characters in texts become '?', so that a peer cannot steer a terminal or forge lines of
/// a log.
/// Errors  kCorrupt for bytes that break the frame, the message or a field's bound.
Result<Message> Decode(ByteView frame);

/// The name of the message's kind, for logs: "hello", "offer".
const char* MessageName(const Message& message);

/// One vector of a contribution. Exactly one of `reals`, `integers` and `packed` is not empty.
struct ContributionBlock {
  std::string name;  ///< kDeltaBlock, kMetricsBlock
  std::string layout_digest;
  GridSpec grid;
  Scaling scaling = Scaling::kByWeight;
  std::vector<float> reals;  ///< exact grid: unscaled, the receiver weighs and rounds (FoldDense)
  std::vector<std::int64_t>
      integers;  ///< multiples of grid.step, already scaled; on the ring in [0, 2^bits)
  Bytes packed;  ///< exact grid: unscaled, as PackUpdate encodes; the receiver knows the layout
};

/// What one client gives in one round. It travels in ContributionChunks, and MessageEvent::payload
/// is its encoded form.
struct Contribution {
  RoundId round = 0;
  OfferKind kind = OfferKind::kTrain;
  std::uint64_t weight = 1;
  double loss = 0.0;  ///< mean training loss a target; NaN in evaluation
  std::uint64_t saturated = 0;
  double seconds = 0.0;  ///< of local work
  std::vector<ContributionBlock> blocks;
};

Bytes EncodeContribution(const Contribution& contribution);

/// Memory is bounded by the size of `bytes`, which the caller has capped, and by eight bytes for
/// each of `elements`, the most numbers that all blocks may have together; packed ones stay bytes.
///
/// Errors  kCorrupt for bytes that break the format or a bound. Layouts are left to the caller to
/// compare.
Result<Contribution> DecodeContribution(ByteView bytes, std::uint64_t elements);

/// The largest encoded Contribution whose blocks have `elements` numbers together.
std::uint64_t ContributionCap(std::uint64_t elements);

}  // namespace rondo::wire
