"""The samples of the checkout: what is harmful is judged so by the guard, what is clean loads as without it."""

import json
import os
import pickle
import unittest

from modelaudit_scanner import UnsafeModelError, _held, guard
from test_docs import ROOT


def samples(folder):
    """Paths of samples with what is expected of each."""
    home = os.path.join(ROOT, "testdata", folder)
    with open(os.path.join(home, "expected.json"), encoding="utf-8") as file:
        for name, expected in json.load(file).items():
            path = os.path.join(home, name)
            if os.path.isfile(path):
                yield path, expected["verdict"]


def outcome(load, path):
    """What a loader does: the type of what it gives, or of what it raises."""
    try:
        with open(path, "rb") as file:
            return type(load(file)).__name__, file.tell()
    except UnsafeModelError:
        raise
    except Exception as error:
        return type(error).__name__, None


@unittest.skipUnless(ROOT, "needs the checkout")
class Samples(unittest.TestCase):
    def test_what_is_not_clean_is_refused_before_a_loader_sees_it(self):
        from modelaudit_scanner._loaders import PICKLE, judge

        count = 0
        with guard():
            for path, verdict in samples("pickle"):
                if verdict == "clean" or os.path.getsize(path) == 0:
                    continue
                with self.subTest(path), self.assertRaises(UnsafeModelError):
                    judge(_held.hold_path(path), PICKLE)
                count += 1
        self.assertGreater(count, 150)

    def test_what_is_clean_loads_as_without_the_guard(self):
        count = 0
        for path, verdict in samples("pickle"):
            if verdict != "clean" or f"{os.sep}safe{os.sep}" not in path:
                continue
            for load in (
                lambda it: pickle.load(it),
                lambda it: pickle.loads(it.read()),
                lambda it: pickle.Unpickler(it).load(),
                lambda it: pickle._Unpickler(it).load(),
            ):
                with self.subTest(path):
                    expected = outcome(load, path)
                    try:
                        with guard():
                            found = outcome(load, path)
                    except UnsafeModelError as error:
                        # Only what the loader does not read, such as an array that is clean.
                        self.assertEqual(error.verdict, "clean")
                        continue
                    self.assertEqual(found[0], expected[0])
                    count += 1
        self.assertGreater(count, 100)


if __name__ == "__main__":
    unittest.main()
