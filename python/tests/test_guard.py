import _pickle
import asyncio
import copyreg
import gc
import gzip
import io
import mmap
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings
import zipfile
from pickle import load as load_before, loads as loads_before
from unittest import mock

from modelaudit_scanner import ScannerError, UnsafeModelError, UsageError, _held, _scanner, guard
from harm import HarmTestCase, MakesFolder


SLOW = b"""
import time
time.sleep(0.3)
def load(file):
    import pickle
    return pickle.load(open(file, "rb"))
"""


class DerivedBefore(pickle.Unpickler):
    """A subclass from before any guard."""


class DerivedBeforeTwice(DerivedBefore):
    pass


class DerivedFromPython(pickle._Unpickler):
    pass


class Ours:
    """A class that no list has."""

    def __init__(self):
        self.value = 1


class Refusing(HarmTestCase):
    def test_the_sample_does_harm_where_there_is_no_guard(self):
        self.assert_harm_is_real()

    def test_load_and_loads_refuse_what_is_harmful_and_load_what_is_clean(self):
        path = self.path("model.pkl", self.harmful)
        with guard():
            self.assertEqual(pickle.loads(self.harmless)["name"], "model")
            self.assertEqual(pickle.load(io.BytesIO(self.harmless))["name"], "model")
            error = self.assert_refused(pickle.loads, self.harmful)
            self.assertEqual(error.report.verdict, "dangerous")
            self.assertIn("mkdir", str(error))
            with open(path, "rb") as file:
                error = self.assert_refused(pickle.load, file)
            self.assertEqual(error.path, path)

    def test_every_road_to_the_unpicklers_is_guarded(self):
        harmful, file = self.harmful, lambda: io.BytesIO(self.harmful)
        with guard():
            derived = type("Derived", (pickle.Unpickler,), {})
            roads = [
                lambda: load_before(file()),
                lambda: loads_before(harmful),
                lambda: _pickle.load(file()),
                lambda: _pickle.loads(harmful),
                lambda: _pickle.Unpickler(file()).load(),
                lambda: pickle.Unpickler(file()).load(),
                lambda: pickle._Unpickler(file()).load(),
                lambda: pickle._load(file()),
                lambda: pickle._loads(harmful),
                lambda: DerivedBefore(file()).load(),
                lambda: DerivedBeforeTwice(file()).load(),
                lambda: DerivedFromPython(file()).load(),
                lambda: derived(file()).load(),
            ]
            for index, road in enumerate(roads):
                with self.subTest(index):
                    self.assert_refused(road)

    def test_everything_is_as_before_when_the_guard_ends(self):
        names = {
            (module, name): getattr(module, name)
            for module in (pickle, _pickle, sys.modules[__name__])
            for name in dir(module)
            if not name.startswith("__")
        }
        methods = (pickle._Unpickler.load, pickle._Unpickler.__init__)
        bases = (DerivedBefore.__bases__, DerivedBeforeTwice.__bases__)
        finders = list(sys.meta_path)
        with guard():
            self.assertIsNot(pickle.loads, names[pickle, "loads"])
            self.assertIsNot(loads_before, names[pickle, "loads"])
            from pickle import loads as within
        for (module, name), value in names.items():
            self.assertIs(getattr(module, name), value, name)
        self.assertEqual((pickle._Unpickler.load, pickle._Unpickler.__init__), methods)
        self.assertEqual((DerivedBefore.__bases__, DerivedBeforeTwice.__bases__), bases)
        self.assertEqual(sys.meta_path, finders)
        # What was imported within keeps working, as before the guard.
        self.assertEqual(within(self.harmless)["name"], "model")
        self.assert_harm_is_real()
        within(self.harmful)
        self.assertTrue(os.path.exists(self.mark))

    def test_an_unpickler_from_before_the_guard_is_refused(self):
        for kind in (DerivedBefore, pickle._Unpickler):
            unpickler = kind(io.BytesIO(self.harmless))
            with guard():
                self.assert_refused(unpickler.load, verdict=None)

    def test_the_unguarded_method_of_an_unpickler_reads_nothing_within_the_guard(self):
        original = pickle.Unpickler
        with guard():
            for unpickler, load in (
                (pickle.Unpickler(io.BytesIO(self.harmful)), original.load),
                (DerivedBefore(io.BytesIO(self.harmful)), original.load),
                (pickle._Unpickler(io.BytesIO(self.harmful)), lambda it: pickle._Unpickler.load.__wrapped__(it)),
            ):
                self.assert_refused(load, unpickler, verdict=None)

    def test_an_unpickler_that_outlives_the_guard_reads_on(self):
        with guard():
            made = [kind(io.BytesIO(self.harmless)) for kind in (pickle.Unpickler, pickle._Unpickler, DerivedBefore)]
        for unpickler in made:
            self.assertEqual(unpickler.load()["name"], "model")

    def test_a_library_that_another_thread_is_importing_is_guarded_when_that_is_done(self):
        from modelaudit_scanner import _loaders

        self.path("slow_library.py", SLOW)
        made = {"slow_library": {"load": _loaders._file_loader(_loaders.PICKLE, lambda _: False)}}
        sys.path.insert(0, self.folder)
        self.addCleanup(sys.modules.pop, "slow_library", None)
        self.addCleanup(sys.path.remove, self.folder)
        path = self.path("model.pkl", self.harmful)
        with mock.patch.dict(_loaders._LIBRARIES, made):
            importing = threading.Thread(target=lambda: __import__("slow_library"))
            importing.start()
            while "slow_library" not in sys.modules:
                time.sleep(0.001)
            with guard():
                self.assert_refused(sys.modules["slow_library"].load, path)
            importing.join()

    def test_nested_pickles_of_a_load_are_judged(self):
        inner = MakesFolder(self.mark)
        for outer in (_Loads(pickle.dumps(inner)), [1, _Loads(pickle.dumps(inner))]):
            with guard():
                self.assert_refused(pickle.loads, pickle.dumps(outer))

    def test_loads_of_callbacks_are_judged_by_themselves(self):
        harmful = self.harmful

        class Callback(pickle.Unpickler):
            def persistent_load(self, _):
                return pickle.loads(harmful)

        data = b"\x80\x04\x8c\x01xQ."
        with guard(accept=["suspicious"]):
            self.assert_refused(Callback(io.BytesIO(data)).load)

    def test_extension_codes_of_the_process_are_suspicious(self):
        copyreg.add_extension("os", "mkdir", 200)
        self.addCleanup(copyreg.remove_extension, "os", "mkdir", 200)
        path = self.mark.encode()
        data = b"\x80\x02\x82\xc8(X" + len(path).to_bytes(4, "little") + path + b"tR."
        self.assert_harm_is_real(data)
        with guard():
            self.assert_refused(pickle.loads, data, verdict="suspicious")

    def test_classes_of_several_bases_and_slots_are_guarded(self):
        class Slotted(pickle.Unpickler):
            __slots__ = ("extra",)

        class Several(DerivedBefore, pickle.Unpickler):
            pass

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with guard():
                for kind in (Slotted, Several):
                    self.assert_refused(kind(io.BytesIO(self.harmful)).load)

    def test_other_formats_than_the_loader_reads_are_refused_though_clean(self):
        with open(self.path("weights.safetensors", b"\x08\0\0\0\0\0\0\0{}      "), "rb") as file, guard():
            with self.assertRaises(UnsafeModelError):
                pickle.load(file)

    def test_an_archive_of_clean_pickles_is_none_to_pickle_load(self):
        # To an unpickler "PK" is an opcode with an argument, and what follows a program.
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("a/data.pkl", self.harmless)
        with guard():
            self.assert_refused(pickle.loads, data.getvalue(), verdict=mock.ANY)

    def test_what_cannot_be_read_to_its_end_is_refused(self):
        with guard():
            for data in (self.harmless[:-3], b"\x80\x04", b"no pickle at all"):
                with self.assertRaises(UnsafeModelError) as caught:
                    pickle.loads(data)
                self.assertNotEqual(caught.exception.verdict, "clean")

    def test_an_empty_file_is_the_loaders_own_error(self):
        with guard():
            with self.assertRaises(EOFError):
                pickle.loads(b"")
            with self.assertRaises(EOFError):
                pickle.load(io.BytesIO())

    def test_what_is_no_file_and_no_buffer_raises_as_without_a_guard(self):
        with guard():
            for wrong in (None, 3, "text"):
                with self.assertRaises(TypeError):
                    pickle.loads(wrong)
            with self.assertRaises((TypeError, AttributeError, UnsafeModelError)):
                pickle.load(None)
            with self.assertRaises(TypeError):
                pickle.load(io.StringIO("text"))
            with self.assertRaises(TypeError):
                pickle.Unpickler(None)


