"""The guard with real libraries; each is left out where it is not installed."""

import gzip
import importlib.util
import io
import os
import pickle
import subprocess
import sys
import threading
import time
import unittest
import warnings
import zipfile
from unittest import mock

from modelaudit_scanner import UnsafeModelError, _held, guard, scan
from harm import HarmTestCase, MakesFolder

# The smallest backend that loads models.
os.environ.setdefault("KERAS_BACKEND", "jax")


def needs(*names):
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    return unittest.skipIf(missing, f"needs {', '.join(missing)}")


def both_sizes(test):
    """Runs a test with files that are copied into memory, and with files behind their handles."""

    def run(self):
        for limit in (_held.SNAPSHOT_BYTES, 0):
            with self.subTest(snapshot=limit), mock.patch.object(_held, "SNAPSHOT_BYTES", limit):
                test(self)

    run.__name__ = test.__name__
    return run


@needs("numpy")
class Numpy(HarmTestCase):
    @both_sizes
    def test_arrays_are_loaded_and_objects_that_harm_are_refused(self):
        import numpy

        values = numpy.arange(12.0).reshape(3, 4)
        array, objects, archive = self.path("a.npy"), self.path("o.npy"), self.path("a.npz")
        numpy.save(array, values)
        numpy.save(objects, numpy.array([MakesFolder(self.mark)], dtype=object))
        numpy.savez(archive, values=values, objects=numpy.array([{"a": 1}], dtype=object))
        harmful = self.path("h.npz")
        numpy.savez_compressed(harmful, values=values, objects=numpy.array([MakesFolder(self.mark)], dtype=object))
        with guard():
            for path in (array, os.fsencode(array)):
                numpy.testing.assert_array_equal(numpy.load(path), values)
            with open(array, "rb") as file:
                numpy.testing.assert_array_equal(numpy.load(file), values)
                self.assertEqual(file.tell(), os.path.getsize(array))
            mapped = numpy.load(array, mmap_mode="r")
            self.assertIsInstance(mapped, numpy.memmap)
            numpy.testing.assert_array_equal(mapped, values)
            with numpy.load(archive, allow_pickle=True) as loaded:
                numpy.testing.assert_array_equal(loaded["values"], values)
                self.assertEqual(loaded["objects"][0], {"a": 1})
            for path in (objects, harmful):
                self.assert_refused(numpy.load, path, allow_pickle=True)
                with open(path, "rb") as file:
                    self.assert_refused(numpy.load, file, allow_pickle=True)
            with self.assertRaises(FileNotFoundError):
                numpy.load(self.path("nosuch.npy"))

    def test_an_archive_that_outlives_the_guard_has_what_was_scanned(self):
        import numpy

        path = self.path("a.npz")
        numpy.savez(path, a=numpy.arange(3))
        for limit in (_held.SNAPSHOT_BYTES, 0):
            with mock.patch.object(_held, "SNAPSHOT_BYTES", limit), guard():
                loaded = numpy.load(path)
            numpy.testing.assert_array_equal(loaded["a"], numpy.arange(3))

    def test_a_pickle_under_the_name_of_an_array_is_refused(self):
        import numpy

        with guard():
            self.assert_refused(numpy.load, self.path("a.npy", self.harmful), allow_pickle=True)


