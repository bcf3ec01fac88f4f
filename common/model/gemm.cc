#include "common/model/gemm.h"

#include <dlfcn.h>

#include "common/core/check.h"

namespace rondo {
namespace {

using Sgemm = void (*)(const char* transpose_a,
                       const char* transpose_b,
                       const int* m,
                       const int* n,
                       const int* k,
                       const float* alpha,
                       const float* a,
                       const int* lda,
                       const float* b,
                       const int* ldb,
                       const float* beta,
                       float* c,
                       const int* ldc);

Sgemm FindSgemm() {
  static const auto found = reinterpret_cast<Sgemm>(dlsym(RTLD_DEFAULT, "sgemm_"));
  return found;
}

}  // namespace

bool HasGemm() {
  return FindSgemm() != nullptr;
}

void Multiply(const MatrixView& a,
              const MatrixView& b,
              const MatrixView& out,
              float scale,
              float keep) {
  const std::int64_t inner = a.transposed ? a.rows : a.columns;
  RONDO_CHECK((a.transposed ? a.columns : a.rows) == out.rows
              && (b.transposed ? b.rows : b.columns) == out.columns
              && (b.transposed ? b.columns : b.rows) == inner && !out.transposed)
      << "shapes of a product follow from the layout";
  // BLAS counts columns first, so it sees every matrix transposed: out^T = b^T a^T.
  const int m = static_cast<int>(out.columns);
  const int n = static_cast<int>(out.rows);
  const int k = static_cast<int>(inner);
  const int lda = static_cast<int>(b.stride);
  const int ldb = static_cast<int>(a.stride);
  const int ldc = static_cast<int>(out.stride);
  FindSgemm()(b.transposed ? "T" : "N",
              a.transposed ? "T" : "N",
              &m,
              &n,
              &k,
              &scale,
              b.data,
              &lda,
              a.data,
              &ldb,
              &keep,
              out.data,
              &ldc);
}

}  // namespace rondo