class _Loads:
    def __init__(self, data):
        self.data = data

    def __reduce__(self):
        return pickle.loads, (self.data,)


class Policies(HarmTestCase):
    def setUp(self):
        super().setUp()
        self.suspicious = pickle.dumps(Ours())

    def test_a_class_of_the_callers_own_is_loaded_where_the_policy_says_so(self):
        with guard():
            self.assert_refused(pickle.loads, self.suspicious, verdict="suspicious")
        with guard(accept=["suspicious"]):
            self.assertEqual(pickle.loads(self.suspicious).value, 1)
            self.assert_refused(pickle.loads, self.harmful)
        config = self.path("ours.toml", f'allow = ["{Ours.__module__}.*"]\n'.encode())
        with guard(config=config):
            self.assertEqual(pickle.loads(self.suspicious).value, 1)
            self.assert_refused(pickle.loads, self.harmful)

    def test_no_policy_accepts_what_is_dangerous(self):
        for accept in (["dangerous"], "dangerous", ["fine"]):
            with self.assertRaises(UsageError):
                guard(accept=accept)
        with guard(accept=["suspicious", "incomplete", "skipped"]):
            self.assert_refused(pickle.loads, self.harmful)

    def test_a_wrong_configuration_stops_loads_and_does_not_loosen_them(self):
        with guard(config=self.path("wrong.toml", b"allow = 3\n")):
            with self.assertRaises(UsageError):
                pickle.loads(self.harmless)

    def test_nested_guards_all_have_to_agree(self):
        with guard():
            with guard(accept=["suspicious"]):
                self.assert_refused(pickle.loads, self.suspicious, verdict="suspicious")
            self.assert_refused(pickle.loads, self.suspicious, verdict="suspicious")
        with guard(accept=["suspicious"]):
            with guard():
                self.assert_refused(pickle.loads, self.suspicious, verdict="suspicious")
            self.assertEqual(pickle.loads(self.suspicious).value, 1)

    def test_one_guard_may_be_entered_again_and_used_as_a_decorator(self):
        again = guard()

        @again
        def load(data):
            return pickle.loads(data)

        with again:
            with again:
                self.assert_refused(load, self.harmful)
            self.assert_refused(pickle.loads, self.harmful)
        self.assertIs(pickle.loads, _pickle.loads)
        self.assert_refused(load, self.harmful)
        self.assert_harm_is_real()

    def test_as_a_decorator_it_holds_while_a_coroutine_runs_and_refuses_generators(self):
        @guard()
        async def load():
            await asyncio.sleep(0)
            return pickle.loads(self.harmful)

        self.assert_refused(lambda: asyncio.run(load()))
        self.assertIs(pickle.loads, _pickle.loads)
        with self.assertRaises(TypeError):

            @guard()
            def generate():
                yield pickle.loads(self.harmful)

    def test_every_report_is_given_to_the_callback(self):
        reports = []
        with guard(on_scan=reports.append):
            pickle.loads(self.harmless)
            self.assert_refused(pickle.loads, self.harmful)
        self.assertEqual([it.verdict for it in reports], ["clean", "dangerous"])

    def test_a_scanner_that_does_not_run_loads_nothing(self):
        with mock.patch.object(_scanner, "guard_command", lambda: [sys.executable, "-c", "raise SystemExit('no')"]):
            _scanner._end_all()
            with guard():
                time.sleep(0.2)
                with self.assertRaises(ScannerError):
                    pickle.loads(self.harmless)
        _scanner._end_all()

    def test_a_scan_past_its_time_loads_nothing(self):
        with guard(timeout=1e-9):
            with self.assertRaises((UnsafeModelError, ScannerError)):
                pickle.loads(pickle.dumps(list(range(100_000))))


