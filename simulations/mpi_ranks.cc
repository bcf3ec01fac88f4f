#include "simulations/mpi_ranks.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <mpi.h>
#include <span>
#include <string>
#include <utility>

#include "simulations/launcher.h"

namespace rondo::sim {
namespace {

// Numbers a call: counts of MPI are ints.
constexpr std::size_t kAtOnce = std::size_t{1} << 28;

/// Whether a launcher started this process. MPI_Init alone would cost half a second.
bool WasLaunched() {
  const char* const signs[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"};
  return std::any_of(std::begin(signs), std::end(signs), [](const char* sign) {
    return std::getenv(sign) != nullptr;  // NOLINT(concurrency-mt-unsafe): at start
  });
}

/// Calls work(first number, how many) for parts that MPI can count.
template <typename Number, typename Work>
void InParts(std::span<Number> numbers, const Work& work) {
  for (std::size_t begin = 0; begin < numbers.size(); begin += kAtOnce) {
    const std::size_t count = std::min(kAtOnce, numbers.size() - begin);
    work(numbers.data() + begin, static_cast<int>(count));
  }
}

/// Every failure of MPI ends all processes, as is its own rule, so that no call returns an error.
class World : public MpiRanks {
 public:
  World() {
    MPI_Comm_rank(MPI_COMM_WORLD, &index_);
    MPI_Comm_size(MPI_COMM_WORLD, &count_);
    MPI_Comm machine = MPI_COMM_NULL;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, index_, MPI_INFO_NULL, &machine);
    MPI_Comm_rank(machine, &local_index_);
    MPI_Comm_free(&machine);
  }

  int index() const override { return index_; }

  int count() const override { return count_; }

  int local_index() const override { return local_index_; }

  void Sum(std::span<std::int64_t> numbers) override { Reduce(numbers, MPI_INT64_T); }

  void Sum(std::span<double> numbers) override { Reduce(numbers, MPI_DOUBLE); }

  void Sum(std::span<float> numbers) override { Reduce(numbers, MPI_FLOAT); }

  void Share(std::span<float> numbers) override {
    InParts(numbers,
            [](float* first, int count) { MPI_Bcast(first, count, MPI_FLOAT, 0, MPI_COMM_WORLD); });
  }

  Bytes Share(Bytes bytes) override {
    std::uint64_t size = bytes.size();
    MPI_Bcast(&size, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    bytes.resize(size);
    InParts(std::span(bytes), [](std::uint8_t* first, int count) {
      MPI_Bcast(first, count, MPI_BYTE, 0, MPI_COMM_WORLD);
    });
    return bytes;
  }

 private:
  template <typename Number>
  void Reduce(std::span<Number> numbers, MPI_Datatype type) const {
    InParts(numbers, [&](Number* first, int count) {
      const void* const from = index_ == 0 ? MPI_IN_PLACE : first;
      MPI_Reduce(from, first, count, type, MPI_SUM, 0, MPI_COMM_WORLD);
    });
  }

  int index_ = 0;
  int count_ = 1;
  int local_index_ = 0;
};

bool IsRunning() {
  int begun = 0;
  int ended = 0;
  MPI_Initialized(&begun);
  MPI_Finalized(&ended);
  return begun != 0 && ended == 0;
}

}  // namespace

Result<std::unique_ptr<MpiRanks>> MpiRanks::Join() {
  const int started = StartedTogether();
  if (!WasLaunched() && started == 1) {
    return std::unique_ptr<MpiRanks>();
  }
  int level = 0;
  // Only the main thread calls MPI; packs are trained on others.
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level);
  if (level < MPI_THREAD_FUNNELED) {
    return Fail(ErrorCode::kUnsupported,
                "this MPI library does not allow threads: use one that offers "
                "MPI_THREAD_FUNNELED");
  }
  auto world = std::make_unique<World>();
  if (world->count() < started) {
    return Fail(ErrorCode::kFailedPrecondition,
                "started as one of " + std::to_string(started) + " processes, but MPI sees "
                    + std::to_string(world->count())
                    + ": start them with the launcher of this MPI library (srun --mpi=pmix for "
                      "Open MPI)");
  }
  return std::unique_ptr<MpiRanks>(std::move(world));
}

void EndRanks(int exit_code) {
  if (!IsRunning()) {
    return;
  }
  if (exit_code != 0) {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
  }
  MPI_Finalize();
}

}  // namespace rondo::sim
