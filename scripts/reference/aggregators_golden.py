#!/usr/bin/env python3
"""Writes golden values of the robust aggregation rules, computed by aggregators.py.

The updates are not written: both sides make them from a seed (see make_updates). One line a case and rule:
"kind n d f tau seed pre rule", then the result itself (d up to 64), or its sum, its sum weighted by 1 .. 7 in turn, its
norm, its first and its last number. Weights of row i are 1 + 7 i mod 5. From number d // 5 on lies a table whose rows are
1 + n mod 9 long.

usage: aggregators_golden.py FILE
"""
import sys

import numpy as np

from aggregators import RULES, STAGES


def make_updates(kind, n, d, f, seed):
    """x_0 = seed, x_k = 1664525 x + 1013904223 mod 2^32; value k of all rows in a line = (x_k >> 8) / 2^24 - 1/2."""
    x, values = seed, np.empty(n * d, np.float32)
    for k in range(n * d):
        x = (1664525 * x + 1013904223) % 2**32
        values[k] = (x >> 8) / 2**24 - 0.5
    X = values.reshape(n, d)
    if kind == "ties":  # few distinct values, and every fifth row repeats the one before
        X = (np.floor(X * 4) / 4).astype(np.float32)
        X[4::5] = X[3::5][:len(X[4::5])]
    if kind == "hostile":  # the first f rows lie far off, all on one side
        X[:f] = X[:f] * np.float32(16) + np.float32(64)
    if kind == "sparse":  # few distinct values; a client leaves two of three rows of the table at zero, all leave every fifth
        X = (np.floor(X * 4) / 4).astype(np.float32)
        for offset, rows, width in tables(n, d):
            for i, row in np.ndindex(n, rows):
                if (i + row) % 3 or row % 5 == 4:
                    X[i, offset + row * width:offset + (row + 1) * width] = 0
    return X


def tables(n, d):
    width = 1 + n % 9
    return [(d // 5, (d - d // 5) // width, width)]


def lines():
    cases = [("plain", 1, 5, 0), ("plain", 2, 5, 0), ("plain", 3, 3, 1), ("plain", 9, 17, 4), ("ties", 9, 33, 3),
             ("plain", 23, 40, 5), ("ties", 23, 64, 5), ("hostile", 23, 40, 5), ("plain", 50, 31, 10), ("ties", 50, 16, 11),
             ("hostile", 50, 16, 24), ("hostile", 13, 3001, 3), ("plain", 50, 2100, 10), ("ties", 16, 40000, 3),
             ("sparse", 10, 60, 1), ("sparse", 31, 900, 4), ("plain", 150, 64, 10), ("plain", 201, 300, 10)]
    for seed, (kind, n, d, f) in enumerate(cases, 1):
        X = make_updates(kind, n, d, f, seed)
        weights = 1 + 7 * np.arange(n) % 5
        for pre in ("none", "nnm", "clipping"):
            for name, rule in RULES.items():
                if n > 100 and name != "row_median":  # what is special there are its networks
                    continue
                if name == "mda" and n > 23 or pre != "none" and name not in ("mean", "trimmed_mean", "krum"):
                    continue
                if n < {"krum": 2 * f + 3, "multi_krum": 2 * f + 3, "bulyan": 4 * f + 3}.get(name, 2 * f + 1):
                    continue
                tau = 0.5 if name in ("centered_clipping", "norm_bounding") or pre == "clipping" else 100
                Y = X if pre == "none" else STAGES[pre](X, f=f, tau=tau)
                out = rule(Y, f=f, tau=tau, weights=None if pre == "nnm" else weights, tables=tables(n, d)).astype(np.float64)
                turns = 1 + np.arange(d) % 7
                values = out if d <= 64 else [out.sum(), out @ turns, np.linalg.norm(out), out[0], out[-1]]
                yield " ".join([kind, str(n), str(d), str(f), str(tau), str(seed), pre, name] + [f"{v:.9g}" for v in values])


if __name__ == "__main__":
    with open(sys.argv[1], "w") as file:
        for line in lines():
            print(line, file=file)
