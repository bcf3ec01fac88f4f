#include "common/wire/chunks.h"

#include <gtest/gtest.h>

#include "common/crypto/sha256.h"

namespace rondo::wire {
namespace {

Bytes Pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 256);
  }
  return bytes;
}

TEST(ModelFrames, AnyLengthComesBackWhole) {
  for (const std::size_t size :
       {std::size_t{1}, kChunkSize - 1, kChunkSize, kChunkSize + 1, 3 * kChunkSize + 7}) {
    const Bytes model = Pattern(size);
    ModelAssembler assembler(4 * kChunkSize);
    bool whole = false;
    for (const Bytes& frame : ModelFrames(model, Sha256Hex(model))) {
      EXPECT_FALSE(whole);
      whole = assembler.Add(std::get<ModelChunk>(Decode(frame).value())).value();
    }
    EXPECT_TRUE(whole);
    EXPECT_EQ(assembler.Take(), model);
  }
}

TEST(ModelAssembler, RefusesAnotherDigest) {
  ModelAssembler assembler(100);
  const auto added =
      assembler.Add({.sha256 = std::string(64, '0'), .total = 1, .offset = 0, .bytes = "x"});
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().code, ErrorCode::kCorrupt);
}

TEST(ChunkAssembler, RefusesWhatIsTooLargeOutOfOrderOrTooLong) {
  const Bytes piece = {1, 2};
  ChunkAssembler large(10);
  EXPECT_FALSE(large.Add(1ULL << 62, 0, piece).has_value());
  EXPECT_FALSE(large.Add(0, 0, piece).has_value());
  ChunkAssembler gap(10);
  EXPECT_FALSE(gap.Add(10, 5, piece).has_value());
  ChunkAssembler changed(10);
  EXPECT_FALSE(changed.Add(4, 0, piece).value());
  EXPECT_FALSE(changed.Add(5, 2, piece).has_value());
  ChunkAssembler longer(10);
  EXPECT_FALSE(longer.Add(3, 0, piece).value());
  EXPECT_FALSE(longer.Add(3, 2, piece).has_value());
}

TEST(ChunkAssembler, APieceAtTheStartBeginsAnew) {
  ChunkAssembler assembler(10);
  EXPECT_FALSE(assembler.Add(4, 0, Bytes{1, 2}).value());
  EXPECT_FALSE(assembler.Add(3, 0, Bytes{7, 8}).value());
  EXPECT_TRUE(assembler.Add(3, 2, Bytes{9}).value());
  EXPECT_EQ(assembler.Take(), (Bytes{7, 8, 9}));
}

}  // namespace
}  // namespace rondo::wire