class Streams(HarmTestCase):
    def test_a_file_of_many_pickles_is_scanned_once_and_read_as_without_a_guard(self):
        values = [{"number": index} for index in range(20)]
        data = b"".join(map(pickle.dumps, values))
        for name, open_file in self.kinds(data):
            reports = []
            with self.subTest(name), open_file() as file, guard(on_scan=reports.append):
                read = []
                while True:
                    try:
                        read.append((pickle.load(file), file.tell()))
                    except EOFError:
                        break
            self.assertEqual([value for value, _ in read], values, name)
            ends = [sum(len(pickle.dumps(it)) for it in values[: n + 1]) for n in range(20)]
            self.assertEqual([end for _, end in read], ends, name)
            if name != "gzip":
                self.assertEqual(len(reports), 1, name)

    def kinds(self, data):
        path = self.path("stream.pkl", data)
        packed = self.path("stream.pkl.gz", gzip.compress(data))
        return [
            ("file", lambda: open(path, "rb")),
            ("raw", lambda: open(path, "rb", buffering=0)),
            ("writable", lambda: open(path, "r+b")),
            ("bytes", lambda: io.BytesIO(data)),
            ("gzip", lambda: gzip.open(packed)),
        ]

    def test_unpicklers_continue_where_the_last_pickle_ended(self):
        data = pickle.dumps("a") + pickle.dumps("b") + pickle.dumps("c")
        for kind in (pickle.Unpickler, pickle._Unpickler, DerivedBefore):
            for name, open_file in self.kinds(data):
                with self.subTest((kind, name)), open_file() as file, guard():
                    unpickler = kind(file)
                    self.assertEqual([unpickler.load() for _ in range(3)], ["a", "b", "c"])
                    self.assertEqual(file.tell(), len(data))
                    with self.assertRaises(EOFError):
                        unpickler.load()

    def test_a_harmful_pickle_behind_a_clean_one_is_refused_at_the_first(self):
        data = self.harmless + self.harmful
        with guard():
            self.assert_refused(pickle.load, io.BytesIO(data))

    def test_a_position_that_was_set_is_scanned_from_there(self):
        # In the payload of an opcode the harmful pickle is data; read from there it is a program.
        data = pickle.dumps(b"x" * 300 + self.harmful + b"y" * 10)
        at = data.index(self.harmful)
        for name, open_file in self.kinds(data):
            with self.subTest(name), open_file() as file, guard(accept=["suspicious"]):
                self.assertIsInstance(pickle.load(file), bytes)
                file.seek(at)
                self.assert_refused(pickle.load, file)
            with self.subTest(name), open_file() as file, guard(accept=["suspicious", "incomplete"]):
                unpickler = pickle.Unpickler(file)
                unpickler.load()
                file.seek(at)
                self.assert_refused(unpickler.load)

    def test_maps_buffers_and_subclasses_of_bytes_are_read_as_c_reads_them(self):
        harmless = self.harmless

        class Lying(bytes):
            def __bytes__(self):
                return harmless

            def __len__(self):
                return len(harmless)

            def __getitem__(self, index):
                return harmless[index]

        path = self.path("model.pkl", self.harmful)
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, guard():
            for data in (Lying(self.harmful), bytearray(self.harmful), memoryview(self.harmful), mapped):
                self.assert_refused(pickle.loads, data)
            self.assert_refused(pickle.load, mapped)
            self.assertEqual(pickle.loads(bytearray(self.harmless))["name"], "model")

    def test_a_file_object_that_gives_other_bytes_the_second_time_loads_what_was_scanned(self):
        first, second = self.harmless, self.harmful

        class Lying:
            def __init__(self):
                self.reads = 0
                self.at = 0

            def _data(self):
                return first if self.reads == 0 else second

            def read(self, length=-1):
                data = self._data()[self.at :][: None if length < 0 else length]
                self.at += len(data)
                self.reads += 1
                return data

            def readline(self):
                return self.read(self._data().find(b"\n") + 1)

            def readinto(self, target):
                data = self.read(len(target))
                target[: len(data)] = data
                return len(data)

            def seekable(self):
                return True

            def seek(self, at, whence=0):
                self.at = at
                return at

            def tell(self):
                return self.at

        class LyingBytes(io.BytesIO):
            reads = 0

            def read(self, *arguments):
                self.reads += 1
                return first if self.reads == 1 else second

        for make in (Lying, LyingBytes):
            for load in (lambda it: pickle.load(it), lambda it: pickle.Unpickler(it).load()):
                with guard():
                    self.assertEqual(load(make())["name"], "model")
                    self.assertFalse(os.path.exists(self.mark))

    def test_a_stream_that_cannot_be_set_back_is_refused(self):
        reading, writing = os.pipe()
        os.write(writing, self.harmless)
        os.close(writing)
        with open(reading, "rb") as file, guard():
            self.assert_refused(pickle.load, file, verdict=None)

    def test_devices_and_bombs_are_refused_and_not_read_into_memory(self):
        if os.path.exists("/dev/zero"):
            with open("/dev/zero", "rb") as file, guard():
                self.assert_refused(pickle.load, file, verdict=None)
        path = self.path("bomb.pkl.gz", gzip.compress(bytes(1 << 22)))
        with gzip.open(path) as file, guard(), mock.patch.object(_held, "STREAM_BYTES", 1 << 20):
            error = self.assert_refused(pickle.load, file, verdict=None)
        self.assertIn("unpacks", str(error))

    def test_out_of_band_buffers_arrive(self):
        buffers = []
        data = pickle.dumps(pickle.PickleBuffer(b"raw"), protocol=5, buffer_callback=buffers.append)
        with guard():
            self.assertEqual(bytes(pickle.loads(data, buffers=buffers)), b"raw")
            self.assertEqual(bytes(pickle.load(io.BytesIO(data), buffers=buffers)), b"raw")

    def test_options_are_handed_on(self):
        data = b"\x80\x02U\x01\xe9."
        with guard():
            self.assertEqual(pickle.loads(data, encoding="latin1"), "é")
            self.assertEqual(pickle.Unpickler(io.BytesIO(data), encoding="bytes").load(), b"\xe9")