@needs("numpy", "joblib")
class Joblib(HarmTestCase):
    @both_sizes
    def test_dumps_are_loaded_and_those_that_harm_are_refused(self):
        import joblib
        import numpy

        value = {"a": numpy.arange(1000), "b": [1, "x"], "c": numpy.array([{"k": 1}], dtype=object)}
        for compress in (0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3)):
            path = self.path("model.joblib")
            joblib.dump(value, path, compress=compress)
            with guard():
                for loaded in (joblib.load(path), self.by_file(path)):
                    numpy.testing.assert_array_equal(loaded["a"], value["a"])
                    self.assertEqual(loaded["c"][0], {"k": 1})
            joblib.dump([numpy.arange(9), MakesFolder(self.mark)], path, compress=compress)
            with guard():
                self.assert_refused(joblib.load, path)
                self.assert_refused(self.by_file, path)

    def test_a_descriptor_and_a_path_that_changes_its_mind_are_no_way_past(self):
        import joblib

        good, bad = self.path("good.pkl", self.harmless), self.path("bad.pkl", self.harmful)

        class Changing:
            paths = [good, bad, bad, bad]

            def __fspath__(self):
                return self.paths.pop(0)

        descriptor = os.open(bad, os.O_RDONLY)
        try:
            with guard():
                self.assert_refused(joblib.load, descriptor, verdict=None)
                # The handle that was opened first is what is scanned and loaded.
                self.assertEqual(joblib.load(Changing())["name"], "model")
        finally:
            os.close(descriptor)
        self.assertFalse(os.path.exists(self.mark))

    def by_file(self, path):
        import joblib

        with open(path, "rb") as file:
            return joblib.load(file)

    @both_sizes
    def test_arrays_are_mapped(self):
        import joblib
        import numpy

        path = self.path("model.joblib")
        joblib.dump({"a": numpy.arange(1000)}, path)
        with guard():
            loaded = joblib.load(path, mmap_mode="r")["a"]
            self.assertIsInstance(loaded, numpy.memmap)
            numpy.testing.assert_array_equal(loaded, numpy.arange(1000))

    def test_processes_and_threads_of_joblib_work_within_a_guard(self):
        import joblib

        with guard():
            for prefer in ("threads", "processes"):
                self.assertEqual(
                    joblib.Parallel(n_jobs=2, prefer=prefer)(joblib.delayed(pow)(n, 2) for n in range(4)), [0, 1, 4, 9]
                )

    def test_the_unpickler_of_joblib_by_itself_is_judged(self):
        import joblib.numpy_pickle as inner
        import numpy

        path = self.path("model.joblib")
        for value in ([numpy.arange(5)], MakesFolder(self.mark)):
            inner.dump(value, path)
            with open(path, "rb") as file, guard(accept=["suspicious"]):
                try:
                    unpickler = inner.NumpyUnpickler(path, file, ensure_native_byte_order=False)
                except TypeError:
                    unpickler = inner.NumpyUnpickler(path, file)
                if isinstance(value, list):
                    numpy.testing.assert_array_equal(unpickler.load()[0], value[0])
                else:
                    self.assert_refused(unpickler.load)


