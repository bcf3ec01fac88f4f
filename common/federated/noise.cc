#include "common/federated/noise.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "common/crypto/random.h"
#include "common/privacy/discrete_gaussian.h"

namespace rondo {
namespace {

constexpr double kLeastSteps = 16.0;
constexpr double kMostSteps = 0x1p56;
// A chunk has its own random stream, so that the number of threads changes nothing.
constexpr std::size_t kChunk = 1U << 14;

RandomWords SecureWords() {
  return [](std::span<std::uint32_t> words) {
    SecureRandom({reinterpret_cast<std::uint8_t*>(words.data()), words.size_bytes()});
  };
}

RandomWords WordsOf(const NoiseSource& source, std::size_t chunk) {
  if (!source.stream) {
    return SecureWords();
  }
  StreamName name = *source.stream;
  name.seed = Rng(*source.stream).NextU64();
  name.round = chunk;
  return [rng = Rng(name)](std::span<std::uint32_t> words) mutable {
    for (std::uint32_t& word : words) {
      word = rng.NextU32();
    }
  };
}

}  // namespace

double GridSensitivity(double clip_norm, std::size_t coordinates, const GridSpec& grid) {
  // To the nearest step on the exact grid, by less than a whole one on the ring.
  const double moved = grid.kind == GridSpec::Kind::kExact ? 0.5 * grid.step : grid.step;
  return clip_norm + moved * std::sqrt(static_cast<double>(coordinates));
}

Result<std::uint64_t> NoiseSteps(double stddev, const GridSpec& grid) {
  const double steps = std::ceil(stddev / grid.step);
  if (!(steps >= kLeastSteps)) {
    return Fail(ErrorCode::kInvalidArgument,
                "noise of standard deviation " + std::to_string(stddev)
                    + " is less than 16 steps of the grid, which are too coarse for it; raise "
                      "privacy.ring_bits or lower privacy.ring_range");
  }
  if (steps > kMostSteps) {
    return Fail(ErrorCode::kInvalidArgument,
                "noise of standard deviation " + std::to_string(stddev)
                    + " does not fit the grid; lower privacy.clip_norm or "
                      "privacy.noise_multiplier");
  }
  return static_cast<std::uint64_t>(steps);
}

std::uint64_t NoiseRoom(double stddev, double most) {
  return static_cast<std::uint64_t>(std::min(std::ceil(8.0 * stddev / most), 0x1p40));
}

std::uint64_t ShareRoom(double stddev, double most, std::uint64_t clients) {
  const double each = static_cast<double>(kShareTail) * stddev / most;
  // One more for what rounding adds to the standard deviation.
  return 1
         + static_cast<std::uint64_t>(
             std::min(std::ceil(each * static_cast<double>(clients)), 0x1p40));
}

void AddNoise(GridBlock& block, std::uint64_t sigma, const NoiseSource& source, int threads) {
  const std::uint64_t mask = block.grid.mask();
  const std::span<std::int64_t> values(block.values);
  const std::size_t chunks = (values.size() + kChunk - 1) / kChunk;
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t chunk = next++; chunk < chunks; chunk = next++) {
      DiscreteGaussian law(sigma, WordsOf(source, chunk));
      const std::size_t begin = chunk * kChunk;
      for (std::int64_t& value : values.subspan(begin, std::min(kChunk, values.size() - begin))) {
        value = static_cast<std::int64_t>(
            (static_cast<std::uint64_t>(value) + static_cast<std::uint64_t>(law.Draw())) & mask);
      }
    }
  };
  const auto helpers =
      std::min<std::size_t>(static_cast<std::size_t>(std::max(threads, 1)), chunks);
  std::vector<std::jthread> started;
  for (std::size_t helper = 1; helper < helpers; ++helper) {
    started.emplace_back(work);
  }
  work();
}

Status AddClientNoise(const TrainTask& task, GridBlock& delta, const NoiseSource& source) {
  if (task.noise_stddev <= 0.0 || delta.name != kDeltaBlock) {
    return Ok();
  }
  RONDO_TRY(const std::uint64_t sigma, NoiseSteps(task.noise_stddev, task.grid));
  AddNoise(delta, sigma, source);
  return Ok();
}

}  // namespace rondo
