#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "common/core/bytes.h"
#include "tests/support/temporary_folder.h"

namespace rondo::fuzz {

/// One file, written anew for each input: for readers that take a path.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& name) : path_(folder_ / name) {}

  const std::filesystem::path& Write(ByteView bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << AsText(bytes);
    return path_;
  }

 private:
  testing::TemporaryFolder folder_;
  std::filesystem::path path_;
};

inline Bytes BytesOf(std::string_view text) {
  const ByteView view = AsBytes(text);
  return {view.begin(), view.end()};
}

}  // namespace rondo::fuzz
