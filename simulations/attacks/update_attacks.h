#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "common/core/rng.h"
#include "common/core/workers.h"

/// Updates that hostile clients send instead of what they trained.
namespace rondo::sim {

/// What an attacker knows, and how strong it is.
struct AttackView {
  std::span<const std::span<const float>> honest;  ///< updates of the round; at least one
  double strength = 0.0;                           ///< 0: the attack's own
  Rng& rng;
  Workers& workers;
};

/// `update` holds what the attacker trained, and then what it sends.
using UpdateAttack = void (*)(const AttackView& view, std::span<float> update);

/// -strength times the own update; 1.
/// Source  Li et al. 2019 (RSA), sign-flipping attack.
void FlipSign(const AttackView& view, std::span<float> update);

/// strength times the own update; 10.
/// Source  Bagdasaryan et al. 2020, model replacement.
void ScaleUpdate(const AttackView& view, std::span<float> update);

/// Every coordinate from a normal distribution of standard deviation strength; 1.
/// Source  Blanchard et al. 2017, Gaussian Byzantine.
void SendNoise(const AttackView& view, std::span<float> update);

/// Nothing but NaN, infinity, or zero.
void SendNan(const AttackView& view, std::span<float> update);
void SendInfinity(const AttackView& view, std::span<float> update);
void SendZero(const AttackView& view, std::span<float> update);

/// -strength times the mean of the honest updates; 2.
/// Source  Xie et al. 2020, inner-product manipulation.
void ManipulateInnerProduct(const AttackView& view, std::span<float> update);

/// The mean of the honest updates plus strength times their coordinate-wise standard deviation
/// (unbiased); 1.5.
/// Source  Baruch et al. 2019, "A little is enough".
void SendALittle(const AttackView& view, std::span<float> update);

/// Mean - gamma * standard deviation, with the largest gamma that leaves no honest update farther
/// away than the farthest two honest ones are from each other; strength multiplies gamma; 1.
/// Source  Shejwalkar and Houmansadr 2021, section V, min-max, with the perturbation "inverse
/// standard deviation"; gamma in closed form.
void MinMax(const AttackView& view, std::span<float> update);

/// The same, with the largest gamma whose sum of squared distances to all honest updates is at most
/// that of any honest one.
/// Source  the same, min-sum.
void MinSum(const AttackView& view, std::span<float> update);

/// The honest update number strength, counted from 0; 0.
/// Source  Karimireddy et al. 2022, mimic.
void Mimic(const AttackView& view, std::span<float> update);

struct UpdateAttackEntry {
  const char* name;
  UpdateAttack attack;
};

/// All there are; a new one is a function and a line.
std::span<const UpdateAttackEntry> UpdateAttacks();

/// Null if there is none of this name.
UpdateAttack FindUpdateAttack(std::string_view name);

}  // namespace rondo::sim
