#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "common/core/bytes.h"
#include "common/core/ids.h"
#include "common/core/result.h"

namespace rondo {

/// Writes scalars for TensorBoard.
///
///     file   := record*
///     record := length:u64 mask(crc32c(length)):u32 data mask(crc32c(data)):u32, little endian
///     mask(c) = ((c >> 15) | (c << 17)) + 0xa282ead8
///     data   := protobuf Event{1: wall_time double, 2: step int64, 3: file_version string,
///               5: summary{1: value{1: tag string, 2: simple_value float}*}, 7: session_log{1:
///               status}}
///
/// Every event reaches the kernel before the call returns. Not thread-safe; movable.
/// Source  tensorflow/core/lib/io/record_writer.h and util/event.proto.
class TensorBoardWriter {
 public:
  using WallTime = std::chrono::system_clock::time_point;

  /// Starts a new event file in `folder`. A resumed run names the round it goes on after, so that
  /// later points of earlier files are dropped. Errors  kIo.
  static Result<TensorBoardWriter> Create(const std::filesystem::path& folder,
                                          WallTime now,
                                          std::optional<RoundId> resumed_after = std::nullopt);

  TensorBoardWriter(TensorBoardWriter&& other) noexcept;
  TensorBoardWriter& operator=(TensorBoardWriter&& other) noexcept;
  ~TensorBoardWriter();

  const std::filesystem::path& path() const { return path_; }

  /// Errors  kIo.
  Status AddScalar(std::string_view tag, RoundId round, double value, WallTime now);

 private:
  TensorBoardWriter(std::filesystem::path path, int file) : path_(std::move(path)), file_(file) {}

  Status WriteRecord(const std::string& data);

  std::filesystem::path path_;
  int file_ = -1;
};

/// CRC-32C (Castagnoli).
std::uint32_t Crc32c(ByteView bytes);

}  // namespace rondo
