#!/usr/bin/env python3
"""Writes the vectors that tests/crypto/hpke_test.cc compares with.

    python3 scripts/reference/hpke_golden.py rfc9180.md > tests/crypto/golden/hpke.txt

`rfc9180.md` is draft-irtf-cfrg-hpke.md, the source of RFC 9180, for appendix A.1 and A.2 in mode base. The appendix has
no AES-256-GCM with X25519, so a message of the HPKE of pyca/cryptography (46 or later) is added for that suite; its
ephemeral key is fresh at every run. A vector is a line `suite NAME`, then `key value` lines.
"""

import re
import sys

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

SUITES = {1: "aes128", 3: "chacha20"}
SETUP = ("info", "skEm", "pkEm", "skRm", "pkRm", "enc")


def fields(text):
    """Yields (name, value) of `name: value`, where a value may go on over lines of hexadecimal digits."""
    for name, value in re.findall(r"^([A-Za-z_ ]+):\s*([0-9a-f]+(?:\n[0-9a-f]+)*)?\s*$", text, re.M):
        yield name, value.replace("\n", "")


def main():
    document = open(sys.argv[1], encoding="utf-8").read()
    for part in re.split(r"^## ", document, flags=re.M):
        if not part.startswith("DHKEM(X25519") or "#### Encryptions" not in part:
            continue  # Another curve, or only secrets to export.
        base = part.split("### PSK Setup")[0]
        setup, rest = base.split("#### Encryptions")
        values = dict(fields(setup))
        print(f"suite {SUITES[int(values['aead_id'])]}")
        for name in SETUP:
            print(name, values[name])
        for name, value in fields(rest.split("#### Exported")[0]):
            if name != "nonce":
                print(name.replace(" ", "_"), value)
    recipient = X25519PrivateKey.from_private_bytes(bytes(range(32)))
    suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    info, plain = b"rondo", b"sealed by another library"
    message = suite.encrypt(plain, recipient.public_key(), info)
    print("suite aes256")
    for name, value in [("info", info), ("skRm", bytes(range(32))), ("enc", message[:32]), ("sequence_number", None),
                        ("pt", plain), ("aad", b""), ("ct", message[32:])]:
        print(name, 0 if value is None else value.hex())


if __name__ == "__main__":
    main()
