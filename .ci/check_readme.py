#!/usr/bin/env python3
"""Prints the commands of README.md's first screen, so that CI runs what a newcomer reads.

usage: .ci/check_readme.py                fails unless they are exactly scripts/demo and scripts/test
       .ci/check_readme.py --fill FILE    puts the output of a real demo into README.md and README.zh-CN.md
"""

import argparse
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


def with_demo_output(text, output):
    """README text whose marked block shows `output`."""
    block = re.compile(r"(<!-- demo output: begin -->\n).*?(<!-- demo output: end -->)", re.DOTALL)
    filled, count = block.subn(lambda match: f"{match[1]}```text\n{output.strip()}\n```\n{match[2]}", text)
    if count != 1:
        raise ValueError("expected one marked block for the demo output")
    return filled


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser()
    parser.add_argument("--fill", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.fill:
        for readme in (root / "README.md", root / "README.zh-CN.md"):
            readme.write_text(with_demo_output(readme.read_text(), arguments.fill.read_text()))
        return 0
    for readme in (root / "README.md", root / "README.zh-CN.md"):
        commands = first_screen_commands(readme.read_text())
        if commands != EXPECTED:
            print(f"{readme.name}: the first screen shows {commands}, expected {EXPECTED}", file=sys.stderr)
            return 1
    print("\n".join(EXPECTED))
    return 0


if __name__ == "__main__":
    sys.exit(main())
