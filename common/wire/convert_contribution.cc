#include <bit>
#include <cstring>
#include <set>

#include "common/core/check.h"
#include "common/wire/convert.h"
#include "common/wire/convert_grid.h"
#include "common/wire/field_limits.h"

#include "proto/update.pb.h"

namespace rondo::wire {
namespace {

static_assert(std::endian::native == std::endian::little,
              "payloads are copied as they lie in memory");

constexpr std::uint32_t kReals = 0;
constexpr std::uint32_t kIntegers = 1;
constexpr std::uint32_t kPacked = 2;
constexpr std::size_t kMostBlocks = 64;

std::size_t IntegerBytes(int bits) {
  return (static_cast<std::size_t>(bits) + 7) / 8;
}

void PackIntegers(const ContributionBlock& block, std::string* payload) {
  const std::size_t width = IntegerBytes(block.grid.bits);
  payload->resize(block.integers.size() * width);
  char* out = payload->data();
  for (const std::int64_t value : block.integers) {
    std::memcpy(out, &value, width);
    out += width;
  }
}

/// Reads `width`-byte numbers; on the exact grid the sign is extended.
std::vector<std::int64_t> UnpackIntegers(const std::string& payload,
                                         std::size_t width,
                                         bool is_signed) {
  std::vector<std::int64_t> values(payload.size() / width);
  const char* in = payload.data();
  const auto shift = static_cast<int>(64 - 8 * width);
  for (std::int64_t& value : values) {
    std::uint64_t raw = 0;
    std::memcpy(&raw, in, width);
    in += width;
    value = is_signed ? static_cast<std::int64_t>(raw << shift) >> shift
                      : static_cast<std::int64_t>(raw);
  }
  return values;
}

bool OnRing(const ContributionBlock& block) {
  const std::uint64_t mask = block.grid.mask();
  for (const std::int64_t value : block.integers) {
    if (static_cast<std::uint64_t>(value) > mask) {
      return false;
    }
  }
  return true;
}

/// An empty block takes two bytes in the message and fifty times as much in memory.
constexpr detail::FieldLimit kLimits[] = {{.number = 1},
                                          {.number = 2},
                                          {.number = 3},
                                          {.number = 4},
                                          {.number = 5},
                                          {.number = 6},
                                          {.number = 7, .count = kMostBlocks}};

/// Takes the payload into the block, and the count of its numbers from `elements`.
Status ParseNumbers(detail::Bounds& bounds,
                    const v1::ContributionBlock& proto,
                    ContributionBlock& block,
                    std::uint64_t& elements) {
  if (proto.encoding() == kPacked) {
    if (proto.payload().empty() || proto.payload().size() > ContributionCap(elements)) {
      bounds.Broken("block.payload", "has no bytes, or more than the layout allows");
      return bounds.status();
    }
    const ByteView bytes = AsBytes(proto.payload());
    block.packed.assign(bytes.begin(), bytes.end());
    return Ok();
  }
  const bool reals = proto.encoding() == kReals;
  const std::size_t width = reals ? sizeof(float) : IntegerBytes(block.grid.bits);
  if (proto.payload().empty() || proto.payload().size() % width != 0) {
    bounds.Broken("block.payload", "is no whole number of values");
    return bounds.status();
  }
  const std::size_t numbers = proto.payload().size() / width;
  if (numbers > elements) {
    bounds.Broken("block.payload", "brings more numbers than the layout has");
    return bounds.status();
  }
  elements -= numbers;
  if (reals) {
    block.reals.resize(numbers);
    std::memcpy(block.reals.data(), proto.payload().data(), proto.payload().size());
  } else {
    block.integers =
        UnpackIntegers(proto.payload(), width, block.grid.kind == GridSpec::Kind::kExact);
    if (!OnRing(block)) {
      bounds.Broken("block.payload", "leaves the ring");
    }
  }
  return bounds.status();
}

Result<ContributionBlock> ParseBlock(detail::Bounds& bounds,
                                     v1::ContributionBlock& proto,
                                     std::uint64_t& elements) {
  ContributionBlock block;
  bounds.Text("block.name", proto.name(), 64);
  if (proto.name().empty()) {
    bounds.Broken("block.name", "is empty");
  }
  bounds.Digest("block.layout_digest", proto.layout_digest(), false);
  bounds.Range("block.scaling", proto.scaling(), 0U, 1U);
  bounds.Range("block.encoding", proto.encoding(), kReals, kPacked);
  block.name = proto.name();
  block.layout_digest = proto.layout_digest();
  block.grid = detail::CheckedGrid(
      bounds,
      {proto.grid().kind(), proto.grid().bits(), proto.grid().step(), proto.grid().limit()});
  block.scaling = static_cast<Scaling>(proto.scaling());
  if (proto.encoding() != kIntegers && block.grid.kind != GridSpec::Kind::kExact) {
    bounds.Broken("block.encoding", "is not integers outside the exact grid");
  }
  RONDO_TRY_STATUS(bounds.status());
  RONDO_TRY_STATUS(ParseNumbers(bounds, proto, block, elements));
  std::string().swap(*proto.mutable_payload());  // Halves the peak for large models.
  return block;
}

}  // namespace

Bytes EncodeContribution(const Contribution& contribution) {
  v1::Contribution proto;
  proto.set_round(contribution.round);
  proto.set_kind(static_cast<std::uint32_t>(contribution.kind));
  proto.set_weight(contribution.weight);
  proto.set_loss(contribution.loss);
  proto.set_saturated(contribution.saturated);
  proto.set_seconds(contribution.seconds);
  for (const ContributionBlock& block : contribution.blocks) {
    RONDO_CHECK(block.reals.empty() + block.integers.empty() + block.packed.empty() == 2)
        << "a block carries one kind of numbers";
    v1::ContributionBlock* out = proto.add_blocks();
    out->set_name(block.name);
    out->set_layout_digest(block.layout_digest);
    out->mutable_grid()->set_kind(static_cast<std::uint32_t>(block.grid.kind));
    out->mutable_grid()->set_bits(block.grid.bits);
    out->mutable_grid()->set_step(block.grid.step);
    out->mutable_grid()->set_limit(block.grid.limit);
    out->set_scaling(static_cast<std::uint32_t>(block.scaling));
    if (!block.packed.empty()) {
      out->set_encoding(kPacked);
      out->set_payload(block.packed.data(), block.packed.size());
    } else if (block.integers.empty()) {
      out->set_encoding(kReals);
      out->set_payload(block.reals.data(), block.reals.size() * sizeof(float));
    } else {
      out->set_encoding(kIntegers);
      PackIntegers(block, out->mutable_payload());
    }
  }
  Bytes bytes(proto.ByteSizeLong());
  RONDO_CHECK(proto.SerializeToArray(bytes.data(), static_cast<int>(bytes.size())))
      << "the size was asked for above";
  return bytes;
}

Result<Contribution> DecodeContribution(ByteView bytes, std::uint64_t elements) {
  v1::Contribution proto;
  RONDO_TRY_STATUS(detail::CheckFields("contribution", bytes, kLimits));
  RONDO_TRY_STATUS(detail::ParseInto(proto, bytes));
  detail::Bounds bounds("contribution");
  bounds.Range("kind", proto.kind(), 0U, 1U);
  bounds.Range<std::uint64_t>("weight", proto.weight(), 1, std::uint64_t{1} << 40);
  bounds.Range("seconds", proto.seconds(), 0.0, 1e9);
  if (std::isinf(proto.loss())) {
    bounds.Broken("loss", "is infinite");
  }
  if (proto.blocks().empty()) {
    bounds.Broken("blocks", "is empty");
  }
  RONDO_TRY_STATUS(bounds.status());
  Contribution contribution;
  contribution.round = proto.round();
  contribution.kind = static_cast<OfferKind>(proto.kind());
  contribution.weight = proto.weight();
  contribution.loss = proto.loss();
  contribution.saturated = proto.saturated();
  contribution.seconds = proto.seconds();
  std::set<std::string> names;
  for (v1::ContributionBlock& block : *proto.mutable_blocks()) {
    if (!names.insert(block.name()).second) {
      bounds.Broken("block.name", "comes twice");
    }
    RONDO_TRY(ContributionBlock parsed, ParseBlock(bounds, block, elements));
    contribution.blocks.push_back(std::move(parsed));
  }
  return contribution;
}

std::uint64_t ContributionCap(std::uint64_t elements) {
  return elements * 8 + (std::uint64_t{64} << 10);
}

}  // namespace rondo::wire
