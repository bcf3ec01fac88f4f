#!/usr/bin/env python3
"""Prints the events of TensorBoard files as JSON lines, with a checksum and a protobuf reader of its own.

  read_events.py FILE...
"""

import json
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def mask(crc):
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(content):
    position = 0
    while position < len(content):
        head = content[position : position + 8]
        (length,) = struct.unpack("<Q", head)
        (head_crc,) = struct.unpack_from("<I", content, position + 8)
        data = content[position + 12 : position + 12 + length]
        (data_crc,) = struct.unpack_from("<I", content, position + 12 + length)
        assert head_crc == mask(crc32c(head)) and data_crc == mask(crc32c(data)), "wrong checksum"
        position += 16 + length
        yield data


def varint(data, position):
    value, shift = 0, 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position


def fields(data):
    position = 0
    while position < len(data):
        key, position = varint(data, position)
        kind = key & 7
        if kind == 0:
            value, position = varint(data, position)
        elif kind == 1:
            value, position = data[position : position + 8], position + 8
        elif kind == 5:
            value, position = data[position : position + 4], position + 4
        else:
            assert kind == 2, f"wire type {kind}"
            size, position = varint(data, position)
            value, position = data[position : position + size], position + size
        yield key >> 3, value


def event(data):
    out = {}
    for field, value in fields(data):
        if field == 1:
            (out["wall_time"],) = struct.unpack("<d", value)
        elif field == 2:
            out["step"] = value
        elif field == 3:
            out["file_version"] = value.decode()
        elif field == 5:
            for _, summary in fields(value):
                for part, content in fields(summary):
                    if part == 1:
                        out["tag"] = content.decode()
                    elif part == 2:
                        (out["value"],) = struct.unpack("<f", content)
        elif field == 7:
            out["session"] = dict(fields(value))[1]
    return out


def main():
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            for record in records(file.read()):
                print(json.dumps(event(record), sort_keys=True))


if __name__ == "__main__":
    main()
