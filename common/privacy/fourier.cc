#include "common/privacy/fourier.h"

#include <bit>
#include <cmath>
#include <utility>
#include <vector>

#include "common/core/check.h"

namespace rondo {
namespace {

using Complex = std::complex<double>;

void ReverseBits(std::span<Complex> values) {
  for (std::size_t i = 1, j = 0; i < values.size(); ++i) {
    std::size_t bit = values.size() >> 1;
    for (; (j & bit) != 0; bit >>= 1) {
      j ^= bit;
    }
    j ^= bit;
    if (i < j) {
      std::swap(values[i], values[j]);
    }
  }
}

/// e^(-2 pi i k / n) for k < n / 2, each from its own sine: products would add up errors.
std::vector<Complex> Roots(std::size_t n) {
  std::vector<Complex> roots(n / 2);
  for (std::size_t k = 0; k < roots.size(); ++k) {
    const double angle = -2.0 * M_PI * static_cast<double>(k) / static_cast<double>(n);
    roots[k] = {std::cos(angle), std::sin(angle)};
  }
  return roots;
}

}  // namespace

void FourierTransform(std::span<Complex> values) {
  const std::size_t n = values.size();
  RONDO_CHECK(std::has_single_bit(n));
  ReverseBits(values);
  const std::vector<Complex> roots = Roots(n);
  for (std::size_t half = 1; half < n; half *= 2) {
    const std::size_t stride = n / (2 * half);
    for (std::size_t block = 0; block < n; block += 2 * half) {
      for (std::size_t k = 0; k < half; ++k) {
        Complex& a = values[block + k];
        Complex& b = values[block + k + half];
        const Complex& root = roots[k * stride];
        // By hand: the operator also cares for infinities, several times slower.
        const Complex turned(b.real() * root.real() - b.imag() * root.imag(),
                             b.real() * root.imag() + b.imag() * root.real());
        b = a - turned;
        a += turned;
      }
    }
  }
}

void InverseFourierTransform(std::span<Complex> values) {
  const double scale = 1.0 / static_cast<double>(values.size());
  for (Complex& value : values) {
    value = std::conj(value);
  }
  FourierTransform(values);
  for (Complex& value : values) {
    value = std::conj(value) * scale;
  }
}

}  // namespace rondo
