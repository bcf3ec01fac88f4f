#include "common/model/device.h"

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
  if (word == "cpu") {
    return at::Device(at::kCPU);
  }
  if (word != "auto" && word != "cuda") {
    return Fail(ErrorCode::kInvalidArgument,
                "device '" + word + "' is unknown: use auto, cpu or cuda");
  }
  if (torch::cuda::is_available()) {
    return at::Device(at::kCUDA, 0);
  }
  if (word == "cuda") {
    return Fail(ErrorCode::kUnavailable,
                "device 'cuda' was asked for, but LibTorch sees no GPU: use auto or cpu, or a "
                "LibTorch built for CUDA");
  }
  return at::Device(at::kCPU);
}

Result<DeviceInfo> PrepareTorch(const std::string& device) {
  RONDO_TRY(const at::Device found, FindDevice(device));
  KeepFreedMemory();
  TuneThreads();
  DeviceInfo info{.device = found.str()};
  DescribeBlas(info);
  return info;
}

}  // namespace rondo
