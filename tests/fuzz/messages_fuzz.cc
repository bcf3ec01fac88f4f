#include <algorithm>
#include <array>
#include <string>

#include "common/core/check.h"
#include "common/wire/chunks.h"
#include "common/wire/frame.h"
#include "common/wire/messages.h"
#include "tests/fuzz/target.h"

namespace rondo::fuzz {
namespace {

using wire::FrameType;

constexpr std::array kSession = {FrameType::kHello,
                                 FrameType::kWelcome,
                                 FrameType::kReject,
                                 FrameType::kHeartbeat,
                                 FrameType::kGoodbye,
                                 FrameType::kFinish};
constexpr std::array kRound = {FrameType::kOffer,
                               FrameType::kRoundResult,
                               FrameType::kDecline,
                               FrameType::kModelChunk,
                               FrameType::kContributionChunk,
                               FrameType::kAggregation};
constexpr std::array kEnrolment = {FrameType::kEnrol,
                                   FrameType::kEnrolled,
                                   FrameType::kCatalogueChunk,
                                   FrameType::kMemberRoster};

const std::string kDigest(64, 'a');

/// What was read is written to bytes that read as the same.
bool RunFrame(ByteView frame) {
  const auto message = wire::Decode(frame);
  if (!message) {
    return false;
  }
  const Bytes written = wire::Encode(*message);
  const auto again = wire::Decode(written);
  RONDO_CHECK(again.has_value()) << "own bytes are refused: " << again.error().message;
  RONDO_CHECK(wire::Encode(*again) == written) << "a message changes on its way";
  return true;
}

/// input := index of the type in `types`, payload
bool RunPayload(std::span<const FrameType> types, ByteView input) {
  if (input.empty()) {
    return false;
  }
  const FrameType type = types[input[0] % types.size()];
  const ByteView payload = input.subspan(1);
  Bytes frame(wire::kFrameHeaderSize);
  wire::WriteFrameHeader(std::span(frame).first<wire::kFrameHeaderSize>(),
                         type,
                         static_cast<std::uint32_t>(payload.size()));
  frame.insert(frame.end(), payload.begin(), payload.end());
  return RunFrame(frame);
}

std::vector<wire::Message> SessionMessages() {
  wire::Welcome welcome{.run_id = "run",
                        .name = "name",
                        .catalogue_sha256 = kDigest,
                        .items = 5,
                        .layout_digest = kDigest};
  welcome.strategy.pre = {"clip"};
  return {
      wire::Hello{.software_version = "1.2", .catalogue_sha256 = kDigest, .model_sha256 = kDigest},
      std::move(welcome),
      wire::Reject{.code = ErrorCode::kUnsupported, .message = "no"},
      wire::Heartbeat{},
      wire::Goodbye{.reason = "enough", .model_stored = true},
      wire::Finish{.model_sha256 = kDigest}};
}

std::vector<wire::Message> RoundMessages() {
  Offer train{.kind = OfferKind::kTrain, .round = 7, .model_sha256 = kDigest};
  train.train.round = 7;
  train.train.client.steps = 5;
  train.train.compression = {.stages = {"top_k", "quantise"}, .rank = 4, .top_k = 0.5, .bits = 3};
  train.train.grid = {.kind = GridSpec::Kind::kRing, .bits = 32, .step = 0.25, .limit = 8.0};
  Offer evaluate{.kind = OfferKind::kEvaluate, .round = 8, .model_sha256 = kDigest};
  evaluate.evaluate.protocols = {"full", "sampled:99"};
  evaluate.evaluate.k = {5, 10};
  return {std::move(train),
          std::move(evaluate),
          RoundResult{.round = 7, .included = true, .model_sha256 = kDigest},
          wire::Decline{.round = 7, .kind = OfferKind::kEvaluate, .reason = "busy"},
          wire::ModelChunk{.sha256 = kDigest, .total = 3, .offset = 0, .bytes = "abc"},
          wire::ContributionChunk{.round = 7, .total = 3, .offset = 1, .bytes = "bc"},
          wire::Aggregation{.round = 7, .payload = {9}}};
}

std::vector<wire::Message> EnrolmentMessages() {
  wire::Enrolled enrolled{.certificate_pem = "certificate",
                          .authority_pem = "authority",
                          .data = {},
                          .catalogue_sha256 = kDigest};
  enrolled.data.events = {{"buy", "target"}, {"view", "input"}};
  return {wire::Enrol{.request = {1, 2}, .token = wire::Enrol::Token()},
          wire::Enrol{.request = {1, 2}},
          std::move(enrolled),
          wire::CatalogueChunk{.total = 3, .offset = 1, .bytes = "bc"},
          wire::MemberRoster{.text = "rondo-roster 1\n"}};
}

std::vector<Bytes> Frames(const std::vector<wire::Message>& messages) {
  std::vector<Bytes> frames;
  frames.reserve(messages.size());
  for (const wire::Message& message : messages) {
    frames.push_back(wire::Encode(message));
  }
  return frames;
}

std::vector<Bytes> Payloads(std::span<const FrameType> types,
                            const std::vector<wire::Message>& messages) {
  std::vector<Bytes> inputs;
  for (Bytes& frame : Frames(messages)) {
    const auto type = static_cast<FrameType>(frame[4]);
    const auto index = std::find(types.begin(), types.end(), type) - types.begin();
    frame.erase(frame.begin(), frame.begin() + wire::kFrameHeaderSize - 1);
    frame[0] = static_cast<std::uint8_t>(index);
    inputs.push_back(std::move(frame));
  }
  return inputs;
}

std::vector<Bytes> FrameSeeds() {
  std::vector<Bytes> seeds = Frames(SessionMessages());
  for (const auto& messages : {RoundMessages(), EnrolmentMessages()}) {
    for (Bytes& frame : Frames(messages)) {
      seeds.push_back(std::move(frame));
    }
  }
  return seeds;
}

constexpr std::uint64_t kAssembled = 4096;

/// input := chunk*   chunk := total:u16le offset:u16le size:u8 bytes[size]
/// Whatever comes, what is held is never above the cap, and what is whole is what was sent in
/// order.
bool RunChunks(ByteView input) {
  wire::ChunkAssembler assembler(kAssembled);
  bool ever_whole = false;
  Bytes sent;
  while (input.size() >= 5) {
    const auto total = static_cast<std::uint64_t>(input[0] | (input[1] << 8));
    const auto offset = static_cast<std::uint64_t>(input[2] | (input[3] << 8));
    const ByteView piece = input.subspan(5, std::min<std::size_t>(input[4], input.size() - 5));
    input = input.subspan(5 + piece.size());
    if (offset == 0) {
      sent.clear();
    }
    const auto whole = assembler.Add(total, offset, piece);
    RONDO_CHECK(assembler.view().size() <= kAssembled) << "more is held than the cap allows";
    if (!whole) {
      sent.clear();
      continue;
    }
    sent.insert(sent.end(), piece.begin(), piece.end());
    if (*whole) {
      RONDO_CHECK(assembler.Take() == sent && sent.size() == total) << "pieces were mixed up";
      sent.clear();
      ever_whole = true;
    }
  }
  return ever_whole;
}

std::vector<Bytes> ChunkSeeds() {
  return {{3, 0, 0, 0, 3, 'a', 'b', 'c'},
          {3, 0, 0, 0, 2, 'a', 'b', 3, 0, 2, 0, 1, 'c'},
          {0, 16, 0, 0, 1, 'a', 2, 0, 0, 0, 1, 'a', 2, 0, 1, 0, 1, 'b'}};
}

}  // namespace

Target FrameTarget() {
  return {"frame", RunFrame, FrameSeeds};
}

Target SessionTarget() {
  return {"session",
          [](ByteView input) { return RunPayload(kSession, input); },
          [] {
            return Payloads(kSession, SessionMessages());
          }};
}

Target RoundTarget() {
  return {"round",
          [](ByteView input) { return RunPayload(kRound, input); },
          [] {
            return Payloads(kRound, RoundMessages());
          }};
}

Target EnrolmentTarget() {
  return {"enrolment",
          [](ByteView input) { return RunPayload(kEnrolment, input); },
          [] {
            return Payloads(kEnrolment, EnrolmentMessages());
          }};
}

Target ChunksTarget() {
  return {"chunks", RunChunks, ChunkSeeds};
}

}  // namespace rondo::fuzz
