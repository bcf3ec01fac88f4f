#!/usr/bin/env python3
"""Runs `rondo-sim aggregate` on random updates and compares its results with aggregators.py.

usage: aggregators_check.py RONDO_SIM [ROUNDS]
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy as np

from aggregators import RULES, STAGES


def write(path, vector, weight, width):
    """Two tensors, of which the second in the file comes first by name; "z" is a table of rows of `width`."""
    cut = first_of_table(len(vector), width)
    size = len(vector) - cut
    header = {"__metadata__": {"weight": str(weight)},
              "z": {"dtype": "F32", "shape": [size // width, width], "data_offsets": [0, 4 * size]},
              "a": {"dtype": "F32", "shape": [cut], "data_offsets": [4 * size, 4 * len(vector)]}}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + vector[cut:].tobytes() + vector[:cut].tobytes())


def first_of_table(size, width):
    """About a third of the numbers stand in front of the table, whose rows are whole."""
    return size - (size - size // 3) // width * width


def read(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header, body = json.loads(data[8:8 + size]), data[8 + size:]
    tensors = sorted((name, entry["data_offsets"]) for name, entry in header.items() if name != "__metadata__")
    return np.concatenate([np.frombuffer(body[begin:end], np.float32) for _, (begin, end) in tensors])


def make_updates(rng):
    f = int(rng.integers(0, 6))
    n, d = int(rng.integers(4 * f + 3, 51)), int(10 ** rng.uniform(0.5, 5))
    X = rng.normal(size=(n, d)).astype(np.float32) * np.float32(10.0 ** rng.integers(-4, 3))
    if rng.random() < 0.3:
        X[:f] *= 100
    if rng.random() < 0.3:
        X[rng.integers(0, n)] = X[rng.integers(0, n)]
    width = int(rng.integers(1, min(70, len(X[0]) // 2) + 1))
    if rng.random() < 0.5:  # most clients leave most rows of the table at zero
        table = X[:, first_of_table(d, width):].reshape(n, -1, width)
        table[rng.random(table.shape[:2]) < rng.choice([0.3, 0.9, 0.99])] = 0
    return X, f, width


def main():
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20
    rng, compared, worst = np.random.default_rng(11), 0, 0.0
    with tempfile.TemporaryDirectory() as name:
        for _ in range(rounds):
            folder = pathlib.Path(name) / "updates"
            folder.mkdir(exist_ok=True)
            for old in folder.iterdir():
                old.unlink()
            X, f, width = make_updates(rng)
            weights = rng.integers(1, 100, len(X))
            for i, row in enumerate(X):
                write(folder / f"{i:03}.safetensors", row, weights[i], width)
            begin = first_of_table(X.shape[1], width)
            tables = [(begin, (X.shape[1] - begin) // width, width)]
            tau = float(np.median(np.linalg.norm(X, axis=1)))
            for rule in RULES:
                if rule == "mda" and (len(X) > 25 or f > 3):
                    continue
                pre = rng.choice(["", "nnm", "clipping"], p=[0.6, 0.2, 0.2])
                Y = STAGES[pre](X, f=f, tau=tau) if pre else X
                expected = RULES[rule](Y, f=f, tau=tau, weights=None if pre == "nnm" else weights, tables=tables)
                out = folder.parent / "out.safetensors"
                command = [program, "aggregate", "--strategy", rule, "--set", f"f={f}", "--set", f"tau={tau!r}",
                           "--updates", folder, "--out", out, "--json"] + (["--pre", pre] if pre else [])
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                error = np.abs(read(out) - expected).max() / max(np.abs(expected).max(), 1e-30)
                worst, compared = max(worst, error), compared + 1
                if error > 1e-6:
                    print(f"{rule} pre={pre or '-'} n={len(X)} d={X.shape[1]} f={f}: differs by {error:.2g}")
    print(f"{compared} results compared, largest relative difference {worst:.2g}")
    sys.exit(int(worst > 1e-6))


if __name__ == "__main__":
    main()