@needs("torch")
class Torch(HarmTestCase):
    def setUp(self):
        super().setUp()
        warnings.simplefilter("ignore")

    @both_sizes
    def test_checkpoints_are_loaded_and_those_that_harm_are_refused(self):
        import torch

        value = {"w": torch.arange(12.0).reshape(3, 4), "step": 3}
        for legacy in (False, True):
            path = self.path("model.pt")
            torch.save(value, path, _use_new_zipfile_serialization=not legacy)
            loads = [
                lambda: torch.load(path),
                lambda: torch.load(path, weights_only=False),
                lambda: torch.load(os.fsencode(path).decode(), map_location="cpu", weights_only=False),
                lambda: torch.load(path, map_location=torch.device("cpu"), weights_only=False),
                lambda: torch.load(path, map_location=lambda storage, place: storage, weights_only=False),
                lambda: torch.load(io.BytesIO(open(path, "rb").read()), weights_only=False),
                lambda: self.by_file(path),
            ]
            if not legacy:
                loads.append(lambda: torch.load(path, mmap=True, weights_only=True))
            with guard():
                for index, load in enumerate(loads):
                    loaded = load()
                    self.assertTrue(torch.equal(loaded["w"], value["w"]), (legacy, index))
            torch.save({"w": value["w"], "x": MakesFolder(self.mark)}, path, _use_new_zipfile_serialization=not legacy)
            with guard():
                for index, load in enumerate(loads[1:]):
                    with self.subTest((legacy, index)):
                        self.assert_refused(load)

    def by_file(self, path):
        import torch

        with open(path, "rb") as file:
            return torch.load(file, weights_only=False)

    def test_a_module_of_torch_is_loaded_whole(self):
        import torch

        path = self.path("model.pt")
        torch.save(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU()), path)
        with guard():
            loaded = torch.load(path, weights_only=False)
        self.assertEqual(loaded[0].weight.shape, (2, 3))

    def test_names_from_before_the_guard_and_the_loader_of_a_url_are_guarded(self):
        import torch
        import types

        path = self.path("model.pt")
        torch.save({"x": MakesFolder(self.mark)}, path)
        other = types.ModuleType("other")
        other.load_checkpoint = torch.load
        sys.modules["other"] = other
        try:
            with guard():
                self.assert_refused(other.load_checkpoint, path, weights_only=False)
                url = "file://" + path
                self.assert_refused(
                    torch.hub.load_state_dict_from_url, url, model_dir=self.folder + "/cache", weights_only=False
                )
        finally:
            del sys.modules["other"]

    def test_loads_of_a_callback_are_judged_by_themselves(self):
        import torch

        path = self.path("model.pt")
        torch.save({"w": torch.zeros(2)}, path)
        refused = []

        def place(storage, _):
            try:
                pickle.loads(self.harmful)
            except UnsafeModelError as error:
                refused.append(error)
            return storage

        with guard():
            torch.load(path, map_location=place, weights_only=False)
        self.assertEqual(len(refused), 1)
        self.assertFalse(os.path.exists(self.mark))

    @unittest.skipIf(os.name == "nt", "needs links")
    def test_a_checkpoint_that_is_replaced_all_the_time_never_harms(self):
        import torch

        good, bad, path = self.path("good.pt"), self.path("bad.pt"), self.path("model.pt")
        torch.save({"w": torch.zeros(2)}, good)
        torch.save({"x": MakesFolder(self.mark)}, bad)
        os.symlink(good, path)
        ended = threading.Event()

        def swap():
            while not ended.is_set():
                for target in (bad, good):
                    os.symlink(target, path + ".new")
                    os.replace(path + ".new", path)
                    time.sleep(0.0005)

        swapping = threading.Thread(target=swap)
        swapping.start()
        outcomes = {"loaded": 0, "refused": 0}
        try:
            for limit in (0, _held.SNAPSHOT_BYTES):
                for options in ({"weights_only": False}, {"mmap": True, "weights_only": False}):
                    with mock.patch.object(_held, "SNAPSHOT_BYTES", limit), guard():
                        for _ in range(20):
                            try:
                                torch.load(path, **options)
                                outcomes["loaded"] += 1
                            except UnsafeModelError:
                                outcomes["refused"] += 1
        finally:
            ended.set()
            swapping.join()
        self.assertFalse(os.path.exists(self.mark))
        self.assertEqual(sum(outcomes.values()), 80, outcomes)

    def test_a_library_that_is_imported_within_the_guard_is_guarded(self):
        import torch

        path = self.path("model.pt")
        torch.save({"x": MakesFolder(self.mark)}, path)
        code = (
            "import sys, modelaudit_scanner as m\n"
            "with m.guard():\n"
            "    import torch\n"
            "    from torch.serialization import load\n"
            "    for it in (torch.load, load):\n"
            "        try: it(sys.argv[1], weights_only=False); print('loaded')\n"
            "        except m.UnsafeModelError: print('refused')\n"
            "assert not hasattr(torch.load, '__wrapped__')\n"
        )
        ran = subprocess.run([sys.executable, "-c", code, path], stdout=subprocess.PIPE, encoding="utf-8")
        self.assertEqual(ran.stdout.split(), ["refused", "refused"])


