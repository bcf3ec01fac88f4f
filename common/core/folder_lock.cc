#include "common/core/folder_lock.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace rondo {
namespace {

Failure SystemError(const char* what, const std::filesystem::path& path) {
  const char* reason = std::strerror(errno);  // NOLINT(concurrency-mt-unsafe)
  return Fail(ErrorCode::kIo,
              std::string("cannot ") + what + " '" + path.string() + "': " + reason);
}

}  // namespace

Result<FolderLock> FolderLock::Take(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / ".lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    return SystemError("create", path);
  }
  FolderLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
    return lock;
  }
  if (errno != EWOULDBLOCK) {
    return SystemError("lock", path);
  }
  return Fail(ErrorCode::kFailedPrecondition,
              "the folder '" + folder.string()
                  + "' is in use by another process; end that one or choose another folder");
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

}  // namespace rondo
