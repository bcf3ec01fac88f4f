#!/usr/bin/env python3
"""Checks that a page is well formed, self-contained and has names for its pictures and tables.

  check_page.py FILE    exit status 0, or a line that says what is wrong
"""

import re
import sys
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "img", "hr", "input"}
SVG_EMPTY = {"line", "rect", "path", "circle"}


class Checker(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.references, self.faults, self.headings = [], [], [], [], []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if "id" in values:
            self.ids.append(values["id"])
        self.references += values.get("aria-labelledby", "").split()
        if values.get("href", "").startswith("#"):
            self.references.append(values["href"][1:])
        for name, value in attributes:
            if name in ("src", "href", "data", "action", "xlink:href") and not (value or "").startswith("#"):
                self.faults.append(f"<{tag} {name}={value}> leaves the page")
            if name.startswith("on"):
                self.faults.append(f"<{tag} {name}> is a script")
        if tag in ("script", "iframe", "object", "embed", "link"):
            self.faults.append(f"<{tag}> is not allowed")
        if tag == "svg" and values.get("role") != "img":
            self.faults.append("an svg has no role")
        if tag == "th" and "scope" not in values:
            self.faults.append("a th has no scope")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        if tag not in SVG_EMPTY:
            self.faults.append(f"<{tag}/> closes itself")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at line {self.getpos()} does not fit")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read()
    checker = Checker()
    checker.feed(text)
    faults = checker.faults
    if checker.open:
        faults.append(f"left open: {checker.open}")
    if len(set(checker.ids)) != len(checker.ids):
        faults.append("an id is used twice")
    faults += [f"#{name} leads nowhere" for name in checker.references if name not in checker.ids]
    if checker.headings and (checker.headings[0] != 1 or checker.headings.count(1) != 1):
        faults.append("there must be one h1, first")
    if any(after > before + 1 for before, after in zip(checker.headings, checker.headings[1:])):
        faults.append("headings skip a level")
    if re.search(r"url\(|@import", text):
        faults.append("a style loads something")
    if text.count("<title id=") != text.count("<svg"):
        faults.append("an svg has no title")
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
