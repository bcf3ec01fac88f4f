#include "simulations/bench_workload.h"

#include <cstring>
#include <numeric>

#include "common/core/file.h"

namespace rondo::sim {
namespace {

constexpr std::size_t kUsers = 1000;
constexpr std::size_t kLength = 50;
constexpr std::size_t kCohorts = 6;
constexpr std::size_t kCohortSize = 100;
constexpr std::size_t kInstitutions = 8;
constexpr std::int64_t kItems = 3706;

template <typename T>
Result<std::vector<T>> ReadArray(const std::filesystem::path& path, std::size_t count) {
  RONDO_TRY(const Bytes bytes, ReadFile(path, count * sizeof(T)));
  if (bytes.size() != count * sizeof(T)) {
    return Fail(ErrorCode::kCorrupt,
                "'" + path.string() + "' has " + std::to_string(bytes.size()) + " bytes, expected "
                    + std::to_string(count * sizeof(T)));
  }
  std::vector<T> values(count);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

/// The padding-free tail of row `user` of a [kUsers, kLength] table.
std::vector<ItemRow> Unpad(const std::vector<std::int32_t>& table, std::size_t user) {
  const auto row = table.begin() + static_cast<std::ptrdiff_t>(user * kLength);
  std::vector<ItemRow> items;
  std::copy_if(
      row, row + kLength, std::back_inserter(items), [](std::int32_t item) { return item != 0; });
  return items;
}

ClientData MakeClient(const BenchWorkload& workload,
                      ClientId id,
                      std::span<const std::uint32_t> users) {
  ClientData client{.id = std::move(id)};
  for (const std::uint32_t user : users) {
    client.sequences.emplace_back(workload.sequences[user]);
    client.negatives.emplace_back(workload.negatives[user]);
  }
  return client;
}

Status ReadUsers(BenchWorkload& workload, const std::filesystem::path& folder) {
  RONDO_TRY(const auto seq,
            ReadArray<std::int32_t>(folder / "data_seq_i32_1000x50.bin", kUsers * kLength));
  RONDO_TRY(const auto pos,
            ReadArray<std::int32_t>(folder / "data_pos_i32_1000x50.bin", kUsers * kLength));
  RONDO_TRY(const auto neg,
            ReadArray<std::int32_t>(folder / "data_neg_i32_1000x50.bin", kUsers * kLength));
  for (std::size_t user = 0; user < kUsers; ++user) {
    std::vector<ItemRow> items = Unpad(seq, user);
    items.push_back(pos[user * kLength + kLength - 1]);
    workload.sequences.push_back(std::move(items));
    workload.negatives.push_back(Unpad(neg, user));
  }
  return Ok();
}

/// W1: 100 users a round, one client each.
Status MakeUserCohorts(BenchWorkload& workload, const std::filesystem::path& folder) {
  RONDO_TRY(const auto cohorts,
            ReadArray<std::int32_t>(folder / "cohorts_i32_6x100.bin", kCohorts * kCohortSize));
  std::vector<std::vector<ClientData>> all(kCohorts);
  for (std::size_t round = 0; round < kCohorts; ++round) {
    std::vector<ClientData>& cohort = all[round];
    for (std::size_t i = 0; i < kCohortSize; ++i) {
      const auto user = static_cast<std::uint32_t>(cohorts[round * kCohortSize + i]);
      if (user >= kUsers) {
        return Fail(ErrorCode::kCorrupt,
                    "cohorts_i32_6x100.bin names user " + std::to_string(user));
      }
      cohort.push_back(MakeClient(workload, "user-" + std::to_string(user), std::span(&user, 1)));
    }
  }
  workload.cohort = [all = std::move(all)](std::size_t round) {
    return all[round % all.size()];
  };
  workload.units_per_round = kCohortSize;
  return Ok();
}

std::vector<ClientData> SplitEvenly(const BenchWorkload& workload,
                                    std::size_t parts,
                                    const std::string& prefix) {
  std::vector<std::uint32_t> users(kUsers);
  std::iota(users.begin(), users.end(), 0);
  std::vector<ClientData> clients;
  const std::size_t size = kUsers / parts;
  for (std::size_t i = 0; i < parts; ++i) {
    clients.push_back(
        MakeClient(workload, prefix + std::to_string(i), std::span(users).subspan(i * size, size)));
  }
  return clients;
}

TrainTask TaskOf(const std::string& name) {
  TrainTask task;
  task.client.loss = "bce";
  task.client.negatives = 1;
  task.client.shuffle = false;
  task.client.optimizer = "sgd";
  task.client.learning_rate = name == "w1c" ? 0.5 : 0.1;
  task.client.batch_size = name == "w2" ? 32 : 1;
  task.client.steps = name == "w1c" ? 4 : 0;
  task.clip_norm = name == "w1c" ? 1.2 : 0.0;
  task.weighting.weighting = "uniform";
  task.weighting.max_weight = 1;
  return task;
}

}  // namespace

Result<BenchWorkload> LoadBenchWorkload(const std::string& name,
                                        const std::filesystem::path& folder) {
  if (name != "w1" && name != "w1c" && name != "w2") {
    return Fail(ErrorCode::kInvalidArgument,
                "unknown workload '" + name + "'; known are w1, w1c, w2, w3, w4 and noop");
  }
  BenchWorkload workload{.name = name};
  workload.model = {.width = 64, .blocks = 2, .heads = 1, .history = kLength, .dropout = 0.0};
  workload.items = kItems;
  RONDO_TRY_STATUS(ReadUsers(workload, folder));
  if (name == "w2") {
    workload.cohort = [all = SplitEvenly(workload, kInstitutions, "institution-")](std::size_t) {
      return all;
    };
    workload.units_per_round = kUsers;
  } else {
    RONDO_TRY_STATUS(MakeUserCohorts(workload, folder));
  }
  workload.loss_batches = SplitEvenly(workload, kUsers / 100, "batch-");
  RONDO_TRY(workload.initial.layout, ModelLayout(workload.model, kItems));
  RONDO_TRY(workload.initial.values,
            ReadArray<float>(folder / "init_weights_f32.bin", workload.initial.layout->size()));
  workload.task = TaskOf(name);
  RONDO_TRY(workload.task.grid, MakeGrid(PrivacyConfig{}, 1, kCohortSize));
  return workload;
}

}  // namespace rondo::sim
