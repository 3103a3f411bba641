"""Runs the tests of this folder against the installed package, and ends with "N passed, N failed, N skipped"."""

import os
import sys
import unittest


class Result(unittest.TextTestResult):
    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def main():
    folder = os.path.dirname(os.path.abspath(__file__))
    suite = unittest.defaultTestLoader.discover(folder, top_level_dir=folder)
    result = unittest.TextTestRunner(resultclass=Result, verbosity=0, stream=sys.stdout).run(suite)
    # One skip for each thing that is missing, however many tests need it.
    reasons = {reason for _, reason in result.skipped}
    for reason in sorted(reasons):
        print(f"skipped: {reason}")
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"{result.passed} passed, {failed} failed, {len(reasons)} skipped", flush=True)
    sys.exit(failed != 0)


main()
