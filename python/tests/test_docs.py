"""The examples of the documentation, run as they are; the folder of the checkout is in ROOT."""

import os
import re
import subprocess
import sys
import unittest

from harm import HarmTestCase
from test_libraries import needs

ROOT = os.environ.get("ROOT", "")
PAGES = ("docs/python.md", "docs/migrating.md", "python/README.md")


def examples(page):
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        return re.findall(r"^```python\n(.*?)^```", file.read(), re.M | re.S)


@unittest.skipUnless(ROOT, "needs the checkout")
class Examples(HarmTestCase):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("models"))
        self.path("models/model.pkl", self.harmless)
        self.path("security.toml", b'allow = ["our_package.*"]\n')
        before = os.getcwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)

    def run_examples(self, wanted):
        count = 0
        for page in PAGES:
            for code in examples(page):
                if ("torch" in code) == wanted:
                    exec(compile(code, page, "exec"), {})
                    self.assertFalse(os.path.exists(self.mark), page)
                    count += 1
        return count

    def test_they_run_with_a_clean_and_with_a_harmful_file(self):
        for data in (self.harmless, self.harmful):
            self.path("model.pkl", data)
            self.assertGreaterEqual(self.run_examples(False), 3)

    @needs("torch")
    def test_those_with_torch_run(self):
        import torch

        torch.save({"w": torch.zeros(2)}, "model.pt")
        self.assertGreaterEqual(self.run_examples(True), 2)

    def test_the_table_of_exit_codes_is_true(self):
        class Own:
            pass

        Own.__module__, Own.__qualname__ = "our_package", "Own"
        files = {
            "clean.pkl": (self.harmless, 0),
            "harmful.pkl": (self.harmful, 1),
            "own.pkl": (b"\x80\x04\x8c\x0bour_package\x8c\x03Own\x93)\x81.", 1),
            "cut.pkl": (self.harmless[:-3], 2),
            "readme.txt": (b"no model\n", 2),
        }
        codes = {}
        for name, (data, code) in files.items():
            self.path(name, data)
            codes[name] = (self.exit_code(name), code)
        codes["nosuch.pkl"] = (self.exit_code("nosuch.pkl"), 2)
        codes["--allow-no-models"] = (self.exit_code("readme.txt", "--allow-no-models"), 0)
        codes["--fail-on"] = (self.exit_code("own.pkl", "--fail-on", "high"), 0)
        self.assertEqual({it: ran for it, (ran, _) in codes.items()}, {it: code for it, (_, code) in codes.items()})

    def exit_code(self, *arguments):
        return subprocess.run(
            [sys.executable, "-m", "modelaudit_scanner", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ).returncode


if __name__ == "__main__":
    unittest.main()
