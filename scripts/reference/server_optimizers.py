#!/usr/bin/env python3
"""Writes golden files for the server optimisers, computed with numpy in float64 (state rounded to float32).

One file each: first line "steps size key=value ...", then the initial model, then one line of deltas and one of
the expected model per step.

usage: server_optimizers.py FOLDER
"""
import sys

import numpy as np

STEPS, SIZE = 7, 12


def line(values):
    return " ".join(float(v).hex() for v in values)


def sgd(model, deltas, lr, momentum):
    velocity = np.zeros(SIZE, np.float32)
    for delta in deltas:
        velocity = (momentum * velocity.astype(np.float64) + delta).astype(np.float32)
        model = (model.astype(np.float64) + lr * velocity.astype(np.float64)).astype(np.float32)
        yield model


def adam(model, deltas, lr, beta1, beta2, epsilon):
    m, v = np.zeros(SIZE, np.float32), np.zeros(SIZE, np.float32)
    for step, delta in enumerate(deltas, 1):
        gradient = -delta.astype(np.float64)
        m = (beta1 * m.astype(np.float64) + (1 - beta1) * gradient).astype(np.float32)
        v = (beta2 * v.astype(np.float64) + (1 - beta2) * gradient**2).astype(np.float32)
        mean = m.astype(np.float64) / (1 - beta1**step)
        deviation = np.sqrt(v.astype(np.float64) / (1 - beta2**step))
        model = (model.astype(np.float64) - lr * mean / (deviation + epsilon)).astype(np.float32)
        yield model


def adaptive(second_moment):
    """Reddi et al. 2021, algorithm 2, without bias correction."""

    def method(model, deltas, lr, beta1, beta2, epsilon):
        m, v = np.zeros(SIZE, np.float32), np.full(SIZE, epsilon**2, np.float32)
        for delta in deltas:
            gradient = -delta.astype(np.float64)
            m = (beta1 * m.astype(np.float64) + (1 - beta1) * gradient).astype(np.float32)
            v = second_moment(v.astype(np.float64), gradient**2, beta2).astype(np.float32)
            step = lr * m.astype(np.float64) / (np.sqrt(v.astype(np.float64)) + epsilon)
            model = (model.astype(np.float64) - step).astype(np.float32)
            yield model

    return method


yogi = adaptive(lambda v, square, beta2: v - (1 - beta2) * square * np.sign(v - square))
adagrad = adaptive(lambda v, square, beta2: v + square)


def rates(rounds, warmup, shape):
    """The share of the rate at each step."""
    for step in range(rounds):
        done = (step - warmup) / (rounds - warmup)
        yield (step + 1) / warmup if step < warmup else shape(done)


def scheduled(model, deltas, lr, warmup, shape):
    for delta, share in zip(deltas, rates(STEPS, warmup, shape)):
        model = (model.astype(np.float64) + lr * share * delta.astype(np.float64)).astype(np.float32)
        yield model


def write(path, name, method, **options):
    rng = np.random.default_rng(7)
    model = rng.normal(size=SIZE).astype(np.float32)
    deltas = (rng.normal(size=(STEPS, SIZE)) * 10.0 ** rng.integers(-6, 1, (1, SIZE))).astype(np.float32)
    with open(f"{path}/{name}.txt", "w") as out:
        print(STEPS, SIZE, file=out)
        print(line(model), file=out)
        for delta, expected in zip(deltas, method(model, deltas, **options)):
            print(line(delta), file=out)
            print(line(expected), file=out)


if __name__ == "__main__":
    folder = sys.argv[1]
    write(folder, "sgd", sgd, lr=0.5, momentum=0.0)
    write(folder, "momentum", sgd, lr=0.5, momentum=0.9)
    write(folder, "adam", adam, lr=1e-3, beta1=0.9, beta2=0.99, epsilon=1e-8)
    write(folder, "adam_large_epsilon", adam, lr=1e-2, beta1=0.5, beta2=0.999, epsilon=1e-3)
    write(folder, "yogi", yogi, lr=1e-2, beta1=0.9, beta2=0.99, epsilon=1e-3)
    write(folder, "adagrad", adagrad, lr=1e-2, beta1=0.0, beta2=0.0, epsilon=1e-3)
    write(folder, "linear", scheduled, lr=0.5, warmup=2, shape=lambda done: 1 - done)
    write(folder, "cosine", scheduled, lr=0.5, warmup=2, shape=lambda done: (1 + np.cos(np.pi * done)) / 2)
