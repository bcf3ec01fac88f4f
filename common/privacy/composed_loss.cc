#include "common/privacy/composed_loss.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>

#include "common/privacy/fourier.h"
#include "common/privacy/gaussian_curve.h"

namespace rondo {
namespace {

using Complex = std::complex<double>;

constexpr std::size_t kFewestCells = std::size_t{1} << 16;
constexpr std::size_t kMostCells = std::size_t{1} << 19;
/// The variance that the grid may add to the summed loss, as far as kMostCells goes.
constexpr double kWantedVariance = 2e-6;
/// Losses whose exponential could overflow together with the masses beside them.
constexpr double kLargestExponent = 600.0;

/// Loss j * step lives at j for j >= 0, and at n + j below: sums of losses wrap around.
struct Grid {
  std::size_t cells = 0;
  double step = 0.0;

  long top() const { return static_cast<long>(cells / 2) - 1; }

  std::size_t Place(long j) const {
    return static_cast<std::size_t>(j < 0 ? j + static_cast<long>(cells) : j);
  }
};

Grid ChooseGrid(std::int64_t rounds, double reach) {
  Grid grid{.cells = kFewestCells};
  const auto step = [&] {
    return reach / static_cast<double>(grid.top());
  };
  const auto variance = [&] {
    return static_cast<double>(rounds) * step() * step() / 4.0;
  };
  while (variance() > kWantedVariance && grid.cells < kMostCells) {
    grid.cells *= 2;
  }
  grid.step = step();
  return grid;
}

/// One release on the grid: mass of either direction, and what lies above it.
struct OneRelease {
  std::vector<Complex> mass;  ///< real: removed, imaginary: added
  double removed_beyond = 0.0;
  double added_beyond = 0.0;
};

/// A boundary between cells on the axis of the noise.
struct Boundary {
  double z = 0.0;
  double noise_tail = 0.0;    ///< of N(0, noise^2), on the side of z
  double shifted_tail = 0.0;  ///< of N(1, noise^2)
};

Boundary BoundaryAt(double rate, double noise, double loss) {
  const double z = PointOfLoss(rate, noise, loss);
  return {
      .z = z, .noise_tail = NormalTail(z / noise), .shifted_tail = NormalTail((z - 1.0) / noise)};
}

/// Mass between two points of a law around `centre`, without cancellation in the tails.
double Between(double a, double b, double tail_a, double tail_b, double centre) {
  if (a >= centre) {
    return tail_a - tail_b;
  }
  return b <= centre ? tail_b - tail_a : 1.0 - tail_a - tail_b;
}

class Discretiser {
 public:
  Discretiser(double rate, double noise, const Grid& grid)
      : rate_(rate),
        noise_(noise),
        grid_(grid),
        whole_(-std::expm1(-grid.step)) {
    release_.mass.resize(grid.cells);
  }

  OneRelease Run() && {
    const long top = grid_.top();
    Boundary below = At(-top);
    AddBelow(below);
    for (long j = -top; j < top; ++j) {
      const Boundary above = At(j + 1);
      AddCell(j, below, above);
      below = above;
    }
    AddAbove(below);
    return std::move(release_);
  }

 private:
  Boundary At(long j) const {
    return BoundaryAt(rate_, noise_, static_cast<double>(j) * grid_.step);
  }

  double Mixed(double noise_mass, double shifted_mass) const {
    return (1.0 - rate_) * noise_mass + rate_ * shifted_mass;
  }

  void Put(long j, double removed, double added) {
    release_.mass[grid_.Place(j)] += Complex(removed, added);
  }

  /// Losses below -top when somebody is removed are losses above top when added.
  void AddBelow(const Boundary& lowest) {
    if (std::isinf(lowest.z)) {
      return;
    }
    const double noise_mass = lowest.z <= 0.0 ? lowest.noise_tail : 1.0 - lowest.noise_tail;
    const double shifted_mass = lowest.z <= 1.0 ? lowest.shifted_tail : 1.0 - lowest.shifted_tail;
    Put(-grid_.top(), Mixed(noise_mass, shifted_mass), 0.0);
    release_.added_beyond = noise_mass;
  }