class Files(HarmTestCase):
    """A file that is larger than what is copied into memory, and its writers."""

    def setUp(self):
        super().setUp()
        limit = mock.patch.object(_held, "SNAPSHOT_BYTES", 0)
        limit.start()
        self.addCleanup(limit.stop)

    def test_a_large_file_is_loaded_by_its_handle(self):
        value = [os.urandom(1 << 20) for _ in range(3)]
        path = self.path("large.pkl", pickle.dumps(value))
        with open(path, "rb") as file, guard():
            self.assertEqual(pickle.load(file), value)
            self.assertEqual(file.tell(), os.path.getsize(path))
            file.seek(0)
            self.assertEqual(pickle.Unpickler(file).load(), value)
            file.seek(0)
            self.assertEqual(pickle._Unpickler(file).load(), value)

    def test_a_file_that_is_changed_in_place_during_the_scan_is_refused(self):
        path = self.path("model.pkl", self.harmless.ljust(4096, b"."))
        scan_held = _scanner.scan_held

        def scan_and_write(*arguments, **options):
            report = scan_held(*arguments, **options)
            with open(path, "r+b") as file:
                file.write(self.harmful)
            return report

        from modelaudit_scanner import _guard

        with mock.patch.object(_guard, "scan_held", scan_and_write), open(path, "rb") as file:
            with guard(accept=["suspicious", "incomplete"]):
                error = self.assert_refused(pickle.load, file, verdict=None)
        self.assertIn("changed", str(error))

    def test_a_file_that_is_changed_in_place_and_set_back_in_time_is_refused(self):
        path = self.path("model.pkl", self.harmless.ljust(len(self.harmful), b"."))
        before = os.stat(path)
        held = _held.hold_path(path)
        time.sleep(0.05)
        with open(path, "r+b") as file:
            file.write(self.harmful)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.assertEqual(os.stat(path).st_mtime_ns, before.st_mtime_ns)
        with self.assertRaises(UnsafeModelError):
            held.reader().read()

    def test_a_file_that_is_replaced_during_the_scan_is_not_what_is_loaded(self):
        path, other = self.path("model.pkl", self.harmless), self.path("other.pkl", self.harmful)
        from modelaudit_scanner import _guard

        def scan_and_replace(*arguments, **options):
            report = _scanner.scan_held(*arguments, **options)
            os.replace(other, path)
            return report

        with mock.patch.object(_guard, "scan_held", scan_and_replace), guard(), open(path, "rb") as file:
            try:
                self.assertEqual(pickle.load(file)["name"], "model")
            except UnsafeModelError as error:
                # Removing its last name changed the inode.
                self.assertIn("changed", str(error))
        self.assertFalse(os.path.exists(self.mark))


