#!/usr/bin/env python3
"""Writes the golden file of the statistics of comparisons, computed with numpy and exact enumeration from their definitions.

holm N | p | adjusted               smallest alpha at which Holm's steps reject each test, found by running the steps
flip N | differences | clusters | p by users | p by clusters     over all sign vectors, in exact fractions
fair N | values | worst decile | Gini                            by the mean absolute difference of all pairs

usage: comparison_golden.py FILE
"""
import itertools
import sys
from fractions import Fraction

import numpy as np


def holm_rejects(p, alpha):
    """Holm's steps as published: go up from the smallest p while p(j) <= alpha / (m - j + 1)."""
    rejected = set()
    for place, index in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        if p[index] * (len(p) - place) > alpha:
            break
        rejected.add(index)
    return rejected


def holm(p):
    """The adjusted p of a test is the smallest alpha that rejects it; candidates are all multiples of all p."""
    candidates = sorted({min(Fraction(1), value * count) for value in p for count in range(1, len(p) + 1)} | {Fraction(1)})
    adjusted = []
    for index in range(len(p)):
        rejecting = [alpha for alpha in candidates if index in holm_rejects(p, alpha)]
        adjusted.append(rejecting[0] if rejecting else Fraction(1))
    return adjusted


def flip(differences):
    seen = abs(sum(differences))
    hits = sum(abs(sum(s * d for s, d in zip(signs, differences))) >= seen
               for signs in itertools.product((1, -1), repeat=len(differences)))
    return Fraction(hits, 2 ** len(differences))


def text(values):
    return " ".join(repr(float(value)) for value in values)


def write_holm(out, rng):
    for size in (1, 2, 3, 5, 8, 12):
        p = [Fraction(int(n), 1024) for n in rng.integers(0, 300, size)]
        out.write(f"holm {size}\n{text(p)}\n{text(holm(p))}\n")


def write_flips(out, rng):
    for size in (1, 2, 3, 6, 9, 12):
        for spread in (4, 64):
            differences = [Fraction(int(n), 64) for n in rng.integers(-spread, 2 * spread, size)]
            clusters = [int(c) for c in rng.integers(0, max(1, size // 2), size)]
            sums = [sum(d for d, c in zip(differences, clusters) if c == cluster) for cluster in sorted(set(clusters))]
            out.write(f"flip {size}\n{text(differences)}\n{' '.join(map(str, clusters))}\n"
                      f"{text([flip(differences), flip(sums)])}\n")


def write_fairness(out, rng):
    for size in (1, 2, 9, 10, 11, 57):
        values = np.round(rng.random(size) ** 3, 6)
        worst = np.sort(values)[:int(np.ceil(size / 10))].mean()
        gini = np.abs(values[:, None] - values[None, :]).mean() / (2 * values.mean())
        out.write(f"fair {size}\n{text(values)}\n{text([worst, gini])}\n")


def main():
    rng = np.random.default_rng(20261128)
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        write_holm(out, rng)
        write_flips(out, rng)
        write_fairness(out, rng)


if __name__ == "__main__":
    main()