  void AddAbove(const Boundary& highest) {
    const double noise_mass = highest.z >= 0.0 ? highest.noise_tail : 1.0 - highest.noise_tail;
    const double shifted_mass =
        highest.z >= 1.0 ? highest.shifted_tail : 1.0 - highest.shifted_tail;
    release_.removed_beyond = Mixed(noise_mass, shifted_mass);
    Put(-grid_.top(), 0.0, noise_mass);
  }

  /// The cell between losses j and j + 1, which are -j - 1 and -j when somebody is added.
  void AddCell(long j, const Boundary& below, const Boundary& above) {
    if (std::isinf(above.z)) {
      return;
    }
    const double n0 = Between(below.z, above.z, below.noise_tail, above.noise_tail, 0.0);
    const double n1 = Between(below.z, above.z, below.shifted_tail, above.shifted_tail, 1.0);
    const double mixed = Mixed(n0, n1);
    const double low = static_cast<double>(j) * grid_.step;
    const double high = low + grid_.step;
    double removed_up = mixed;
    double added_up = n0;
    if (high < kLargestExponent) {
      removed_up = rate_ * (n1 - Ratio(low) * n0) / whole_;
      added_up = rate_ * std::exp(-high) * (Ratio(high) * n0 - n1) / whole_;
    }
    removed_up = std::clamp(removed_up, 0.0, mixed);
    added_up = std::clamp(added_up, 0.0, n0);
    Put(j + 1, removed_up, 0.0);
    Put(j, mixed - removed_up, 0.0);
    Put(-j, 0.0, added_up);
    Put(-j - 1, 0.0, n0 - added_up);
  }

  /// N(1) / N(0) where the mixture has privacy loss `loss`; below 0 at losses that it never has.
  double Ratio(double loss) const { return 1.0 + std::expm1(loss) / rate_; }