class Racing(HarmTestCase):
    @unittest.skipIf(os.name == "nt", "needs links")
    def test_links_and_files_that_are_swapped_all_the_time_never_harm(self):
        good, bad = self.path("good.pkl", self.harmless), self.path("bad.pkl", self.harmful)
        link, spare = self.path("model.pkl"), self.path("spare")
        os.symlink(good, link)
        ended = threading.Event()

        def swap():
            while not ended.is_set():
                for target in (bad, good):
                    os.symlink(target, spare)
                    os.replace(spare, link)
                    time.sleep(0.0005)

        swapping = threading.Thread(target=swap)
        swapping.start()
        loaded = refused = 0
        try:
            for snapshot in (0, 1 << 20):
                with mock.patch.object(_held, "SNAPSHOT_BYTES", snapshot), guard():
                    for _ in range(100):
                        try:
                            with open(link, "rb") as file:
                                loaded += pickle.load(file)["name"] == "model"
                        except UnsafeModelError:
                            refused += 1
                        self.assertFalse(os.path.exists(self.mark))
        finally:
            ended.set()
            swapping.join()
        self.assertEqual(loaded + refused, 200)

    @unittest.skipUnless(hasattr(os, "mkfifo"), "needs FIFOs")
    def test_a_fifo_and_a_device_are_refused_without_waiting(self):
        fifo = self.path("model.pkl")
        os.mkfifo(fifo)
        for path in (fifo, os.devnull, self.folder):
            with self.assertRaises(UnsafeModelError):
                _held.hold_path(path)

    def test_the_file_is_open_no_longer_than_it_is_needed(self):
        if not os.path.isdir("/proc/self/fd"):
            self.skipTest("needs /proc")
        path = self.path("model.pkl", self.harmless)
        with guard(), mock.patch.object(_held, "SNAPSHOT_BYTES", 0):
            pickle.loads(self.harmless)
            before = len(os.listdir("/proc/self/fd"))
            for _ in range(50):
                with open(path, "rb") as file:
                    pickle.load(file)
            gc.collect()
            self.assertLessEqual(len(os.listdir("/proc/self/fd")), before + 1)


