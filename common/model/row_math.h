#pragma once

#include <cstdint>

/// Loops over rows of numbers that LibTorch would split into many passes over memory. Free of
/// LibTorch; compiled for several instruction sets, of which the machine's best runs.
namespace rondo {

/// normal = (x - mean) / sqrt(variance + 1e-8) of each row, and inverse = 1 / sqrt(...).
/// Shapes  x, normal [rows, width]; inverse [rows].
void NormRows(const float* x, std::int64_t rows, std::int64_t width, float* normal, float* inverse);

/// out = normal * weight + bias. Shapes  normal, out [rows, width]; weight, bias [width].
void ScaleShiftRows(const float* normal,
                    const float* weight,
                    const float* bias,
                    std::int64_t rows,
                    std::int64_t width,
                    float* out);

/// The gradients of NormRows followed by ScaleShiftRows: adds to `to_x`, `to_weight`, `to_bias`.
void NormRowsBackward(const float* to_out,
                      const float* normal,
                      const float* inverse,
                      const float* weight,
                      std::int64_t rows,
                      std::int64_t width,
                      float* to_x,
                      float* to_weight,
                      float* to_bias);

/// Softmax of each row of scores [length, length], in place. Causal: row i has columns 0 .. i, and
/// zeros after them.
void SoftmaxRows(float* scores, std::int64_t length, bool causal);

/// The gradient of SoftmaxRows: replaces `gradient` [length, length] of the shares by that of the
/// scores.
void SoftmaxRowsBackward(const float* shares, std::int64_t length, bool causal, float* gradient);

/// One row of cross entropy: replaces logits [count] by softmax * factor with `factor` taken off at
/// `chosen`, the gradient of factor * loss. Returns the loss.
float CrossEntropyRow(float* logits, std::int64_t count, std::int64_t chosen, float factor);

/// Binary cross entropy of scores[0], a target whose term counts `target_factor` times, against the
/// others: replaces the scores [count] by the gradient of factor * loss. Returns the loss.
float BinaryCrossEntropyRow(float* scores, std::int64_t count, float factor, float target_factor);

/// The sum over the others of softplus(score - scores[0]), in the same way.
float PairwiseRankingRow(float* scores, std::int64_t count, float factor);

/// scores[i] = state . table[index[i]].
/// Shapes  state [width]; table [rows, width]; index, scores [count].
void ScoreRows(const float* state,
               const float* table,
               const std::int64_t* index,
               std::int64_t count,
               std::int64_t width,
               float* scores);

/// The gradient of ScoreRows, `to_score` being that of the scores: adds to `to_state` and
/// `to_table`.
void ScoreRowsBackward(const float* to_score,
                       const float* state,
                       const float* table,
                       const std::int64_t* index,
                       std::int64_t count,
                       std::int64_t width,
                       float* to_state,
                       float* to_table);

/// to += scale * x.
void AddScaledRow(float scale, const float* x, std::int64_t width, float* to);

/// out[d] += sum over rows of x[row, d].
void AddColumnSums(const float* x, std::int64_t rows, std::int64_t width, float* out);

/// x += bias, row by row.
void AddBiasRows(const float* bias, std::int64_t rows, std::int64_t width, float* x);

/// x = max(x + bias, 0), row by row.
void AddBiasReluRows(const float* bias, std::int64_t rows, std::int64_t width, float* x);

/// x *= factor, element by element.
void ScaleInPlace(const float* factor, std::int64_t count, float* x);

/// x += term, element by element.
void AddInPlace(const float* term, std::int64_t count, float* x);

/// x = x * kept where `output` > 0 and 0 elsewhere: the gradient of relu followed by dropout.
void PassPositive(const float* output, std::int64_t count, float kept, float* x);

}  // namespace rondo
