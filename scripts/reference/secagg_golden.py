#!/usr/bin/env python3
"""Writes the golden file of secure aggregation: one "name value" a line, bytes in hexadecimal.

Independent of the C++ code: hashes by hashlib, X25519, Ed25519, HKDF, AES by the package cryptography, Shamir's shares and
the ring of neighbours by plain Python integers.

usage: secagg_golden.py FILE
"""
import hashlib
import sys
from fractions import Fraction
from math import comb, log2

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PRIME = 2**61 - 1
OUT = []


def put(name, value):
    OUT.append(f"{name} {value.hex() if isinstance(value, bytes) else value}")


def sha(data):
    return hashlib.sha256(data).digest()


def u32(number):
    return number.to_bytes(4, "big")


def u64(number):
    return number.to_bytes(8, "big")


def data(value):
    value = value.encode() if isinstance(value, str) else value
    return u32(len(value)) + value


def raw(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def fixed(label):
    """32 bytes that differ from label to label."""
    return sha(b"secagg golden " + label.encode())


def hkdf(secret, salt, info):
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=info).derive(secret)


def shamir(secret, threshold, xs):
    """Shares of 40 bytes: five limbs of 56 bits, polynomials with coefficients from hashes."""
    shares = [b""] * len(xs)
    for limb in range(5):
        coefficients = [int.from_bytes(secret[7 * limb:7 * limb + 7], "little")]
        coefficients += [int.from_bytes(fixed(f"coefficient {limb} {i}")[:8], "little") % PRIME for i in range(1, threshold)]
        for holder, x in enumerate(xs):
            value = sum(c * pow(x, i, PRIME) for i, c in enumerate(coefficients)) % PRIME
            shares[holder] += value.to_bytes(8, "little")
    return shares


def stream(key, segment, size):
    """AES-256 in counter mode; the first block is the segment and 0."""
    encryptor = Cipher(algorithms.AES(key), modes.CTR(u64(segment) + u64(0))).encryptor()
    return encryptor.update(bytes(size)) + encryptor.finalize()


def ring_order(clients, directory_hash):
    """Fisher-Yates with numbers from SHA-256 in counter mode, 64 bits each, the highest byte first."""
    def draws():
        counter = 0
        while True:
            block = sha(data("rondo/rsa1/graph") + data(directory_hash) + u64(counter))
            counter += 1
            for i in range(0, 32, 8):
                yield int.from_bytes(block[i:i + 8], "big")

    source, order = draws(), list(range(clients))
    for i in range(clients, 1, -1):
        value = next(source)
        while value < (2**64 - i) % i:
            value = next(source)
        other = value % i
        order[i - 1], order[other] = order[other], order[i - 1]
    return order


def tail_at_least(population, marked, drawn, least):
    """Probability that at least `least` of `drawn` out of `population` are marked."""
    hits = sum(comb(marked, k) * comb(population - marked, drawn - k) for k in range(least, min(marked, drawn) + 1))
    return Fraction(hits, comb(population, drawn))


def log2_of(fraction):
    return log2(fraction.numerator) - log2(fraction.denominator) if fraction else -9999.0


def graph_bounds():
    """Of rings with degree k and threshold t, where 33 of 100 work for the server or 33 of 100 drop out: log2 of the chance
    that somebody's neighbours betray it, and that somebody's secret is lost."""
    for clients, degree, threshold in ((257, 214, 113), (300, 214, 113), (500, 214, 113), (501, 286, 150), (1000, 286, 150),
                                       (1001, 422, 221), (10000, 422, 221)):
        marked = clients * 33 // 100
        betrayed = clients * tail_at_least(clients - 1, marked, degree, threshold)
        lost = clients * tail_at_least(clients - 1, marked, degree, degree - threshold + 1)
        put(f"graph_bound {clients}", f"{degree} {threshold} {log2_of(betrayed):.3f} {log2_of(lost):.3f}")


