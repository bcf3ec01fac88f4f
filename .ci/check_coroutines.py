#!/usr/bin/env python3
"""Rejects temporaries that g++ 12 destroys twice inside a co_await expression.

A lambda with captures, an aggregate `{...}` or a `?:` of a class type inside `co_await ...;` is destroyed twice by g++ 12.2.
Write it on the line above under a name and pass that name, or std::move of it.
"""

import pathlib
import re
import subprocess
import sys

FORBIDDEN = re.compile(r"\bco_await\b[^;]*?[\[{?]")


def without_comments_and_strings(text):
    """Blanks comments and literals, keeping every line where it was."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def check(text):
    """Returns the line numbers of the forbidden co_await expressions."""
    text = without_comments_and_strings(text)
    return [text.count("\n", 0, match.start()) + 1 for match in FORBIDDEN.finditer(text)]


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    files = subprocess.run(["git", "ls-files", "*.h", "*.cc"], cwd=root, check=True, capture_output=True, text=True)
    violations = 0
    for path in files.stdout.splitlines():
        for line in check((root / path).read_text()):
            print(f"{path}:{line}: name the lambda, braces, index or choice on the line above this co_await (g++ 12)")
            violations += 1
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
