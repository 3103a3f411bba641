"""Harmful objects for tests: loading one makes a folder, whose absence shows that nothing was loaded."""

import os
import pickle
import shutil
import tempfile
import unittest


class MakesFolder:
    """Pickles as a call of os.mkdir."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


class HarmTestCase(unittest.TestCase):
    """A folder for the test, and a pickle whose harm can be seen."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="modelaudit-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.mark = os.path.join(self.folder, "harmed")
        self.harmful = pickle.dumps(MakesFolder(self.mark))
        self.harmless = pickle.dumps({"weights": [1, 2.5], "name": "model"})

    def path(self, name, data=None):
        path = os.path.join(self.folder, name)
        if data is not None:
            with open(path, "wb") as file:
                file.write(data)
        return path

    def assert_refused(self, load, *arguments, verdict="dangerous", **options):
        from modelaudit_scanner import UnsafeModelError

        with self.assertRaises(UnsafeModelError) as caught:
            load(*arguments, **options)
        self.assertEqual(caught.exception.verdict, verdict, str(caught.exception))
        self.assertFalse(os.path.exists(self.mark), "it was loaded")
        return caught.exception

    def assert_harm_is_real(self, data=None):
        """The oracle: without a guard the same bytes do harm."""
        pickle.loads(self.harmful if data is None else data)
        self.assertTrue(os.path.exists(self.mark))
        os.rmdir(self.mark)
