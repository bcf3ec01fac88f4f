#include "common/io/tensorboard.h"

#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <boost/crc.hpp>

#include "common/core/file.h"

namespace rondo {
namespace {

static_assert(std::endian::native == std::endian::little,
              "numbers are copied as they lie in memory");

constexpr unsigned kVarint = 0;
constexpr unsigned kFixed64 = 1;
constexpr unsigned kLengthDelimited = 2;
constexpr unsigned kFixed32 = 5;

template <typename T>
std::string Raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string Varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) {
    bytes += static_cast<char>((value & 0x7f) | 0x80);
  }
  return bytes + static_cast<char>(value);
}

std::string Key(unsigned field, unsigned type) {
  return Varint(field << 3 | type);
}

std::string Text(unsigned field, std::string_view text) {
  return Key(field, kLengthDelimited) + Varint(text.size()) + std::string(text);
}

double Seconds(TensorBoardWriter::WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

std::string EventHead(TensorBoardWriter::WallTime now, RoundId step) {
  return Key(1, kFixed64) + Raw(Seconds(now)) + Key(2, kVarint) + Varint(step);
}

std::uint32_t Masked(std::string_view bytes) {
  constexpr std::uint32_t kDelta = 0xa282ead8U;
  return std::rotr(Crc32c(AsBytes(bytes)), 15) + kDelta;
}

}  // namespace

std::uint32_t Crc32c(ByteView bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

Result<TensorBoardWriter> TensorBoardWriter::Create(const std::filesystem::path& folder,
                                                    WallTime now,
                                                    std::optional<RoundId> resumed_after) {
  RONDO_TRY_STATUS(MakeFolder(folder));
  const auto seconds = static_cast<std::int64_t>(Seconds(now));
  const std::string name = "events.out.tfevents." + std::to_string(seconds) + "."
                           + std::to_string(resumed_after.value_or(0)) + ".rondo";
  const std::filesystem::path path = folder / name;
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) {
    return Fail(ErrorCode::kIo,
                "cannot create '" + path.string()
                    + "': " + std::strerror(errno));  // NOLINT(concurrency-mt-unsafe)
  }
  TensorBoardWriter writer(path, file);
  RONDO_TRY_STATUS(writer.WriteRecord(EventHead(now, 0) + Text(3, "brain.Event:2")));
  if (resumed_after) {
    constexpr std::uint64_t kStart = 1;
    const std::string log = Key(1, kVarint) + Varint(kStart);
    RONDO_TRY_STATUS(writer.WriteRecord(EventHead(now, *resumed_after + 1) + Text(7, log)));
  }
  return writer;
}

TensorBoardWriter::TensorBoardWriter(TensorBoardWriter&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::exchange(other.file_, -1)) {}

TensorBoardWriter& TensorBoardWriter::operator=(TensorBoardWriter&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  return *this;
}

TensorBoardWriter::~TensorBoardWriter() {
  if (file_ >= 0) {
    ::close(file_);
  }
}

Status TensorBoardWriter::AddScalar(std::string_view tag,
                                    RoundId round,
                                    double value,
                                    WallTime now) {
  const std::string scalar = Text(1, tag) + Key(2, kFixed32) + Raw(static_cast<float>(value));
  return WriteRecord(EventHead(now, round) + Text(5, Text(1, scalar)));
}

Status TensorBoardWriter::WriteRecord(const std::string& data) {
  const std::string length = Raw(static_cast<std::uint64_t>(data.size()));
  const std::string record = length + Raw(Masked(length)) + data + Raw(Masked(data));
  return AppendWhole(file_, AsBytes(record), path_);
}

}  // namespace rondo
