#include "common/model/row_math.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "common/core/clones.h"

namespace rondo {
namespace {

constexpr float kNormEpsilon = 1e-8F;

/// e^x for x <= 88, within 2 units in the last place; NaN stays NaN.
/// Source  Moshier's Cephes, expf.
[[gnu::always_inline]] inline float Exp(float x) {
  constexpr float kLowest = -87.0F;
  constexpr float kRounder = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  x = x < kLowest ? kLowest : x;
  const float n = (x * 1.44269504F + kRounder) - kRounder;
  const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  const float mantissa = p * r * r + r + 1.0F;
  return mantissa * std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23);
}

[[gnu::always_inline]] inline float Highest(const float* x, std::int64_t count) {
  float highest = x[0];
#pragma omp simd reduction(max : highest)
  for (std::int64_t i = 0; i < count; ++i) {
    highest = highest < x[i] ? x[i] : highest;
  }
  return highest;
}

/// x = exp(x - highest); returns the sum.
[[gnu::always_inline]] inline float ExpAndSum(float* x, std::int64_t count, float highest) {
  float total = 0.0F;
#pragma omp simd reduction(+ : total)
  for (std::int64_t i = 0; i < count; ++i) {
    x[i] = Exp(x[i] - highest);
    total += x[i];
  }
  return total;
}

// Rows that are asked of memory ahead of their turn, where a table is larger than the caches.
constexpr std::int64_t kAhead = 8;

/// Asks for row index[i + kAhead], a cache line at a time.
[[gnu::always_inline]] inline void Prefetch(const float* table,
                                            const std::int64_t* index,
                                            std::int64_t i,
                                            std::int64_t count,
                                            std::int64_t width) {
  constexpr std::int64_t kLine = 16;
  if (i + kAhead < count) {
    const float* const row = table + index[i + kAhead] * width;
    for (std::int64_t d = 0; d < width; d += kLine) {
      __builtin_prefetch(row + d);
    }
  }
}

}  // namespace

RONDO_CLONES void NormRows(const float* x,
                           std::int64_t rows,
                           std::int64_t width,
                           float* normal,
                           float* inverse) {
  const float share = 1.0F / static_cast<float>(width);
  for (std::int64_t row = 0; row < rows; ++row, x += width, normal += width) {
    float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t d = 0; d < width; ++d) {
      sum += x[d];
    }
    const float mean = sum * share;
    float squares = 0.0F;
#pragma omp simd reduction(+ : squares)
    for (std::int64_t d = 0; d < width; ++d) {
      squares += (x[d] - mean) * (x[d] - mean);
    }
    const float scale = 1.0F / std::sqrt(squares * share + kNormEpsilon);
    inverse[row] = scale;
#pragma omp simd
    for (std::int64_t d = 0; d < width; ++d) {
      normal[d] = (x[d] - mean) * scale;
    }
  }
}

RONDO_CLONES void ScaleShiftRows(const float* normal,
                                 const float* weight,
                                 const float* bias,
                                 std::int64_t rows,
                                 std::int64_t width,
                                 float* out) {
  for (std::int64_t row = 0; row < rows; ++row, normal += width, out += width) {
#pragma omp simd
    for (std::int64_t d = 0; d < width; ++d) {
      out[d] = normal[d] * weight[d] + bias[d];
    }
  }
}

RONDO_CLONES void NormRowsBackward(const float* to_out,
                                   const float* normal,
                                   const float* inverse,
                                   const float* weight,
                                   std::int64_t rows,
                                   std::int64_t width,
                                   float* to_x,
                                   float* to_weight,
                                   float* to_bias) {
  const float share = 1.0F / static_cast<float>(width);
  for (std::int64_t row = 0; row < rows; ++row) {
    float sum = 0.0F;
    float product = 0.0F;
#pragma omp simd reduction(+ : sum, product)
    for (std::int64_t d = 0; d < width; ++d) {
      const float g = to_out[d] * weight[d];
      sum += g;
      product += g * normal[d];
      to_weight[d] += to_out[d] * normal[d];
      to_bias[d] += to_out[d];
    }
    const float mean = sum * share;
    const float slope = product * share;
#pragma omp simd
    for (std::int64_t d = 0; d < width; ++d) {
      to_x[d] += inverse[row] * (to_out[d] * weight[d] - mean - normal[d] * slope);
    }
    to_out += width;
    normal += width;
    to_x += width;
  }
}

RONDO_CLONES void SoftmaxRows(float* scores, std::int64_t length, bool causal) {
  for (std::int64_t row = 0; row < length; ++row, scores += length) {
    const std::int64_t seen = causal ? row + 1 : length;
    const float total = ExpAndSum(scores, seen, Highest(scores, seen));
    const float scale = 1.0F / total;
#pragma omp simd
    for (std::int64_t i = 0; i < seen; ++i) {
      scores[i] *= scale;
    }
    std::fill(scores + seen, scores + length, 0.0F);
  }
}

