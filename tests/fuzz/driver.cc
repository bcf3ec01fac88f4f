#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <spdlog/spdlog.h>

#include "tests/fuzz/target.h"

// One program a target: RONDO_FUZZ_TARGET names it.

namespace {

const rondo::fuzz::Target& Chosen() {
  for (const rondo::fuzz::Target& target : rondo::fuzz::Targets()) {
    if (target.name == RONDO_FUZZ_TARGET) {
      return target;
    }
  }
  std::cerr << "there is no target " << RONDO_FUZZ_TARGET << '\n';
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*count*/, char*** /*arguments*/) {
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const rondo::fuzz::Target& target = Chosen();
  target.run({data, size});
  return 0;
}
