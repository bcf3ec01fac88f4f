#include "common/model/device.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>

#include <torch/torch.h>

#include "common/core/memory.h"
#include "common/model/trainer.h"

namespace rondo {
namespace {

template <typename Function>
Function Symbol(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}

/// Packs are spread over our own threads, so every library underneath stays on one.
void TuneThreads() {
  at::set_num_threads(1);
  if (auto* set_openmp = Symbol<void (*)(int)>("omp_set_num_threads")) {
    set_openmp(1);
  }
  if (auto* set_openblas = Symbol<void (*)(int)>("openblas_set_num_threads")) {
    set_openblas(1);
  }
}

template <typename Value>
at::Tensor Copy(const std::vector<Value>& from,
                const std::vector<std::int64_t>& shape,
                at::ScalarType type,
                const at::Device& device) {
  at::Tensor tensor = at::empty(shape, type);
  std::copy(from.begin(), from.end(), tensor.data_ptr<Value>());
  return ToDevice(tensor, device);
}

/// Which library serves sgemm, and whether it is the slow reference BLAS.
void DescribeBlas(DeviceInfo& info) {
  void* sgemm = dlsym(RTLD_DEFAULT, "sgemm_");
  Dl_info where{};
  std::string path;
  if (sgemm != nullptr && dladdr(sgemm, &where) != 0 && where.dli_fname != nullptr) {
    std::error_code ignored;
    path = std::filesystem::canonical(where.dli_fname, ignored).string();
    path = path.empty() ? where.dli_fname : path;
  }
  if (auto* config = Symbol<const char* (*)()>("openblas_get_config")) {
    const std::string text = config();  // e.g. "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..."
    info.blas = text.substr(0, text.find(' ', text.find(' ') + 1)) + " (" + path + ")";
  } else if (at::hasMKL()) {
    info.blas = "MKL";
  } else if (path.find("/blas/libblas") != std::string::npos) {  // Debian's libblas3
    info.blas = "reference (" + path + ")";
    info.slow_blas = true;
  } else {
    info.blas = path.empty() ? "inside LibTorch" : path;
  }
}

}  // namespace

Result<at::Device> FindDevice(const std::string& word) {
  const bool numbered = word.starts_with("cuda:");
  if (word == "cpu") {
    return at::Device(at::kCPU);
  }
  if (word != "auto" && word != "cuda" && !numbered) {
    return Fail(ErrorCode::kInvalidArgument,
                "device '" + word + "' is unknown: use auto, cpu, cuda or cuda:<number>");
  }
  const auto count = static_cast<int>(torch::cuda::device_count());
  int number = 0;
  if (numbered) {
    const char* const end = word.data() + word.size();
    const auto parsed = std::from_chars(word.data() + 5, end, number);
    if (parsed.ec != std::errc() || parsed.ptr != end || number < 0) {
      return Fail(ErrorCode::kInvalidArgument,
                  "device '" + word + "' has no number after the colon: use cuda:0");
    }
  }
  if (number < count) {
    return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(number));
  }
  if (word == "auto") {
    return at::Device(at::kCPU);
  }
  return Fail(ErrorCode::kUnavailable,
              "device '" + word + "' was asked for, but LibTorch sees "
                  + (count == 0 ? "no GPU" : std::to_string(count) + " GPUs")
                  + ": use auto or cpu, or a LibTorch built for CUDA");
}

std::string DeviceOfRank(const std::string& device, int rank) {
  const auto count = static_cast<int>(torch::cuda::device_count());
  return device == "cpu" || count == 0 ? device : "cuda:" + std::to_string(rank % count);
}

Result<DeviceInfo> PrepareTorch(const EngineConfig& engine) {
  RONDO_TRY(const at::Device found, FindDevice(engine.device));
  if (engine.precision != "float32" && found.is_cpu()) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "precision '" + engine.precision + "' needs a GPU, and this run uses the CPU: use float32");
  }
  at::globalContext().setAllowTF32CuBLAS(engine.precision == "tf32");
  KeepFreedMemory();
  TuneThreads();
  DeviceInfo info{.device = found.str()};
  DescribeBlas(info);
  return info;
}

at::Tensor ToDevice(const at::Tensor& host, const at::Device& device) {
  return device.is_cuda() ? host.pin_memory().to(device, /*non_blocking=*/true) : host;
}

at::Tensor FromHost(const std::vector<std::int64_t>& from,
                    const std::vector<std::int64_t>& shape,
                    const at::Device& device) {
  return Copy(from, shape, at::kLong, device);
}

at::Tensor FromHost(const std::vector<float>& from,
                    const std::vector<std::int64_t>& shape,
                    const at::Device& device) {
  return Copy(from, shape, at::kFloat, device);
}

at::Tensor FromHost(const std::vector<double>& from,
                    const std::vector<std::int64_t>& shape,
                    const at::Device& device) {
  return Copy(from, shape, at::kDouble, device);
}

}  // namespace rondo
