#include <atomic>
#include <cstdlib>
#include <functional>
#include <limits>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include "common/crypto/roster.h"
#include "common/federated/packing.h"
#include "common/io/safetensors.h"
#include "common/wire/chunks.h"
#include "common/wire/frame.h"
#include "common/wire/messages.h"
#include "common/wire/secagg_messages.h"

// Inputs that promise or nest far more than they hold are refused before memory is taken for it.
// This program counts every allocation, those of the libraries too.

namespace {

// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): operator new has no other place to count in.
std::atomic<bool> counting = false;
std::atomic<std::size_t> allocated = 0;

// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

void* Allocate(std::size_t size) {
  if (counting) {
    allocated += size;
  }
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

}  // namespace

void* operator new(std::size_t size) {
  return Allocate(size);
}

void* operator new[](std::size_t size) {
  return Allocate(size);
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete[](void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace rondo::wire {
namespace {

constexpr std::size_t kMost = 64 << 10;

/// Protobuf's encoding of a length-delimited field.
std::string Field(int number, const std::string& content) {
  std::string bytes(1, static_cast<char>(number << 3 | 2));
  std::size_t length = content.size();
  for (; length >= 0x80; length >>= 7) {
    bytes += static_cast<char>(length | 0x80);
  }
  return bytes + static_cast<char>(length) + content;
}

std::string Repeated(const std::string& piece, std::size_t times) {
  std::string text;
  text.reserve(piece.size() * times);
  for (std::size_t i = 0; i < times; ++i) {
    text += piece;
  }
  return text;
}

/// A message in itself in itself.
std::string Nested(int number, int depth) {
  std::string bytes;
  for (int i = 0; i < depth; ++i) {
    bytes = Field(number, bytes);
  }
  return bytes;
}

Bytes Frame(FrameType type, const std::string& payload) {
  Bytes frame(kFrameHeaderSize);
  WriteFrameHeader(
      std::span(frame).first<kFrameHeaderSize>(), type, static_cast<std::uint32_t>(payload.size()));
  const ByteView view = AsBytes(payload);
  frame.insert(frame.end(), view.begin(), view.end());
  return frame;
}

struct Bomb {
  std::string name;
  Bytes bytes;
  std::function<bool(ByteView)> accepted;
};

bool Decodes(ByteView frame) {
  return Decode(frame).has_value();
}

bool Contributes(ByteView bytes) {
  return DecodeContribution(bytes, 1000).has_value();
}

Bytes BytesOf(const std::string& text) {
  const ByteView view = AsBytes(text);
  return {view.begin(), view.end()};
}

Bytes Safetensors(const std::string& header) {
  const std::uint64_t size = header.size();
  Bytes bytes(8);
  for (int i = 0; i < 8; ++i) {
    bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(size >> (8 * i));
  }
  const ByteView view = AsBytes(header);
  bytes.insert(bytes.end(), view.begin(), view.end());
  return bytes;
}

bool Unpacks(const CompressionConfig& config, ByteView bytes) {
  static const auto kLayout = ParameterLayout::Create({{.name = "x", .shape = {1000}}}).value();
  return UnpackUpdate(config, *kLayout, bytes).has_value();
}

std::vector<Bomb> Bombs() {
  constexpr int kTenMillion = 10'000'000;
  constexpr int kTypes = 256;
  std::vector<Bomb> bombs;
  bombs.reserve(kTypes + 32);
  for (int type = 0; type < kTypes; ++type) {
    bombs.push_back({"a length of 2^32 - 1, type " + std::to_string(type),
                     {0xFF, 0xFF, 0xFF, 0xFF, static_cast<std::uint8_t>(type), kFrameVersion},
                     Decodes});
  }
  const auto chunks = [](std::uint64_t total) {
    return [total](ByteView bytes) {
      ChunkAssembler assembler(1 << 20);
      return assembler.Add(total, 0, bytes).has_value();
    };
  };
  bombs.push_back(
      {"an upload of 2^64 - 1 bytes", {1}, chunks(std::numeric_limits<std::uint64_t>::max())});
  bombs.push_back({"an upload one byte above the cap", {1}, chunks((1 << 20) + 1)});
  bombs.push_back(
      {"ten million empty blocks", BytesOf(Repeated(Field(7, ""), kTenMillion)), Contributes});
  bombs.push_back({"blocks nested a thousand times", BytesOf(Nested(7, 1000)), Contributes});
  bombs.push_back(
      {"ten million unknown fields", BytesOf(Repeated(Field(15, ""), kTenMillion)), Contributes});
  // Groups are the only thing of Protobuf that nests without a message that nests.
  bombs.push_back({"a million groups in each other",
                   BytesOf(std::string(1'000'000, static_cast<char>(15 << 3 | 3))),
                   Contributes});
  bombs.push_back(
      {"an offer nested a hundred times", Frame(FrameType::kOffer, Nested(3, 100)), Decodes});
  bombs.push_back({"sixteen thousand groups in an offer",
                   Frame(FrameType::kOffer, std::string(16 << 10, static_cast<char>(15 << 3 | 3))),
                   Decodes});
  bombs.push_back({"half a million survivors, each an own field",
                   BytesOf(Field(1, std::string(32, 's'))
                           + Field(4, Repeated(std::string("\x08\x01"), 500'000))),
                   [](ByteView bytes) {
                     return DecodeSecaggFromServer(bytes).has_value();
                   }});
  bombs.push_back(
      {"a million survivors",
       BytesOf(Field(1, std::string(32, 's')) + Field(4, Field(1, std::string(1'000'000, '\x01')))),
       [](ByteView bytes) {
         return DecodeSecaggFromServer(bytes).has_value();
       }});
  bombs.push_back({"a tensor of 2^60 numbers",
                   Safetensors(R"({"a":{"dtype":"F32","shape":[1152921504606846976],)"
                               R"("data_offsets":[0,4611686018427387904]}})"),
                   [](ByteView bytes) {
                     return DecodeSafetensors(bytes).has_value();
                   }});
  bombs.push_back({"a header of 2^64 - 1 bytes", Bytes(8, 0xFF), [](ByteView bytes) {
                     return DecodeSafetensors(bytes).has_value();
                   }});
  bombs.push_back({"a header of a million brackets",
                   Safetensors(std::string(1'000'000, '[')),
                   [](ByteView bytes) {
                     return DecodeSafetensors(bytes).has_value();
                   }});
  bombs.push_back(
      {"more coordinates than the layout has", {0xFF, 0xFF, 0xFF, 0xFF, 0x7F}, [](ByteView bytes) {
         return Unpacks({.stages = {"top_k"}, .top_k = 0.5}, bytes);
       }});
  bombs.push_back({"a roster of ten million lines",
                   BytesOf("rondo-roster 1\n" + Repeated("\n", kTenMillion)),
                   [](ByteView bytes) {
                     return ParseRoster(AsText(bytes)).has_value();
                   }});
  return bombs;
}

TEST(Bombs, AreRefusedBeforeMemoryIsTakenForThem) {
  for (const Bomb& bomb : Bombs()) {
    allocated = 0;
    counting = true;
    const bool accepted = bomb.accepted(bomb.bytes);
    counting = false;

    EXPECT_FALSE(accepted) << bomb.name;
    EXPECT_LE(allocated, kMost) << bomb.name;
  }
}

TEST(Bombs, TheCounterCounts) {
  allocated = 0;
  counting = true;
  const Bytes bytes(100'000);
  counting = false;

  EXPECT_GE(allocated, bytes.size());
}

}  // namespace
}  // namespace rondo::wire
