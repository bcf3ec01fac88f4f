#!/usr/bin/env python3
"""Prints the commands of README.md's first screen, so that CI runs what a newcomer reads.

usage: .ci/check_readme.py [README]     fails unless they are exactly scripts/demo and scripts/test
"""

import pathlib
import re
import sys

FIRST_SCREEN = 40
EXPECTED = ["scripts/demo", "scripts/test"]


def first_screen_commands(text):
    """The commands of all sh blocks that begin within the first screen, without their comments."""
    lines = text.splitlines()
    commands, inside = [], False
    for number, line in enumerate(lines):
        if line.startswith("```"):
            if not inside and number >= FIRST_SCREEN:
                break
            inside = not inside and re.fullmatch(r"```(sh|bash)", line.strip()) is not None
        elif inside and line.split("#")[0].strip():
            commands.append(line.split("#")[0].strip())
    return commands


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    readme = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "README.md"
    commands = first_screen_commands(readme.read_text())
    if commands != EXPECTED:
        print(f"{readme}: the first screen shows {commands}, expected {EXPECTED}", file=sys.stderr)
        return 1
    print("\n".join(commands))
    return 0


if __name__ == "__main__":
    sys.exit(main())
