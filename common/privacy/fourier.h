#pragma once

#include <complex>
#include <span>

namespace rondo {

/// Discrete Fourier transform in place, sum over j of values[j] e^(-2 pi i j k / n), without a
/// factor. Shapes  values [n], n a power of two.
void FourierTransform(std::span<std::complex<double>> values);

/// Its inverse, with the factor 1 / n.
void InverseFourierTransform(std::span<std::complex<double>> values);

}  // namespace rondo