class Threads(HarmTestCase):
    def test_a_guard_holds_in_all_threads_and_each_threads_own_guard_in_it(self):
        suspicious = pickle.dumps(Ours())
        results = {}

        def without():
            try:
                results["without"] = pickle.loads(suspicious)
            except UnsafeModelError as error:
                results["without"] = error.verdict

        def looser():
            with guard(accept=["suspicious"]):
                results["looser"] = pickle.loads(suspicious).value
                barrier.wait()
                results["after"] = pickle.loads(suspicious).value

        barrier = threading.Barrier(2)
        other = threading.Thread(target=looser)
        other.start()
        with guard():
            thread = threading.Thread(target=without)
            thread.start()
            thread.join()
            self.assert_refused(pickle.loads, suspicious, verdict="suspicious")
        barrier.wait()
        other.join()
        self.assertEqual(results, {"without": "suspicious", "looser": 1, "after": 1})

    def test_many_threads_enter_load_and_leave(self):
        errors = []

        def work(index):
            try:
                for _ in range(10):
                    with guard():
                        assert pickle.loads(self.harmless)["name"] == "model"
                        try:
                            pickle.loads(self.harmful)
                            errors.append("loaded")
                        except UnsafeModelError:
                            pass
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(index,)) for index in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        self.assertFalse(os.path.exists(self.mark))
        self.assertIs(pickle.loads, _pickle.loads)

    def test_tasks_of_an_event_loop_have_their_own_guards(self):
        suspicious = pickle.dumps(Ours())

        async def strict():
            with guard():
                await asyncio.sleep(0.05)
                self.assert_refused(pickle.loads, suspicious, verdict="suspicious")

        async def loose():
            with guard(accept=["suspicious"]):
                await asyncio.sleep(0.02)
                self.assertEqual(pickle.loads(suspicious).value, 1)
                await asyncio.sleep(0.1)
                self.assertEqual(pickle.loads(suspicious).value, 1)

        async def both():
            await asyncio.gather(strict(), loose())

        asyncio.run(both())

    @unittest.skipUnless(hasattr(os, "fork"), "needs fork")
    def test_a_forked_child_has_a_scanner_of_its_own(self):
        with guard():
            pickle.loads(self.harmless)
            child = os.fork()
            if child == 0:
                code = 3
                try:
                    pickle.loads(self.harmless)
                    try:
                        pickle.loads(self.harmful)
                    except UnsafeModelError:
                        code = 0
                finally:
                    _scanner._end_all()
                    os._exit(code)
            _, status = os.waitpid(child, 0)
            self.assertEqual(os.WEXITSTATUS(status), 0)
            self.assertEqual(pickle.loads(self.harmless)["name"], "model")

    def test_processes_of_the_scanner_end_with_the_program(self):
        code = (
            "import modelaudit_scanner._scanner as s, modelaudit_scanner as m, sys, os, signal\n"
            "m.scan_bytes(b'N.', 'a.pkl'); print(s._idle[0]._process.pid, flush=True)\n"
            "sys.argv[1] == 'kill' and os.kill(os.getpid(), signal.SIGKILL)"
        )
        if os.name == "nt":
            self.skipTest("needs signals")
        for how in ("end", "kill"):
            ran = subprocess.run([sys.executable, "-c", code, how], stdout=subprocess.PIPE, cwd=os.path.dirname(__file__))
            pid = int(ran.stdout)
            for _ in range(100):
                if not _is_running(pid):
                    break
                time.sleep(0.1)
            self.assertFalse(_is_running(pid), how)


def _is_running(pid):
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return True


if __name__ == "__main__":
    unittest.main()
