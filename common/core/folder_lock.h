#pragma once

#include <filesystem>

#include "common/core/result.h"

namespace rondo {

/// Keeps a folder for one process: while the lock lives, nobody else can take it. The kernel lets
/// go when the process ends, however it ends.
class FolderLock {
 public:
  /// Locks the file `.lock` in `folder`, which exists.
  /// Errors  kFailedPrecondition if another process has it; kIo.
  static Result<FolderLock> Take(const std::filesystem::path& folder);

  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace rondo
