#include "common/core/file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rondo {
namespace {

Failure SystemError(const std::string& what, const std::filesystem::path& path) {
  const int number = errno;
  const ErrorCode code = number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
  return Fail(code,
              what + " '" + path.string()
                  + "': " + std::strerror(number));  // NOLINT(concurrency-mt-unsafe)
}

/// Closes on leaving the scope.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  ~Descriptor() {
    if (value_ >= 0) {
      ::close(value_);
    }
  }

  int get() const { return value_; }

  bool valid() const { return value_ >= 0; }

 private:
  int value_;
};

Status WriteAll(int descriptor, ByteView bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      return SystemError("cannot write", path);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return Ok();
}

Status WriteTemporary(const std::filesystem::path& path, ByteView bytes, unsigned mode) {
  ::unlink(path.c_str());  // What a crash left behind has permissions of its own.
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file.valid()) {
    return SystemError("cannot create", path);
  }
  RONDO_TRY_STATUS(WriteAll(file.get(), bytes, path));
  if (::fsync(file.get()) != 0) {
    return SystemError("cannot flush", path);
  }
  return Ok();
}

Status FlushFolderOf(const std::filesystem::path& path) {
  const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
  const Descriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid() || ::fsync(folder.get()) != 0) {
    return SystemError("cannot flush the folder", parent);
  }
  return Ok();
}

}  // namespace

Result<Bytes> ReadFile(const std::filesystem::path& path, std::uint64_t cap) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    return SystemError("cannot open", path);
  }

  struct stat info {};

  if (::fstat(file.get(), &info) != 0) {
    return SystemError("cannot inspect", path);
  }
  if (S_ISDIR(info.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + path.string() + "' is a folder, expected a file");
  }
  Bytes bytes;
  bytes.resize(std::min<std::uint64_t>(static_cast<std::uint64_t>(info.st_size), cap) + 1);
  std::size_t size = 0;
  while (true) {
    const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return SystemError("cannot read", path);
    }
    if (got == 0) {
      break;
    }
    size += static_cast<std::size_t>(got);
    if (size > cap) {
      return Fail(
          ErrorCode::kCorrupt,
          "'" + path.string() + "' is larger than the limit of " + std::to_string(cap) + " bytes");
    }
    if (size == bytes.size()) {
      bytes.resize(std::min<std::uint64_t>(bytes.size() * 2, cap + 1));
    }
  }
  bytes.resize(size);
  return bytes;
}

Result<std::string> ReadTextFile(const std::filesystem::path& path, std::uint64_t cap) {
  RONDO_TRY(const Bytes bytes, ReadFile(path, cap));
  return std::string(AsText(bytes));
}

Status WriteFileAtomic(const std::filesystem::path& path, ByteView bytes, unsigned mode) {
  const std::filesystem::path temporary = path.string() + ".tmp";
  Status written = WriteTemporary(temporary, bytes, mode);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) {
    written = SystemError("cannot replace", path);
  }
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  return FlushFolderOf(path);
}

Status ReplaceFile(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return SystemError("cannot replace '" + to.string() + "' by", from);
  }
  return FlushFolderOf(to);
}

Status WriteTextFile(const std::filesystem::path& path, std::string_view text, unsigned mode) {
  return WriteFileAtomic(path, AsBytes(text), mode);
}

Status AppendWhole(int descriptor, ByteView bytes, const std::filesystem::path& path) {
  const off_t before = ::lseek(descriptor, 0, SEEK_END);
  Status written = before < 0 ? Status(SystemError("cannot append to", path))
                              : WriteAll(descriptor, bytes, path);
  if (!written && before >= 0 && ::ftruncate(descriptor, before) != 0) {
    // Nothing to be done; the first error says what happened.
  }
  return written;
}

Status MakeFolder(const std::filesystem::path& path) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (code) {
    return Fail(ErrorCode::kIo,
                "cannot make the folder '" + path.string() + "': " + code.message());
  }
  return Ok();
}

}  // namespace rondo
