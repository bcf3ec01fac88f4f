#!/usr/bin/env python3
"""Writes golden files for the compression of updates, computed from the grammar of docs/protocol.md and with numpy.

packing.txt     one case a line: stages, top_k, bits, seed, sizes of the tensors, exponents of the tensors, the packed bytes
                (hex), crc32 of the float32 that a receiver reads. Both sides make the values from the seed (see values).
projection.txt  one case a line: seed, round, width, rank, and the orthonormal matrix, row by row.

usage: compression_golden.py FOLDER
"""
import math
import struct
import sys
import zlib
from fractions import Fraction

import numpy as np

from grid_golden import stream

CASES = [  # stages, top_k, bits, seed, sizes, exponents
    (["top_k"], 0.01, 8, 1, [20000], [0]),
    (["top_k"], 0.2, 8, 2, [5, 1, 37], [0, 1, 0]),
    (["top_k"], 1.0, 8, 3, [6], [2]),
    (["quantise"], 1.0, 2, 4, [9], [3]),
    (["quantise"], 1.0, 5, 5, [13, 1, 20], [10, 4, 12]),
    (["quantise"], 1.0, 8, 6, [40], [-3]),
    (["quantise"], 1.0, 16, 7, [11, 12], [20, 6]),
    (["top_k", "quantise"], 0.3, 4, 8, [30, 7, 100], [9, 9, 9]),
    (["top_k", "quantise"], 0.05, 3, 9, [300, 50], [2, 30]),  # nothing of the second tensor is sent
]


def values(stages, bits, seed, sizes, exponents):
    """x_0 = seed, x_k = 1664525 x + 1013904223 mod 2^32. Quantised: x_k >> 8 mod 2 most + 1, less most, and `most` for the
    first of a tensor, so that all lie on levels; else (x_k >> 8) / 2^24 - 1/2. Each divided by 2 to its tensor's exponent."""
    x, numbers, most = seed, [], 2 ** (bits - 1) - 1
    for size, exponent in zip(sizes, exponents):
        for k in range(size):
            x = (1664525 * x + 1013904223) % 2**32
            if "quantise" in stages:
                number = Fraction(most if k == 0 else (x >> 8) % (2 * most + 1) - most)
            else:
                number = Fraction(x >> 8, 2**24) - Fraction(1, 2)
            numbers.append(number / Fraction(2) ** exponent)
    return numbers


def leb128(number):
    packed = b""
    while number >= 128:
        packed += bytes([number % 128 + 128])
        number //= 128
    return packed + bytes([number])


def pack(stages, top_k, bits, sizes, numbers):
    places = range(len(numbers))
    packed = b""
    if "top_k" in stages:
        kept = max(1, math.ceil(top_k * len(numbers)))
        places = sorted(sorted(places, key=lambda i: (-abs(numbers[i]), i))[:kept])
        packed += leb128(kept)
        for before, place in zip([-1] + places, places):
            packed += leb128(place - before - 1)
    if "quantise" not in stages:
        return packed + b"".join(struct.pack("<f", float(numbers[i])) for i in places), places
    most, start, text = 2 ** (bits - 1) - 1, 0, ""
    for size in sizes:
        sent = [numbers[i] for i in places if start <= i < start + size]
        scale = max([abs(number) for number in sent], default=Fraction(0))
        packed += struct.pack("<f", float(scale))
        for number in sent:
            level = number * most / scale
            assert level.denominator == 1
            text += format(most + int(level), f"0{bits}b")[::-1]
        start += size
    text += "0" * (-len(text) % 8)
    return packed + bytes(int(text[i:i + 8][::-1], 2) for i in range(0, len(text), 8)), places


def write_packing(folder):
    with open(f"{folder}/packing.txt", "w") as out:
        for stages, top_k, bits, seed, sizes, exponents in CASES:
            numbers = values(stages, bits, seed, sizes, exponents)
            packed, places = pack(stages, top_k, bits, sizes, numbers)
            places = set(places)
            read = [float(number) if i in places else 0.0 for i, number in enumerate(numbers)]
            crc = zlib.crc32(struct.pack(f"<{len(read)}f", *read))
            joined = [",".join(map(str, words)) for words in (stages, sizes, exponents)]
            print(joined[0], top_k, bits, seed, joined[1], joined[2], packed.hex(), f"{crc:08x}", file=out)


def normals(words):
    def uniform():
        high = next(words)
        return ((high << 32 | next(words)) >> 11) * 2.0**-53
    while True:
        radius = math.sqrt(-2 * math.log(1 - uniform()))
        yield radius * math.cos(2 * math.pi * uniform())


def write_projection(folder):
    with open(f"{folder}/projection.txt", "w") as out:
        for seed, round_number, width, rank in ((1, 1, 4, 2), (7, 3, 8, 3), (2026, 100, 16, 1), (5, 2, 3, 3), (1, 9, 64, 8)):
            draw = normals(stream(seed, 0, 18, round_number))
            gaussian = np.array([next(draw) for _ in range(width * rank)]).reshape(width, rank)
            q, r = np.linalg.qr(gaussian)
            q *= np.sign(np.diag(r))  # as Gram-Schmidt has it
            print(seed, round_number, width, rank, *(repr(float(number)) for number in q.ravel()), file=out)


if __name__ == "__main__":
    write_packing(sys.argv[1])
    write_projection(sys.argv[1])