def session():
    segments = [("delta", 70000, 32, 1000), ("tail", 3, 64, 2**40)]
    text = data("rondo/rsa1/session") + data("fed") + data("run-1") + u32(0) + u32(7) + u64(1234) + data(fixed("nonce"))
    text += data("a" * 64) + data("b" * 64) + u32(3) + u32(20) + u32(len(segments))
    for name, size, bits, most in segments:
        text += data(name) + u64(size) + u32(bits) + u64(most)
    session_id = sha(text)
    put("session", session_id)

    ids = ["acme", "borealis", "cygnus"]
    share = [X25519PrivateKey.from_private_bytes(fixed(f"share {name}")) for name in ids]
    mask = [X25519PrivateKey.from_private_bytes(fixed(f"mask {name}")) for name in ids]
    text = data("rondo/rsa1/directory") + data(session_id) + u32(3)
    for name, s, m in zip(ids, share, mask):
        text += data(name) + data(raw(s)) + data(raw(m))
    directory = sha(text)
    put("directory", directory)

    statement = data("rondo/rsa1/advertise") + data(session_id) + data(ids[0]) + data(raw(share[0])) + data(raw(mask[0]))
    signer = Ed25519PrivateKey.from_private_bytes(fixed("identity acme"))
    put("advertise_signature", signer.sign(statement))
    survivors = data("rondo/rsa1/set") + u32(2) + u32(0) + u32(2)
    sharers = data("rondo/rsa1/set") + u32(3) + u32(0) + u32(1) + u32(2)
    put("consistency_signature",
        signer.sign(data("rondo/rsa1/consistency") + data(directory) + data(sha(sharers)) + data(sha(survivors))))

    pair = data(ids[0]) + data(ids[1])
    share_key = hkdf(share[0].exchange(share[1].public_key()), directory, data("rondo/rsa1/share key") + pair)
    mask_key = hkdf(mask[0].exchange(mask[1].public_key()), directory, data("rondo/rsa1/mask key") + pair)
    put("share_key", share_key)
    put("mask_key", mask_key)
    seed = fixed("seed")
    own_key = hkdf(seed, session_id, data("rondo/rsa1/own mask") + data(ids[0]))
    put("own_mask_key", own_key)
    put("seed_commitment", sha(data("rondo/rsa1/seed") + data(session_id) + data(ids[0]) + data(seed)))
    plain = fixed("first") + fixed("second") + fixed("third")[:16]
    aad = data("rondo/rsa1/sealed share") + data(directory)
    put("sealed_up", AESGCM(share_key).encrypt(bytes(12), plain, aad + data(ids[0]) + data(ids[1])))
    put("sealed_down", AESGCM(share_key).encrypt(bytes(11) + b"\1", plain, aad + data(ids[1]) + data(ids[0])))

    put("stream_sha256", sha(stream(mask_key, 0, 280000)))
    put("stream_segment", stream(mask_key, 1, 24))
    # acme's vector: its own mask and the one with borealis are added, as acme has the lower id.
    masked = b""
    for index, (_, size, bits, _) in enumerate(segments):
        width = bits // 8
        own, other = stream(own_key, index, size * width), stream(mask_key, index, size * width)
        for i in range(size):
            at = slice(i * width, (i + 1) * width)
            total = (i % 2001 - 1000) + int.from_bytes(own[at], "little") + int.from_bytes(other[at], "little")
            masked += (total % 2**bits).to_bytes(width, "little")
    put("masked_sha256", sha(masked))
    for bits in (16, 24):
        width, size = bits // 8, 50000
        key = stream(mask_key, 0, size * width)
        numbers = b"".join(((i % 2001 - 1000 - int.from_bytes(key[i * width:(i + 1) * width], "little")) % 2**bits).to_bytes(width, "little")
                           for i in range(size))
        put(f"subtracted_{bits}_sha256", sha(numbers))


def main():
    xs = [1, 2, 5, 9, 300]
    put("shamir_secret", fixed("secret"))
    for x, share in zip(xs, shamir(fixed("secret"), 3, xs)):
        put(f"shamir_share {x}", share)
    session()
    order = ring_order(300, fixed("directory"))
    place = order.index(17)
    near = sorted(order[(place + step) % 300] for step in range(-107, 108) if step)
    put("neighbours_of_17", " ".join(map(str, near)))
    graph_bounds()
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        out.write("\n".join(OUT) + "\n")


if __name__ == "__main__":
    main()
