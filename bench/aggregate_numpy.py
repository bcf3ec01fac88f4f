#!/usr/bin/env python3
"""Robust aggregation rules in numpy as one would write them: the alternative that `rondo-sim bench --workload aggregate`
is timed beside. Float32 throughout, distances of each pair once.

    bench/aggregate_numpy.py RULE [--clients 50] [--parameters 1000000] [--f 10] [--repeats 3]

Prints one line "RESULT {...}" with the median time and the peak memory of the process.
"""
import argparse
import itertools
import json
import resource
import statistics
import time

import numpy as np


def mean(X, f):
    return X.mean(axis=0)


def median(X, f):
    return np.median(X, axis=0)


def trimmed_mean(X, f):
    return np.sort(X, axis=0)[f:len(X) - f].mean(axis=0)


def near_median(X, keep):
    nearest = np.argpartition(np.abs(X - np.median(X, axis=0)), keep - 1, axis=0)[:keep]
    return np.take_along_axis(X, nearest, axis=0).mean(axis=0)


def meamed(X, f):
    return near_median(X, len(X) - f)


def distances(X):
    D = np.zeros((len(X), len(X)))
    for i, j in itertools.combinations(range(len(X)), 2):
        difference = X[i] - X[j]
        D[i, j] = D[j, i] = difference @ difference
    return D


def scores(D, f):
    others = np.sort(D + np.diag(np.full(len(D), np.inf)), axis=1)
    return others[:, :max(1, len(D) - f - 2)].sum(axis=1)


def krum(X, f):
    return X[np.argmin(scores(distances(X), f))]


def multi_krum(X, f):
    return X[np.argsort(scores(distances(X), f))[:len(X) - f]].mean(axis=0)


def bulyan(X, f):
    D = distances(X)
    left, taken = list(range(len(X))), []
    while len(taken) < len(X) - 2 * f:
        taken.append(left.pop(int(np.argmin(scores(D[np.ix_(left, left)], f)))))
    return near_median(X[taken], len(X) - 4 * f)


def geometric_median(X, f):
    z = np.zeros(X.shape[1], np.float32)
    for _ in range(3):
        w = (1 / np.maximum(0.1, np.linalg.norm(X - z, axis=1))).astype(np.float32)
        z = w @ X / w.sum()
    return z


def centered_clipping(X, f):
    v = np.zeros(X.shape[1], np.float32)
    difference = X - v
    factors = np.minimum(1, 100 / np.linalg.norm(difference, axis=1)).astype(np.float32)
    return v + (difference * factors[:, None]).mean(axis=0)


def mda(X, f):
    D = distances(X)
    best, diameter = None, np.inf
    for out in itertools.combinations(range(len(X)), f):
        subset = np.delete(np.arange(len(X)), out)
        if (width := D[np.ix_(subset, subset)].max()) < diameter:
            best, diameter = subset, width
    return X[best].mean(axis=0)


def norm_bounding(X, f):
    factors = np.minimum(1, 100 / np.linalg.norm(X, axis=1)).astype(np.float32)
    return (X * factors[:, None]).mean(axis=0)


def row_median(X, f):
    """Of a table of rows of 64: those count that are at least as long as the root mean square."""
    T = X.reshape(len(X), -1, 64)
    squares = np.einsum("nik,nik->ni", T, T)
    taken = squares >= squares.mean(axis=1, keepdims=True)
    out = np.zeros(T.shape[1:], np.float32)
    for i in range(T.shape[1]):
        if taken[:, i].any():
            out[i] = np.median(T[taken[:, i], i], axis=0)
    return out.reshape(-1)


def nnm(X, f):
    return np.stack([X[np.argsort(row)[:len(X) - f]].mean(axis=0) for row in distances(X)])


RULES = {rule.__name__: rule for rule in (mean, median, trimmed_mean, meamed, krum, multi_krum, bulyan, geometric_median,
                                          centered_clipping, mda, norm_bounding, row_median, nnm)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rule", choices=RULES)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--parameters", type=int, default=1_000_000)
    parser.add_argument("--f", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    X = np.random.default_rng(1).random((options.clients, options.parameters), np.float32) * 2 - 1
    seconds = []
    for _ in range(options.repeats):
        start = time.perf_counter()
        RULES[options.rule](X, options.f)
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("RESULT", json.dumps({"strategy": options.rule, "seconds": statistics.median(seconds), "peak_rss_mib": peak}))


if __name__ == "__main__":
    main()
