#!/usr/bin/env python3
"""Writes golden files for common/federated, computed with Python integers and fractions alone.

exact_grid.txt   float32 bits (hex), weight, limit, expected steps on the exact grid, saturated 0/1
exact_limits.txt clients, largest power-of-two limit with bit_ceil(clients) * limit <= 2^62 * step
initial.txt      seed, tensor name, deviation, number of elements, the float32 bits of the first eight, crc32 of all

usage: grid_golden.py FOLDER
"""
import random
import struct
import sys
import zlib
from fractions import Fraction

MASK32 = 2**32 - 1
MASK64 = 2**64 - 1


def float_of(bits):
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def bits_of(value):
    return struct.unpack("<I", struct.pack("<f", value))[0]


def steps(value, weight, limit):
    exact = Fraction(value) * weight * 2**32
    most = limit * 2**32
    clamped = max(min(exact, most), -most)
    return round(clamped), int(abs(exact) > most)  # round() of a Fraction takes ties to even


def write_exact_grid(folder):
    rng = random.Random(20260101)
    cases = [(bits_of(v), w, limit) for limit in (1, 2**20) for w in (1, 3, 1024)
             for v in (0.0, -0.0, 1.0, -1.0, 2**-33, -(2**-33), 3 * 2**-33, 5 * 2**-34, 1e-30, 0.1, -0.1, 1023.5,
                       1024.0, 3e5, -3e5, 2.0**30, 3.4e38, -3.4e38)]
    while len(cases) < 2000:
        bits = rng.getrandbits(32)
        exponent = (bits >> 23) & 255
        if 80 <= exponent <= 160:
            cases.append((bits, rng.randint(1, 1024), 2 ** rng.randint(0, 20)))
    with open(f"{folder}/exact_grid.txt", "w") as out:
        for bits, weight, limit in cases:
            value, saturated = steps(float_of(bits), weight, limit)
            print(f"{bits:08x} {weight} {limit} {value} {saturated}", file=out)


def write_exact_limits(folder):
    with open(f"{folder}/exact_limits.txt", "w") as out:
        for clients in (1, 2, 3, 7, 8, 9, 100, 128, 1000, 6040, 65536, 65537, 1000000, 1048576):
            limit = 2**30
            while clients * limit * 2**32 > 2**62:
                limit //= 2
            print(clients, limit, file=out)


def splitmix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK64
    return x ^ (x >> 31)


def hash_id(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK64
    return splitmix(value)


def philox(counter, key):
    for _ in range(10):
        a, b = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [(b >> 32) ^ counter[1] ^ key[0], b & MASK32, (a >> 32) ^ counter[3] ^ key[1], a & MASK32]
        key = [(key[0] + 0x9E3779B9) & MASK32, (key[1] + 0xBB67AE85) & MASK32]
    return counter


def stream(seed, client, purpose, round_number=0):
    state = splitmix(splitmix(splitmix(seed) ^ round_number) ^ client)
    key = splitmix(state ^ purpose)
    nonce = splitmix(key ^ splitmix((client + 1) & MASK64))
    block = 0
    while True:
        yield from philox([block & MASK32, block >> 32, nonce & MASK32, nonce >> 32], [key & MASK32, key >> 32])
        block += 1


def write_initial(folder):
    with open(f"{folder}/initial.txt", "w") as out:
        for seed in (1, 2026):
            for name, deviation, size in (("item.weight", 0.02, 120), ("blocks.0.query.weight", 0.6 / 64**0.5, 4096)):
                words = stream(seed, hash_id(name), 1)
                packed = b""
                for _ in range(size):
                    total = sum(next(words) for _ in range(12)) - 6 * 2**32
                    packed += struct.pack("<f", total * 2.0**-32 * deviation)
                first = " ".join(f"{bits:08x}" for bits in struct.unpack("<8I", packed[:32]))
                print(seed, name, repr(deviation), size, first, f"{zlib.crc32(packed):08x}", file=out)


if __name__ == "__main__":
    write_exact_grid(sys.argv[1])
    write_exact_limits(sys.argv[1])
    write_initial(sys.argv[1])