RONDO_CLONES void SoftmaxRowsBackward(const float* shares,
                                      std::int64_t length,
                                      bool causal,
                                      float* gradient) {
  for (std::int64_t row = 0; row < length; ++row, shares += length, gradient += length) {
    const std::int64_t seen = causal ? row + 1 : length;
    float product = 0.0F;
#pragma omp simd reduction(+ : product)
    for (std::int64_t i = 0; i < seen; ++i) {
      product += shares[i] * gradient[i];
    }
#pragma omp simd
    for (std::int64_t i = 0; i < seen; ++i) {
      gradient[i] = shares[i] * (gradient[i] - product);
    }
    std::fill(gradient + seen, gradient + length, 0.0F);
  }
}

RONDO_CLONES float CrossEntropyRow(float* logits,
                                   std::int64_t count,
                                   std::int64_t chosen,
                                   float factor) {
  const float score = logits[chosen];
  const float highest = Highest(logits, count);
  const float total = ExpAndSum(logits, count, highest);
  const float scale = factor / total;
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    logits[i] *= scale;
  }
  logits[chosen] -= factor;
  return std::log(total) + highest - score;
}

float BinaryCrossEntropyRow(float* scores, std::int64_t count, float factor, float target_factor) {
  float loss = 0.0F;
  for (std::int64_t i = 0; i < count; ++i) {
    const float x = i == 0 ? -scores[i] : scores[i];  // of the class that is wrong
    const float below = std::exp(-std::abs(x));
    const float weight = i == 0 ? target_factor : 1.0F;
    loss += weight * (std::max(x, 0.0F) + std::log1p(below));
    const float slope = (x >= 0.0F ? 1.0F : below) / (1.0F + below);
    // NaN stays NaN: `below` is NaN then.
    scores[i] = factor * (i == 0 ? -weight * slope : slope);
  }
  return loss;
}

float PairwiseRankingRow(float* scores, std::int64_t count, float factor) {
  const float target = scores[0];
  float loss = 0.0F;
  float slopes = 0.0F;
  for (std::int64_t i = 1; i < count; ++i) {
    const float x = scores[i] - target;
    const float below = std::exp(-std::abs(x));
    loss += std::max(x, 0.0F) + std::log1p(below);
    const float slope = factor * (x >= 0.0F ? 1.0F : below) / (1.0F + below);
    scores[i] = slope;
    slopes += slope;
  }
  scores[0] = -slopes;
  return loss;
}

RONDO_CLONES void ScoreRows(const float* state,
                            const float* table,
                            const std::int64_t* index,
                            std::int64_t count,
                            std::int64_t width,
                            float* scores) {
  for (std::int64_t i = 0; i < count; ++i) {
    Prefetch(table, index, i, count, width);
    const float* const row = table + index[i] * width;
    float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t d = 0; d < width; ++d) {
      sum += state[d] * row[d];
    }
    scores[i] = sum;
  }
}

RONDO_CLONES void ScoreRowsBackward(const float* to_score,
                                    const float* state,
                                    const float* table,
                                    const std::int64_t* index,
                                    std::int64_t count,
                                    std::int64_t width,
                                    float* to_state,
                                    float* to_table) {
  for (std::int64_t i = 0; i < count; ++i) {
    Prefetch(to_table, index, i, count, width);
    const float slope = to_score[i];
    const float* const row = table + index[i] * width;
    float* const to_row = to_table + index[i] * width;
#pragma omp simd
    for (std::int64_t d = 0; d < width; ++d) {
      to_state[d] += slope * row[d];
      to_row[d] += slope * state[d];
    }
  }
}

RONDO_CLONES void AddScaledRow(float scale, const float* x, std::int64_t width, float* to) {
#pragma omp simd
  for (std::int64_t d = 0; d < width; ++d) {
    to[d] += scale * x[d];
  }
}

RONDO_CLONES void AddColumnSums(const float* x, std::int64_t rows, std::int64_t width, float* out) {
  for (std::int64_t row = 0; row < rows; ++row, x += width) {
#pragma omp simd
    for (std::int64_t d = 0; d < width; ++d) {
      out[d] += x[d];
    }
  }
}

RONDO_CLONES void AddBiasRows(const float* bias, std::int64_t rows, std::int64_t width, float* x) {
  for (std::int64_t row = 0; row < rows; ++row, x += width) {
#pragma omp simd
    for (std::int64_t d = 0; d < width; ++d) {
      x[d] += bias[d];
    }
  }
}

RONDO_CLONES void AddBiasReluRows(const float* bias,
                                  std::int64_t rows,
                                  std::int64_t width,
                                  float* x) {
  for (std::int64_t row = 0; row < rows; ++row, x += width) {
#pragma omp simd
    for (std::int64_t d = 0; d < width; ++d) {
      const float sum = x[d] + bias[d];
      x[d] = sum < 0.0F ? 0.0F : sum;  // NaN stays NaN
    }
  }
}

RONDO_CLONES void ScaleInPlace(const float* factor, std::int64_t count, float* x) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    x[i] *= factor[i];
  }
}

RONDO_CLONES void AddInPlace(const float* term, std::int64_t count, float* x) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    x[i] += term[i];
  }
}

RONDO_CLONES void PassPositive(const float* output, std::int64_t count, float kept, float* x) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    x[i] = output[i] > 0.0F ? x[i] * kept : 0.0F;
  }
}

}  // namespace rondo
