"""Robust aggregation rules in plain numpy, each straight from its paper: what the rules of Rondo are tested and timed
against. X is [n, d] float32, one update a row; results are float32. Sums are taken in float64. Ties go to the lower row."""
import itertools

import numpy as np


def mean(X, weights=None, **_):
    return np.average(X.astype(np.float64), axis=0, weights=weights).astype(np.float32)


def median(X, **_):
    return np.median(X.astype(np.float64), axis=0).astype(np.float32)


def trimmed_mean(X, f, **_):
    return np.sort(X, axis=0)[f:len(X) - f].astype(np.float64).mean(axis=0).astype(np.float32)


def nearest_mean(X, keep):
    """The mean of the `keep` values of each column nearest to its median."""
    far = np.abs(X - median(X))
    nearest = np.argsort(far, axis=0, kind="stable")[:keep]
    return np.take_along_axis(X, nearest, axis=0).astype(np.float64).mean(axis=0).astype(np.float32)


def meamed(X, f, **_):
    return nearest_mean(X, len(X) - f)


def squared_distances(X):
    X = X.astype(np.float64)
    return np.stack([((X - row) ** 2).sum(axis=1) for row in X])


def krum_scores(D, f):
    others = np.sort(D + np.diag(np.full(len(D), np.inf)), axis=1)
    return others[:, :min(max(1, len(D) - f - 2), len(D) - 1)].sum(axis=1)


def krum(X, f, **_):
    return X[np.argmin(krum_scores(squared_distances(X), f))]


def multi_krum(X, f, **_):
    best = np.argsort(krum_scores(squared_distances(X), f), kind="stable")[:len(X) - f]
    return mean(X[best])


def bulyan(X, f, **_):
    D = squared_distances(X)
    left, taken = list(range(len(X))), []
    while len(taken) < len(X) - 2 * f:
        taken.append(left.pop(int(np.argmin(krum_scores(D[np.ix_(left, left)], f)))))
    return nearest_mean(X[sorted(taken)], len(X) - 4 * f)


def geometric_median(X, nu=0.1, iterations=3, **_):
    Y, z = X.astype(np.float64), 0.0
    for _ in range(iterations):
        w = 1 / np.maximum(nu, np.linalg.norm(Y - z, axis=1))
        z = w @ Y / w.sum()
    return z.astype(np.float32)


def centered_clipping(X, tau=100.0, iterations=1, **_):
    Y, v = X.astype(np.float64), np.zeros(X.shape[1])
    for _ in range(iterations):
        far = np.linalg.norm(Y - v, axis=1)
        factors = np.minimum(1, tau / np.maximum(far, 1e-300))
        v = v + (factors[:, None] * (Y - v)).mean(axis=0)
    return v.astype(np.float32)


def mda(X, f, **_):
    D = squared_distances(X)
    subsets = itertools.combinations(range(len(X)), len(X) - f)
    return mean(X[list(min(subsets, key=lambda s: D[np.ix_(s, s)].max()))])


def norm_bounding(X, tau=100.0, weights=None, **_):
    norms = np.linalg.norm(X.astype(np.float64), axis=1)
    return mean(X.astype(np.float64) * np.minimum(1, tau / np.maximum(norms, 1e-300))[:, None], weights)


def row_median(X, tables=(), **_):
    """The median; in a table (offset, rows, width) only over the clients that contribute to a row, without any of them 0.
    A client contributes to a row that is not zero and at least as long as the root mean square over the table's rows."""
    out = median(X)
    for offset, rows, width in tables:
        T = X[:, offset:offset + rows * width].reshape(len(X), rows, width).astype(np.float64)
        squares = (T ** 2).sum(axis=2)
        counts = (squares > 0) & (squares * rows >= squares.sum(axis=1, keepdims=True))
        for row in range(rows):
            values = T[counts[:, row], row]
            begin = offset + row * width
            out[begin:begin + width] = np.median(values, axis=0) if len(values) else 0
    return out


def nnm(X, f, **_):
    D = squared_distances(X)
    return np.stack([mean(X[np.sort(np.argsort(row, kind="stable")[:len(X) - f])]) for row in D])


def clipping(X, tau, **_):
    norms = np.linalg.norm(X.astype(np.float64), axis=1)
    return (X.astype(np.float64) * np.minimum(1, tau / np.maximum(norms, 1e-300))[:, None]).astype(np.float32)


RULES = {rule.__name__: rule for rule in (mean, median, trimmed_mean, meamed, krum, multi_krum, bulyan, geometric_median,
                                          centered_clipping, mda, norm_bounding, row_median)}
STAGES = {stage.__name__: stage for stage in (nnm, clipping)}
