#!/usr/bin/env python3
"""Writes the golden file of the privacy accountants: plain quadrature of the definitions, with the standard library alone.

rdp Q NOISE ORDER | divergence         log(integral of mixture^order * noise^(1 - order)) / (order - 1)
delta Q NOISE ROUNDS EPSILON | delta   larger of both directions: E[delta of one round fewer at epsilon - loss], one integral a round

usage: privacy_golden.py FILE
"""
import math
import sys


def density(z, centre, noise):
    return math.exp(-0.5 * ((z - centre) / noise) ** 2) / (noise * math.sqrt(2.0 * math.pi))


def simpson(function, low, high, intervals):
    step = (high - low) / intervals
    inner = (function(low + i * step) * (4.0 if i % 2 else 2.0) for i in range(1, intervals))
    return step / 3.0 * (function(low) + math.fsum(inner) + function(high))


def tanh_sinh(function, low, high, points):
    """Double exponential quadrature, which does not mind how a function behaves at the ends."""
    middle, half, step, terms = 0.5 * (low + high), 0.5 * (high - low), 6.4 / points, []
    for i in range(-points // 2, points // 2 + 1):
        t = 0.5 * math.pi * math.sinh(i * step)
        weight = 0.5 * math.pi * math.cosh(i * step) / math.cosh(t) ** 2
        terms.append(weight * function(middle + half * math.tanh(t)))
    return half * step * math.fsum(terms)


def renyi(q, noise, order):
    def integrand(z):
        # The ratio is taken first: either density alone underflows far out.
        ratio = 1.0 - q + q * math.exp((2.0 * z - 1.0) / (2.0 * noise * noise))
        return math.exp(order * math.log(ratio) - 0.5 * (z / noise) ** 2) / (noise * math.sqrt(2.0 * math.pi))

    return math.log(simpson(integrand, -14.0 * noise, order + 14.0 * noise, 40000)) / (order - 1.0)


def normal_cdf(x):
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


class Release:
    """One sampled Gaussian release between neighbours with (removed) or without the unit in the first of the two worlds."""

    def __init__(self, q, noise, removed):
        self.q, self.noise, self.removed = q, noise, removed

    def mixture(self, z):
        return (1.0 - self.q) * density(z, 0.0, self.noise) + self.q * density(z, 1.0, self.noise)

    def first(self, z):
        return self.mixture(z) if self.removed else density(z, 0.0, self.noise)

    def loss(self, z):
        loss = math.log(1.0 - self.q + self.q * math.exp((2.0 * z - 1.0) / (2.0 * self.noise ** 2)))
        return loss if self.removed else -loss

    def delta(self, epsilon):
        """max over sets of first(set) - e^epsilon second(set), of one release and any real epsilon."""
        ratio = (math.exp(epsilon if self.removed else -epsilon) - (1.0 - self.q)) / self.q
        if ratio <= 0.0:
            # Every loss is on one side.
            return max(0.0, 1.0 - math.exp(epsilon)) if self.removed else 0.0
        z = 0.5 + self.noise ** 2 * math.log(ratio)
        below0, below1 = normal_cdf(z / self.noise), normal_cdf((z - 1.0) / self.noise)
        above0, above1 = normal_cdf(-z / self.noise), normal_cdf((1.0 - z) / self.noise)
        if self.removed:
            return (1.0 - self.q) * above0 + self.q * above1 - math.exp(epsilon) * above0
        return below0 - math.exp(epsilon) * ((1.0 - self.q) * below0 + self.q * below1)

    def point(self, loss):
        """Where one release has this loss; None where it never has."""
        ratio = (math.exp(loss if self.removed else -loss) - (1.0 - self.q)) / self.q
        return 0.5 + self.noise ** 2 * math.log(ratio) if ratio > 0.0 else None

    def composed(self, epsilon, rounds, points):
        """The integral is split where the rest of the rounds can only lose more (or less) than is left: delta bends there."""
        if rounds == 1:
            return self.delta(epsilon)
        least = math.log(1.0 - self.q)
        ends = [-10.0 * self.noise, 0.0, 1.0, 1.0 + 10.0 * self.noise]
        for k in range(1, rounds):
            bend = self.point(epsilon - k * least if self.removed else epsilon + k * least)
            if bend is not None and ends[0] < bend < ends[3]:
                ends.append(bend)
        ends.sort()
        return math.fsum(tanh_sinh(lambda z: self.first(z) * self.composed(epsilon - self.loss(z), rounds - 1, points), low, high, points)
                         for low, high in zip(ends, ends[1:]) if high > low)


def main():
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        for q, noise, order in ((0.01, 2.5, 1.5), (0.01, 2.5, 2.5), (0.04, 1.5, 3.9), (0.001, 1.0, 13.0), (0.5, 0.8, 1.1),
                                (0.2, 0.5, 10.9), (0.999, 3.0, 2.3), (0.01, 0.3, 1.7), (0.05, 20.0, 5.5)):
            print("rdp", q, noise, order, f"{renyi(q, noise, order):.12e}", file=out)
        for q, noise, rounds, epsilon in ((0.2, 0.5, 1, 1.0), (0.01, 0.67379294682, 1, 1.0), (0.2, 0.5, 2, 1.0), (0.2, 0.5, 3, 1.0),
                                          (0.05, 0.8, 2, 0.5), (0.5, 1.0, 3, 2.0), (0.9, 2.0, 3, 0.3), (0.01, 0.5, 2, 3.0)):
            values = [Release(q, noise, removed).composed(epsilon, rounds, 80 if rounds == 3 else 400) for removed in (True, False)]
            print("delta", q, noise, rounds, epsilon, f"{max(values):.12e}", file=out)


if __name__ == "__main__":
    main()
