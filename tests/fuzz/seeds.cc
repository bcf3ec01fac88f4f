#include <filesystem>
#include <iostream>
#include <string>

#include "common/core/file.h"
#include "tests/fuzz/target.h"

/// Writes the seeds of all targets to FOLDER/NAME/seed-N.
int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "fuzz_seeds FOLDER\n";
    return 4;
  }
  for (const rondo::fuzz::Target& target : rondo::fuzz::Targets()) {
    const std::filesystem::path folder = std::filesystem::path(arguments[1]) / target.name;
    std::filesystem::create_directories(folder);
    int number = 0;
    for (const rondo::Bytes& seed : target.seeds()) {
      const auto path = folder / ("seed-" + std::to_string(number++));
      if (const auto written = rondo::WriteFileAtomic(path, seed); !written) {
        std::cerr << written.error().message << '\n';
        return 1;
      }
    }
    std::cout << target.name << ": " << number << " seeds\n";
  }
  return 0;
}
