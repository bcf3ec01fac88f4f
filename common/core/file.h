#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/core/bytes.h"
#include "common/core/result.h"

namespace rondo {

/// Reads a whole file.
/// Errors  kNotFound; kIo; kCorrupt if it is larger than `cap` bytes.
Result<Bytes> ReadFile(const std::filesystem::path& path, std::uint64_t cap);
Result<std::string> ReadTextFile(const std::filesystem::path& path, std::uint64_t cap = 1ULL << 30);

/// Replaces `path` so that a crash leaves either the old or the new content, never a mixture:
/// writes a temporary file beside it, fsync, rename, fsync of the folder. `mode` is the permission
/// of a new file. Errors  kIo (disk full, permissions); the old file is then untouched and the
/// temporary one removed.
Status WriteFileAtomic(const std::filesystem::path& path, ByteView bytes, unsigned mode = 0644);
Status WriteTextFile(const std::filesystem::path& path,
                     std::string_view text,
                     unsigned mode = 0644);

/// Puts the file `from` in the place of `to`, in the same folder, so that a crash leaves either the
/// old or the new `to`. On disk when this returns. Errors  kNotFound; kIo.
Status ReplaceFile(const std::filesystem::path& from, const std::filesystem::path& to);

/// Appends all of `bytes` to an open file, or nothing: what a full disk took of it is cut off
/// again, so that the next piece does not follow half of this one. `path` is for the message.
/// Errors  kIo.
Status AppendWhole(int descriptor, ByteView bytes, const std::filesystem::path& path);

/// Makes a folder and its parents.
Status MakeFolder(const std::filesystem::path& path);

}  // namespace rondo
