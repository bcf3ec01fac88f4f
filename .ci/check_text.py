#!/usr/bin/env python3
"""Checks what no compiler sees: file length, unfinished words, paths of one machine, tests switched off, large files, dead links."""

import pathlib
import re
import subprocess
import sys

MAX_SOURCE_LINES = 400
MAX_FILE_BYTES = 1 << 20
SOURCES = (".h", ".cc", ".cpp", ".cu", ".proto")
# Split, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:home/\w|ro" + r"ot/|Us" + r"ers/\w|wo" + r"rk/)")
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
SWITCHED_OFF = re.compile(r"\bDISABLED" + r"_\w|GTEST_SKIP\(\)\s*;")


def check(path, text):
    """Returns the findings of one text file as (line, message)."""
    found = []
    lines = text.splitlines()
    if path.endswith(SOURCES) and len(lines) > MAX_SOURCE_LINES:
        found.append((len(lines), f"{len(lines)} lines, at most {MAX_SOURCE_LINES}: look for the second subject"))
    for number, line in enumerate(lines, start=1):
        if match := UNFINISHED.search(line):
            found.append((number, f"unfinished: {match.group()}"))
        if match := MACHINE_PATH.search(line):
            found.append((number, f"a path of one machine: {match.group()}"))
        if path.startswith("tests/") and (match := SWITCHED_OFF.search(line)):
            found.append((number, f"a test is off without a reason: {match.group()}"))
    return found


def dead_links(folder, text):
    """Returns the relative Markdown links that lead nowhere from `folder` as (line, message)."""
    return [(text.count("\n", 0, match.start()) + 1, f"dead link: {match.group(1)}")
            for match in LINK.finditer(text) if not (folder / match.group(1)).exists()]


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    files = subprocess.run(["git", "ls-files"], cwd=root, check=True, capture_output=True, text=True).stdout
    violations = 0
    for path in files.splitlines():
        data = (root / path).read_bytes()
        found = []
        if len(data) > MAX_FILE_BYTES:
            found.append((1, f"{len(data)} bytes, at most {MAX_FILE_BYTES}: data is fetched or generated, not committed"))
        if b"\0" not in data:
            text = data.decode("utf-8", errors="replace")
            found += check(path, text)
            if path.endswith(".md"):
                found += dead_links((root / path).parent, text)
        for line, message in found:
            print(f"{path}:{line}: {message}")
        violations += len(found)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
