#!/usr/bin/env python3
"""Shows that each check of this folder can fail, and passes what is right."""

import pathlib
import subprocess
import sys
import types
import unittest
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import check_coroutines  # noqa: E402
import check_layers  # noqa: E402
import check_readme  # noqa: E402
import check_text  # noqa: E402

ORDER = ["core", "federated", "data", "wire", "model"]


def load_script(path):
    """Loads a program without the .py ending as a module."""
    module = types.ModuleType(path.name)
    exec(compile(path.read_text(), str(path), "exec"), module.__dict__)
    return module


class Layers(unittest.TestCase):
    def assert_includes(self, path, header, count):
        found = check_layers.check_source(path, f"#pragma once\n#include {header}\n", ORDER)
        self.assertEqual(len(found), count, found)
        for line, _ in found:
            self.assertEqual(line, 2)

    def test_upward_includes_are_found(self):
        self.assert_includes("client/a.cc", '"coordinator/round_loop.h"', 1)
        self.assert_includes("coordinator/a.cc", '"client/trainer.h"', 1)
        self.assert_includes("common/core/a.h", '"common/data/dataset.h"', 1)
        self.assert_includes("common/data/a.h", '"simulations/pool.h"', 1)
        self.assert_includes("common/unlisted/a.h", '"common/core/ids.h"', 1)
        self.assert_includes("coordinator/a.cc", '"common/model/trainer.h"', 1)

    def test_torch_and_protobuf_outside_their_folders_are_found(self):
        self.assert_includes("coordinator/a.cc", "<torch/torch.h>", 1)
        self.assert_includes("common/data/a.cc", "<ATen/ATen.h>", 1)
        self.assert_includes("common/wire/a.h", '"proto/rondo.pb.h"', 1)
        self.assert_includes("client/a.cc", '"proto/rondo.pb.h"', 2)

    def test_downward_includes_pass(self):
        self.assert_includes("simulations/a.cc", '"coordinator/round_loop.h"', 0)
        self.assert_includes("common/model/a.cc", '"common/core/ids.h"', 0)
        self.assert_includes("common/model/a.cc", "<torch/torch.h>", 0)
        self.assert_includes("common/wire/a.cc", '"proto/rondo.pb.h"', 0)
        self.assert_includes("tests/client/a.cc", '"client/trainer.h"', 0)

    def test_link_lists_are_read(self):
        check = check_layers.check_link_list
        self.assertTrue(check("coordinator/CMakeLists.txt", "rondo_library(coordinator SOURCES a.cc TORCH)"))
        self.assertTrue(check("coordinator/CMakeLists.txt", "rondo_library(coordinator DEPS core model)"))
        self.assertTrue(check("client/CMakeLists.txt", "rondo_library(client DEPS coordinator)"))
        self.assertFalse(check("common/model/CMakeLists.txt", "rondo_library(model DEPS core TORCH)"))


class Coroutines(unittest.TestCase):
    def test_unnamed_temporaries_are_found(self):
        for text in ("co_await Post([p] { Use(p); });", "co_await Send({p});", "co_await Send(\n  ok ? a : b);"):
            self.assertEqual(check_coroutines.check("void F();\n" + text), [2], text)

    def test_named_arguments_pass(self):
        text = "co_await Send(std::move(frame)); // [never] {this}\nauto b = co_await Read(\"[?{\");\nint a[2] = {1, 2};"
        self.assertEqual(check_coroutines.check(text), [])


class Text(unittest.TestCase):
    def test_each_finding(self):
        for path, text in (
            ("a.cc", "\n" * 401),
            ("a.cc", "// TO" + "DO: later"),
            ("docs/a.md", "see /ro" + "ot/data"),
            ("tests/a_test.cc", "GTEST_SKIP()" + ";"),
        ):
            self.assertEqual(len(check_text.check(path, text)), 1, text)

    def test_ordinary_text_passes(self):
        self.assertEqual(check_text.check("a.cc", "// reads ${HOME}/data and runs/latest\n" * 400), [])


    def test_dead_links(self):
        text = "[a](checks_test.py) [b](https://x.org) [c](#top)\n[d](none.md#part)"
        self.assertEqual(check_text.dead_links(HERE, text), [(2, "dead link: none.md")])


class Readme(unittest.TestCase):
    def test_commands_of_the_first_screen_only(self):
        text = "# Rondo\n```sh\nscripts/demo   # two minutes\nscripts/test\n```\n```text\nout\n```\n" + "\n" * 50 + "```sh\nls\n```\n"
        self.assertEqual(check_readme.first_screen_commands(text), ["scripts/demo", "scripts/test"])


    def test_demo_output_lands_between_its_marks(self):
        text = "a\n<!-- demo output: begin -->\nold\n<!-- demo output: end -->\nb\n"
        filled = check_readme.with_demo_output(text, "new\n")
        self.assertEqual(filled, "a\n<!-- demo output: begin -->\n```text\nnew\n```\n<!-- demo output: end -->\nb\n")


class Summary(unittest.TestCase):
    def test_a_missing_program_is_a_failure_and_a_skip_is_not(self):
        summarize = load_script(HERE.parent / "scripts" / "summarize-tests").summarize
        tree = ElementTree.fromstring(
            '<testsuite><testcase name="a" status="run"/>'
            '<testcase name="b" status="fail"><failure message=""/></testcase>'
            '<testcase name="c" status="notrun"><skipped message="Unable to find executable"/></testcase>'
            '<testcase name="d" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>'
            "<system-out>a.cc:3: Skipped\nset RONDO_DATA</system-out></testcase></testsuite>")
        self.assertEqual(summarize(tree), (1, ["b", "c"], [("d", "set RONDO_DATA")]))


class Help(unittest.TestCase):
    def test_every_script_explains_itself_from_its_own_folder(self):
        scripts = HERE.parent / "scripts"
        for name in ("build", "demo", "test", "install-dependencies", "export-movielens"):
            shown = subprocess.run([f"./{name}", "--help"], cwd=scripts, capture_output=True, text=True, check=False)
            self.assertEqual((shown.returncode, shown.stderr), (0, ""), name)
            self.assertIn(f"scripts/{name}", shown.stdout)


if __name__ == "__main__":
    unittest.main()
