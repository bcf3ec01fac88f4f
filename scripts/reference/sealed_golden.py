#!/usr/bin/env python3
"""Writes the sealed contribution that tests/wire/sealed_test.cc opens.

    python3 scripts/reference/sealed_golden.py > tests/wire/golden/sealed.txt

The grammar is that of docs/protocol.md, "Sealed contributions". Key schedule and cipher are written out from RFC 9180 on HMAC of
the standard library and AES-GCM and X25519 of pyca/cryptography. Lines `key value`; contributions are the bytes i * 7 % 251. A
short one is written whole; of one of two pieces, which would be 1 MiB, the size and the digest.
"""

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEM_SUITE = b"KEM" + struct.pack(">H", 0x0020)
SUITE = b"HPKE" + struct.pack(">HHH", 0x0020, 0x0001, 0x0002)
PIECE = 1 << 20


def extract(suite, salt, label, key_material):
    return hmac.new(salt, b"HPKE-v1" + suite + label + key_material, hashlib.sha256).digest()


def expand(suite, key, label, info, length):
    labelled = struct.pack(">H", length) + b"HPKE-v1" + suite + label + info
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(key, block + labelled + bytes([counter]), hashlib.sha256).digest()
        out, counter = out + block, counter + 1
    return out[:length]


def sender(ephemeral, recipient, info):
    """The encapsulated key, the AES key and the base nonce: Encap of section 4.1, KeySchedule of section 5.1 in mode base."""
    public = ephemeral.public_key().public_bytes_raw()
    agreed = ephemeral.exchange(X25519PublicKey.from_public_bytes(recipient))
    secret = expand(KEM_SUITE, extract(KEM_SUITE, b"", b"eae_prk", agreed), b"shared_secret", public + recipient, 32)
    context = (b"\x00" + extract(SUITE, b"", b"psk_id_hash", b"") + extract(SUITE, b"", b"info_hash", info))
    key = extract(SUITE, secret, b"secret", b"")
    return public, expand(SUITE, key, b"key", context, 32), expand(SUITE, key, b"base_nonce", context, 12)


def seal(ephemeral, recipient, run, number, kind, client, plain):
    public, key, base = sender(ephemeral, recipient, b"rondo/sealed/1\x00" + run)
    pieces = [plain[at:at + PIECE] for at in range(0, len(plain), PIECE)]
    sealed = public
    for index, piece in enumerate(pieces):
        nonce = bytes(a ^ b for a, b in zip(base, index.to_bytes(12, "big")))
        aad = struct.pack(">IBIB", number, kind, index, index == len(pieces) - 1) + client
        sealed += AESGCM(key).encrypt(nonce, piece, aad)
    return sealed


def main():
    aggregation = X25519PrivateKey.from_private_bytes(bytes(range(32)))
    ephemeral = X25519PrivateKey.from_private_bytes(bytes(range(100, 132)))
    recipient = aggregation.public_key().public_bytes_raw()
    print("aggregation", bytes(range(32)).hex())
    short = bytes(i * 7 % 251 for i in range(100))
    print("short", seal(ephemeral, recipient, b"run-7", 9, 0, b"north", short).hex())
    ends = bytes(i * 7 % 251 for i in range(PIECE + 10))
    sealed = seal(ephemeral, recipient, b"run-7", 4000000000, 1, b"south", ends)
    print("ephemeral", bytes(range(100, 132)).hex())
    print("long_size", len(sealed))
    print("long_sha256", hashlib.sha256(sealed).hexdigest())


if __name__ == "__main__":
    main()
