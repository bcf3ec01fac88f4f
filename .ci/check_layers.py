#!/usr/bin/env python3
"""Checks the dependency rule of docs/architecture.md on every #include and every CMake link list.

    proto <- common/* <- {client, coordinator} <- simulations <- {tests, bench}

The order inside common/ is the order of add_subdirectory in common/CMakeLists.txt: a folder uses itself and those above it.
"""

import pathlib
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
SOURCES = (".h", ".cc", ".cpp", ".cu")
# Who may use whom, besides itself.
MAY_USE = {
    "proto": set(),
    "common": {"proto"},
    "client": {"common"},
    "coordinator": {"common"},
    "simulations": {"common", "client", "coordinator"},
    "tests": {"common", "client", "coordinator", "simulations", "bench"},
    "bench": {"common", "client", "coordinator", "simulations"},
}
TORCH_HEADERS = ("torch/", "ATen/", "c10/")
TORCH_FOLDERS = (
    "common/model/", "client/", "simulations/", "bench/",
    "tests/model/", "tests/client/", "tests/simulations/", "tests/support/", "cmake/torch_pch.cc",
)


def common_order(cmake_text):
    """The folders of common/ in dependency order."""
    return re.findall(r"add_subdirectory\((\w+)\)", cmake_text)


def check_torch(path, header):
    if not header.startswith(TORCH_HEADERS):
        return None
    if path.startswith(TORCH_FOLDERS):
        return None
    return f"{header}: LibTorch belongs to common/model, client, simulations and their tests only"


def check_protobuf(path, header):
    if not (header.endswith(".pb.h") or header.startswith("google/protobuf/")):
        return None
    if path.startswith("common/wire/") and path.endswith(".cc"):
        return None
    return f"{header}: protobuf headers belong to common/wire/*.cc only"


def check_folder(path, header, order):
    here, there = path.split("/")[0], header.split("/")[0]
    if there not in MAY_USE or here not in MAY_USE:
        return None
    if here != there and there not in MAY_USE[here]:
        return f"{header}: {here}/ may not use {there}/"
    if here == "coordinator" and header.startswith("common/model/"):
        return f"{header}: the coordinator runs without the model"
    if here == there == "common":
        mine, other = path.split("/")[1], header.split("/")[1]
        for folder in (mine, other):
            if folder not in order:
                return f"{header}: common/{folder} is not in common/CMakeLists.txt"
        if order.index(other) > order.index(mine):
            return f"{header}: common/{other} stands after common/{mine} in common/CMakeLists.txt"
    return None


def check_source(path, text, order):
    """Returns the violations of one C++ file as (line, message)."""
    found = []
    for match in INCLUDE.finditer(text):
        header = match.group(2)
        line = text.count("\n", 0, match.start(1)) + 1
        for message in (check_torch(path, header), check_protobuf(path, header), check_folder(path, header, order)):
            if message:
                found.append((line, message))
    return found


def check_link_list(path, text):
    """Returns the violations of one CMakeLists.txt: who links LibTorch or the model."""
    found = []
    torch_free = path.startswith(("coordinator/", "proto/")) or (
        path.startswith("common/") and not path.startswith("common/model/"))
    for number, line in enumerate(text.splitlines(), start=1):
        words = re.findall(r"[\w:]+", line.split("#")[0])
        if torch_free and {"TORCH", "rondo_torch", "TORCH_LIBRARIES"} & set(words):
            found.append((number, "links LibTorch, which belongs to common/model, client and simulations only"))
        if path.startswith("coordinator/") and {"model", "client", "rondo_model", "rondo_client"} & set(words):
            found.append((number, "the coordinator links neither the model nor the client"))
        if path.startswith("client/") and {"coordinator", "rondo_coordinator"} & set(words):
            found.append((number, "the client does not link the coordinator"))
    return found


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    order = common_order((root / "common/CMakeLists.txt").read_text())
    files = subprocess.run(["git", "ls-files"], cwd=root, check=True, capture_output=True, text=True).stdout.split("\n")
    violations = 0
    for path in files:
        if path.endswith(SOURCES):
            found = check_source(path, (root / path).read_text(), order)
        elif path.endswith("CMakeLists.txt"):
            found = check_link_list(path, (root / path).read_text())
        else:
            continue
        for line, message in found:
            print(f"{path}:{line}: {message}")
        violations += len(found)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