@needs("keras", "h5py")
class Keras(HarmTestCase):
    def model(self):
        import keras

        return keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])

    @both_sizes
    def test_models_are_loaded_and_those_that_harm_are_refused(self):
        import keras
        import numpy

        model = self.model()
        for name in ("model.keras", "model.h5"):
            path = self.path(name)
            model.save(path)
            with guard():
                loaded = keras.models.load_model(path, compile=False)
            numpy.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])
        weights = self.path("model.weights.h5")
        model.save_weights(weights)
        with guard():
            self.model().load_weights(weights)
        harmful = self.path("harmful.keras")
        self.change(self.path("model.keras"), harmful)
        with guard():
            for load in (keras.models.load_model, keras.saving.load_model):
                self.assert_refused(load, harmful, safe_mode=False)
                self.assert_refused(load, harmful)

    def change(self, path, target):
        """Puts a layer into a model that calls a function of another module."""
        import json

        with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as copy:
            for name in source.namelist():
                data = source.read(name)
                if name == "config.json":
                    config = json.loads(data)
                    config["config"]["layers"][1]["config"]["activation"] = {
                        "module": "os",
                        "class_name": "function",
                        "config": "system",
                        "registered_name": "system",
                    }
                    data = json.dumps(config)
                copy.writestr(name, data)

    def test_what_cannot_be_scanned_is_refused(self):
        import keras
        import h5py

        path = self.path("model.h5")
        self.model().save(path)
        with guard():
            self.assert_refused(keras.models.load_model, "gs://bucket/model.keras", verdict=None)
            with h5py.File(path, "r") as file:
                self.assert_refused(keras.models.load_model, file, verdict=None)

    def test_a_folder_is_scanned_as_a_whole(self):
        import keras

        folder = self.path("saved")
        os.mkdir(folder)
        with open(os.path.join(folder, "model.pkl"), "wb") as file:
            file.write(self.harmful)
        with guard():
            self.assert_refused(keras.models.load_model, folder)


@needs("huggingface_hub")
class Hub(HarmTestCase):
    """Downloads from a hub of the test's own, on the loopback interface."""

    def setUp(self):
        super().setUp()
        from hub import serve

        server = serve({"config.json": b"{}", "README.md": b"# model\n", "good.pkl": self.harmless, "bad.bin": self.harmful})
        self.addCleanup(server.shutdown)
        self.options = {"endpoint": f"http://127.0.0.1:{server.server_port}", "cache_dir": self.path("cache")}

    def test_a_file_is_given_when_it_is_clean_and_refused_when_it_harms(self):
        import huggingface_hub

        with guard():
            path = huggingface_hub.hf_hub_download("org/model", "good.pkl", **self.options)
            with open(path, "rb") as file:
                self.assertEqual(pickle.load(file)["name"], "model")
            for name in ("README.md", "config.json"):
                self.assertTrue(os.path.exists(huggingface_hub.hf_hub_download("org/model", name, **self.options)))
            self.assert_refused(huggingface_hub.hf_hub_download, "org/model", "bad.bin", **self.options)
            self.assert_refused(
                huggingface_hub.HfApi(endpoint=self.options["endpoint"]).hf_hub_download,
                "org/model",
                "bad.bin",
                cache_dir=self.options["cache_dir"],
            )

    def test_a_snapshot_is_refused_for_one_file_that_harms(self):
        import huggingface_hub

        with guard():
            self.assert_refused(huggingface_hub.snapshot_download, "org/model", **self.options)
            path = huggingface_hub.snapshot_download("org/model", ignore_patterns=["*.bin"], **{**self.options, "cache_dir": self.path("other")})
            self.assertEqual(sorted(os.listdir(path)), ["README.md", "config.json", "good.pkl"])


@needs("dill")
class Dill(HarmTestCase):
    def test_dill_is_judged_since_it_derives_from_the_python_unpickler(self):
        import dill

        with guard():
            self.assertEqual(dill.loads(dill.dumps([1, 2])), [1, 2])
            self.assert_refused(dill.loads, self.harmful)
            self.assert_refused(dill.load, io.BytesIO(self.harmful))


@needs("pandas")
class Pandas(HarmTestCase):
    def test_read_pickle_is_judged_in_every_compression(self):
        import pandas

        frame = pandas.DataFrame({"a": [1, 2]})
        for name in ("frame.pkl", "frame.pkl.gz", "frame.pkl.bz2", "frame.pkl.zip"):
            path = self.path(name)
            frame.to_pickle(path)
            with self.subTest(name), guard():
                self.assertEqual(pandas.read_pickle(path)["a"].tolist(), [1, 2])
            pandas.to_pickle(MakesFolder(self.mark), path)
            with self.subTest(name), guard():
                self.assert_refused(pandas.read_pickle, path)


if __name__ == "__main__":
    unittest.main()