  double rate_ = 0.0;
  double noise_ = 0.0;
  Grid grid_;
  double whole_ = 0.0;
  OneRelease release_;
};

/// P(sum of losses > reach) by Chernoff, for the law on the grid.
double TailBound(const OneRelease& release,
                 const Grid& grid,
                 bool added,
                 double rounds,
                 const LossWindow& window) {
  const auto mass_at = [&](long j) {
    const Complex& mass = release.mass[grid.Place(j)];
    return added ? mass.imag() : mass.real();
  };
  // E[e^(tilt l)] with its largest factor taken out.
  double largest = -std::numeric_limits<double>::infinity();
  for (long j = -grid.top(); j <= grid.top(); ++j) {
    if (const double mass = mass_at(j); mass > 0.0) {
      largest =
          std::max(largest, window.tilt * grid.step * static_cast<double>(j) + std::log(mass));
    }
  }
  double sum = 0.0;
  for (long j = -grid.top(); j <= grid.top(); ++j) {
    if (const double mass = mass_at(j); mass > 0.0) {
      sum += mass * std::exp(window.tilt * grid.step * static_cast<double>(j) - largest);
    }
  }
  return std::exp(std::min(0.0,
                           rounds * (largest + std::log(sum))
                               - window.tilt * grid.step * static_cast<double>(grid.top() + 1)));
}

/// z^rounds.
Complex Power(const Complex& z, double rounds) {
  const double size = std::abs(z);
  return size == 0.0 ? Complex() : std::polar(std::pow(size, rounds), rounds * std::arg(z));
}

/// The law of the sum of `rounds` losses, in place: both directions in one transform, since those
/// of real numbers are symmetric.
void Compose(std::vector<Complex>& mass, double rounds) {
  const std::size_t n = mass.size();
  FourierTransform(mass);
  for (std::size_t k = 0; k <= n / 2; ++k) {
    const std::size_t mirror = (n - k) % n;
    const Complex a = mass[k];
    const Complex b = std::conj(mass[mirror]);
    const Complex removed = Power(0.5 * (a + b), rounds);
    const Complex added = Power(Complex(0.0, -0.5) * (a - b), rounds);
    const Complex i(0.0, 1.0);
    mass[k] = removed + i * added;
    mass[mirror] = std::conj(removed) + i * std::conj(added);
  }
  InverseFourierTransform(mass);
}

/// Estimates the summed rounding errors of Compose in one direction from above: a coefficient is
/// off by u log n relative to the largest, a power multiplies that by rounds, and n errors whose
/// length is relative to `norm`, that of the masses, are added up as if of one sign.
double Rounding(double norm, std::size_t n, double rounds) {
  const double unit = std::numeric_limits<double>::epsilon();
  const auto size = static_cast<double>(n);
  return unit * std::log2(size) * (1.0 + rounds) * norm * std::sqrt(size);
}

LossLaw LawOf(const std::vector<Complex>& sum,
              const Grid& grid,
              bool added,
              double rounds,
              double beyond) {
  const auto part = [&](const Complex& mass) {
    return added ? mass.imag() : mass.real();
  };
  double squares = 0.0;
  for (const Complex& mass : sum) {
    squares += part(mass) * part(mass);
  }
  std::vector<double> positive;
  for (long j = 1; j <= grid.top() + 1; ++j) {
    positive.push_back(part(sum[grid.Place(j)]));
  }
  return {
      std::move(positive), grid.step, beyond + Rounding(std::sqrt(squares), sum.size(), rounds)};
}

}  // namespace

LossLaw::LossLaw(std::vector<double> mass, double step, double beyond)
    : mass_(std::move(mass)),
      step_(step),
      beyond_(beyond) {}

double LossLaw::Delta(double epsilon) const {
  double delta = beyond_;
  for (std::size_t i = mass_.size(); i-- > 0;) {
    const double loss = static_cast<double>(i + 1) * step_;
    if (loss <= epsilon) {
      break;
    }
    delta -= mass_[i] * std::expm1(epsilon - loss);
  }
  return std::clamp(delta, 0.0, 1.0);
}

std::optional<double> LossLaw::Epsilon(double delta) const {
  if (beyond_ >= delta) {
    return std::nullopt;
  }
  // Delta is `above` - e^(epsilon - loss) * `scaled` between two neighbours on the grid. From the
  // top, so that rounding may only stop the walk too early.
  double above = beyond_;
  double scaled = 0.0;
  for (std::size_t i = mass_.size(); i-- > 0;) {
    above += mass_[i];
    scaled = mass_[i] + std::exp(-step_) * scaled;
    if (above - std::exp(-step_) * scaled > delta) {
      const double loss = static_cast<double>(i + 1) * step_;
      return std::max(loss + std::log((above - delta) / scaled), 0.0);
    }
  }
  return 0.0;
}

double ComposedLoss::Delta(double epsilon) const {
  return std::max(removed.Delta(epsilon), added.Delta(epsilon));
}

std::optional<double> ComposedLoss::Epsilon(double delta) const {
  const std::optional<double> one = removed.Epsilon(delta);
  const std::optional<double> other = added.Epsilon(delta);
  return one && other ? std::optional(std::max(*one, *other)) : std::nullopt;
}

ComposedLoss ComposeLoss(double rate, double noise, std::int64_t rounds, const LossWindow& window) {
  const Grid grid = ChooseGrid(rounds, window.reach);
  const auto times = static_cast<double>(rounds);
  OneRelease one = Discretiser(rate, noise, grid).Run();
  const auto beyond = [&](bool added) {
    const double infinite = added ? one.added_beyond : one.removed_beyond;
    return -std::expm1(times * std::log1p(-infinite)) + TailBound(one, grid, added, times, window);
  };
  const double removed_beyond = beyond(false);
  const double added_beyond = beyond(true);
  Compose(one.mass, times);
  return {.removed = LawOf(one.mass, grid, false, times, removed_beyond),
          .added = LawOf(one.mass, grid, true, times, added_beyond),
          .step = grid.step};
}

}  // namespace rondo
