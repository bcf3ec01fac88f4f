#pragma once

#include <cstdint>

namespace rondo {

/// A row-major matrix of floats with `stride` floats between the starts of rows.
struct MatrixView {
  float* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t stride = 0;
  bool transposed = false;  ///< as an operand: use its transpose

  MatrixView T() const { return {data, rows, columns, stride, !transposed}; }
};

/// Whether the program has a BLAS that shows its sgemm. A LibTorch with its BLAS inside may not.
bool HasGemm();

/// out = scale * a * b + keep * out, by the BLAS that serves LibTorch, without LibTorch's price of
/// microseconds a call. Needs HasGemm. Shapes must match; `out` is not transposed.
void Multiply(const MatrixView& a,
              const MatrixView& b,
              const MatrixView& out,
              float scale = 1.0F,
              float keep = 0.0F);

}  // namespace rondo
