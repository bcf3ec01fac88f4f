#!/usr/bin/env python3
"""Reads a safetensors file with nothing but the standard library, apart from Rondo's own reader.

  read_safetensors.py FILE             print {"metadata": {...}, "tensors": {name: {"dtype", "shape", "values"}}}
  read_safetensors.py FILE --copy OUT  also write the same content anew, tensors in the opposite order
"""

import argparse
import json
import struct

FORMATS = {"F32": ("f", 4), "I64": ("q", 8)}


def read(path):
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack_from("<Q", content)
    assert length % 8 == 0, "the header is not padded to 8 bytes"
    header = json.loads(content[8 : 8 + length].decode("utf-8"))
    data = content[8 + length :]
    metadata = header.pop("__metadata__", {})
    tensors = {}
    covered = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        letter, width = FORMATS[entry["dtype"]]
        count = 1
        for size in entry["shape"]:
            count *= size
        assert begin == covered and end - begin == count * width, name
        covered = end
        values = struct.unpack_from(f"<{count}{letter}", data, begin)
        tensors[name] = {"dtype": entry["dtype"], "shape": entry["shape"], "values": list(values)}
    assert covered == len(data), "bytes after the last tensor"
    return {"metadata": metadata, "tensors": tensors}


def write(path, content):
    header = {"__metadata__": content["metadata"]}
    data = b""
    for name, tensor in reversed(list(content["tensors"].items())):
        letter, _ = FORMATS[tensor["dtype"]]
        raw = struct.pack(f"<{len(tensor['values'])}{letter}", *tensor["values"])
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": tensor["dtype"], "shape": tensor["shape"], "data_offsets": offsets}
        data += raw
    text = json.dumps(header, indent=1).encode("ascii")
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--copy")
    arguments = parser.parse_args()
    content = read(arguments.file)
    if arguments.copy:
        write(arguments.copy, content)
    print(json.dumps(content, sort_keys=True))


if __name__ == "__main__":
    main()
