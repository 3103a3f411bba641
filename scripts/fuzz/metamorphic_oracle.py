"""Whether a changed pickle makes the loaders do what the unchanged one did: one request a line.

    in    {"survey": id, "name": name, "bytes": base64}      the pickles that lie in a sample
    out   {"pickles": [{"where", "loader", "bytes", "raws"}]}
    in    {"baseline": id, "loader": "plain", "bytes": …}    what a pickle does, kept under its id
    out   {"events": [[kind, name], …], "error": text}
    in    {"of": id, "loader", "bytes", "containers": […], "inner": name}
    out   {"same": true, "readers": [name, …], "bytes": base64 of the containers}  or {"same": false, "why"}

The loaders are the C and the Python unpickler, and joblib's, numpy's and PyTorch's where they are
installed. What a file names becomes an inert stand-in that notes its calls, but for a few functions
of the standard library and of numpy that only pass on what they are given; `getattr` and its kin are
replaced by ones that reach nothing real. An audit hook raises at any import, process, file or
socket. Around the unpickler, numpy and PyTorch may
read their own headers. The calls must be the same, no more and no fewer; imports may be joined by those functions.
"""

import _compat_pickle
import _pickle
import argparse
import base64
import builtins
import bz2
import codecs
import collections
import copy
import copyreg
import enum
import functools
import gzip
import importlib
import io
import itertools
import json
import lzma
import operator
import os
import pickle
import re
import resource
import select
import signal
import struct
import sys
import tarfile
import types
import typing
import zipfile
import zlib

sys.dont_write_bytecode = True
# What libraries print is no reply.
REPLIES = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
# Its child forks: threads would not be there.
os.environ["OMP_NUM_THREADS"] = "1"
try:
    import numpy
    import numpy._core._internal
    import numpy.lib.format
except ImportError:
    numpy = None
try:
    import joblib.numpy_pickle as joblib_pickle
except ImportError:
    joblib_pickle = None
try:
    import lz4.frame as lz4_frame
except ImportError:
    lz4_frame = None
torch = None
if os.environ.get("METAMORPHIC_TORCH") != "0":
    try:
        import torch
        import torch.serialization
    except ImportError:
        torch = None

SECONDS = 4
MEMORY = 6 << 30
STREAMS = 700
EVENTS = 20_000
EXPANDED = 1 << 20
SETTERS = 8
FORBIDDEN = ("import", "exec", "compile", "os.", "subprocess.", "socket.", "open", "shutil.",
             "ctypes.", "marshal.", "pty.", "webbrowser.", "urllib.", "ftplib.", "smtplib.")

# Modules whose attributes say whether a name is a class or a function; nothing of them is called.
KNOWN = {name: importlib.import_module(name) for name in (
    "os", "posix", "subprocess", "builtins", "sys", "shutil", "runpy", "importlib", "pty", "operator",
    "functools", "code", "timeit", "pickle", "marshal", "types", "socket", "webbrowser", "platform",
    "itertools", "codecs", "ctypes", "multiprocessing", "threading", "tempfile", "pathlib", "copyreg",
    "posixpath", "imp" if sys.version_info < (3, 12) else "importlib", "cProfile", "pdb", "bdb",
    "asyncio", "collections", "_codecs", "zipfile", "tarfile", "urllib.request", "http.client", "copy")}


class Refused(BaseException):
    """Something was about to happen outside the unpickler."""


class TooLong(BaseException):
    """A case that takes too long, or records too much."""


class Log:
    def __init__(self):
        self.events = []
        self.imports = set()

    def note(self, kind, name):
        if len(self.events) >= EVENTS:
            raise TooLong()
        self.events.append((kind, name))


log = Log()
guarding = False


def _guard(event, args):
    if guarding and event.startswith(FORBIDDEN):
        raise Refused(event)


SHUT = re.compile(r"__\w+__")
OPENED = {"__globals__", "__builtins__", "__subclasses__", "__import__", "__code__", "__mro__",
          "__base__", "__bases__", "__getattribute__", "__getitem__", "__loader__", "__dict__"}


def _attribute(what, name):
    if SHUT.fullmatch(name) and name not in OPENED:
        raise AttributeError(name)
    log.note("attribute", f"{what}.{name}")
    return Function(f"{what}.{name}")


def _told(arg):
    """What of an argument must stay: a text or bytes as they are, whatever subclass they are of."""
    if isinstance(arg, str):
        return f"{zlib.crc32(str.__str__(arg).encode('utf-8', 'surrogatepass')):x}"
    if isinstance(arg, (bytes, bytearray)):
        return f"b{zlib.crc32(bytes(arg)):x}"
    return "?"


def _call(what, args):
    log.note("call", f"{what}({','.join(map(_told, args))})")
    if what == "copyreg.add_extension" and len(args) == 3 and isinstance(args[2], int):
        copyreg._inverted_registry[args[2]] = (str(args[0]), str(args[1]))
    return _class(what + "()")


class Function:
    """A stand-in for what is no class."""

    def __init__(self, what):
        self.__dict__["_what"] = what

    def __call__(self, *args, **kwargs):
        return _call(self._what, args)

    def __getattr__(self, name):
        return _attribute(self._what, name)

    def __setstate__(self, state):
        log.note("build", self._what)

    def __setattr__(self, name, value):
        log.note("build", self._what)

    def __setitem__(self, key, value):
        log.note("setitem", self._what)

    def __getitem__(self, key):
        log.note("getitem", self._what)
        return Function(self._what + "[]")

    def append(self, value):
        log.note("append", self._what)

    def extend(self, values):
        log.note("append", self._what)

    def add(self, value):
        log.note("append", self._what)

    def __iter__(self):
        raise TypeError("not iterable")

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


def _new(cls, *args, **kwargs):
    return _call(cls._what, args)


class Recorder(type):
    """The metaclass of stand-ins for classes and objects; NEWOBJ takes only classes."""

    def __call__(cls, *args, **kwargs):
        return _call(cls._what, args)

    def __getattr__(cls, name):
        return _attribute(cls._what, name)

    def __setstate__(cls, state):
        log.note("build", cls._what)

    def __setitem__(cls, key, value):
        log.note("setitem", cls._what)

    def __getitem__(cls, key):
        log.note("getitem", cls._what)
        return Function(cls._what + "[]")

    def append(cls, value):
        log.note("append", cls._what)

    def extend(cls, values):
        log.note("append", cls._what)

    def add(cls, value):
        log.note("append", cls._what)


@functools.lru_cache(4096)
def _class(what):
    return Recorder("recorder", (), {"_what": what, "__new__": _new})


INERT = (Function, Recorder)


# Methods of plain data that touch nothing else; `format` looks at attributes, so that its text has to be plain.
METHODS = {
    str: ("join replace lower upper casefold swapcase capitalize title strip lstrip rstrip removeprefix "
          "removesuffix split rsplit partition encode zfill center format __str__ __add__ __mul__ __getitem__"),
    bytes: "decode hex join replace strip __add__ __getitem__",
    bytearray: "pop append extend reverse clear",
    list: "pop append extend insert reverse copy index count __getitem__",
    tuple: "index count __getitem__",
    dict: "get pop popitem setdefault keys values items copy update __getitem__",
    set: "pop copy union",
    frozenset: "copy union",
    collections.deque: "pop popleft append extend copy __getitem__",
    collections.ChainMap: "get keys values items __getitem__",
    collections.UserDict: "get pop keys values items __getitem__",
}
METHODS = {cls: frozenset(names.split()) for cls, names in METHODS.items()}
PLAIN_FORMAT = re.compile(r"(?:[^{}]|\{\d*\})*")


def _method(target, name):
    """A method of plain data; None where it is none."""
    for cls, names in METHODS.items():
        if isinstance(target, cls) and name in names:
            if name == "format" and not PLAIN_FORMAT.fullmatch(target):
                return None
            return _short(cls, name, getattr(target, name))
    return None


def _short(cls, name, method):
    """A method that refuses to make what is long out of little."""
    if name not in ("join", "replace", "zfill", "center", "__mul__"):
        return method

    def bounded(*args):
        # An iterator can be gone through once.
        args = tuple(list(itertools.islice(each, EXPANDED)) if hasattr(each, "__next__") else each for each in args)
        own = () if cls is None else (method.__self__,)
        lengths = [len(each) if hasattr(each, "__len__") else each if isinstance(each, int) else 0
                   for each in (*own, *args)]
        lengths += [sum(len(each) for each in args[-1] if hasattr(each, "__len__"))] if name == "join" else []
        total = 1
        for length in lengths:
            total *= max(1, length)
        if total > EXPANDED:
            raise TooLong()
        return method(*args)
    return bounded


def safe_getattr(target, name, *default):
    name = str(name)
    method = _method(target, name)
    if method is not None:
        return method
    if isinstance(target, INERT):
        if name == "__call__":
            return target
        if default and SHUT.fullmatch(name):
            return default[0]
        for part in name.split("."):
            target = _attribute(target._what, part)
        return target
    if isinstance(target, (types.SimpleNamespace, argparse.Namespace)):
        if name in vars(target):
            return vars(target)[name]
        if default:
            return default[0]
        raise AttributeError(name)
    if name == "__call__" and callable(target):
        return target
    log.note("attribute", f"real.{name}")
    return Function(f"real.{name}")


class SafeAttrgetter:
    def __init__(self, *names):
        self.names = [str(name) for name in names]

    def __call__(self, target):
        found = [safe_getattr(target, name) for name in self.names]
        return found[0] if len(found) == 1 else tuple(found)


class SafeMethodcaller:
    def __init__(self, name, *args, **kwargs):
        self.name, self.args, self.kwargs = str(name), args, kwargs

    def __call__(self, target):
        return safe_getattr(target, self.name)(*self.args, **self.kwargs)


TEXT_CODECS = ("utf-8", "utf8", "ascii", "latin1", "latin-1")
OTHER_CODECS = ("rot13", "rot_13", "hex", "base64")
for _codec in OTHER_CODECS:
    codecs.lookup(_codec)


def safe_codecs(data, encoding="utf-8", errors="strict"):
    name = str(encoding).lower()
    if name in OTHER_CODECS:
        return codecs.decode(data, name)
    if name not in TEXT_CODECS:
        raise LookupError(encoding)
    return data.decode(name) if isinstance(data, (bytes, bytearray)) else str(data).encode(name)


def _real():
    found = {
        ("functools", "partial"): functools.partial, ("functools", "reduce"): functools.reduce,
        ("operator", "attrgetter"): SafeAttrgetter, ("operator", "methodcaller"): SafeMethodcaller,
        ("operator", "itemgetter"): operator.itemgetter, ("operator", "getitem"): operator.getitem,
        ("operator", "call"): operator.call, ("operator", "add"): operator.add,
        ("operator", "concat"): operator.concat, ("builtins", "getattr"): safe_getattr,
        ("types", "MethodType"): types.MethodType, ("types", "SimpleNamespace"): types.SimpleNamespace,
        ("argparse", "Namespace"): argparse.Namespace, ("itertools", "starmap"): itertools.starmap,
        ("copy", "copy"): copy.copy, ("typing", "cast"): typing.cast,
        ("collections", "deque"): collections.deque,
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("collections", "defaultdict"): collections.defaultdict,
        ("copyreg", "__newobj__"): copyreg.__newobj__,
        ("copyreg", "__newobj_ex__"): copyreg.__newobj_ex__, ("enum", "StrEnum"): enum.StrEnum,
        ("codecs", "decode"): safe_codecs, ("_codecs", "encode"): safe_codecs,
        ("_codecs", "decode"): safe_codecs,
        ("collections", "ChainMap"): collections.ChainMap, ("collections", "UserDict"): collections.UserDict,
        ("base64", "b64decode"): base64.b64decode, ("gzip", "decompress"): gzip.decompress,
    }
    for name in ("map", "filter", "list", "tuple", "str", "max", "next", "iter", "any", "staticmethod",
                 "dict", "set", "frozenset", "bytearray", "complex", "object", "chr", "ord", "int", "bytes",
                 "slice", "reversed", "sorted", "sum", "min", "zip", "enumerate"):
        found["builtins", name] = getattr(builtins, name)
    for cls in (str, bytes, list, tuple, dict):
        for name in METHODS[cls] - {"format"}:
            found["builtins", f"{cls.__name__}.{name}"] = _short(None, name, getattr(cls, name))
    if numpy:
        found["numpy", "str_"] = numpy.str_
        found["numpy", "object_"] = numpy.object_
        # numpy.object_ is a class whose call gives back its argument.
    return found


def _listed():
    """The names of the allowlists that are installed, where they are asked for."""
    if not os.environ.get("MODELAUDIT_LISTED"):
        return {}
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from listed_names import listed_names
    return listed_names(os.environ["MODELAUDIT_LISTED"])


def setters_of(value):
    """Attributes that an object of a class sets by code of its own."""
    bases = value.__mro__ if isinstance(value, type) else ()
    return sorted({name for base in bases for name, each in vars(base).items()
                   if isinstance(each, property) and each.fset})[:SETTERS]


LISTED = _listed()
REAL = {**LISTED, **_real()}
ARRAYS = {}
if numpy and joblib_pickle:
    multiarray = numpy._core.multiarray
    ARRAYS = {
        ("joblib.numpy_pickle", "NumpyArrayWrapper"): joblib_pickle.NumpyArrayWrapper,
        ("numpy", "ndarray"): numpy.ndarray, ("numpy", "dtype"): numpy.dtype,
        ("numpy.core.multiarray", "_reconstruct"): multiarray._reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): multiarray._reconstruct,
        ("numpy.core.multiarray", "scalar"): multiarray.scalar,
        ("numpy._core.multiarray", "scalar"): multiarray.scalar,
    }


def _canonical(module, name):
    if (module, name) in REAL:
        return module, name
    return _compat_pickle.NAME_MAPPING.get(
        (module, name), (_compat_pickle.IMPORT_MAPPING.get(module, module), name))


def _stand_in(module, name):
    if module == "" or name == "":
        raise ImportError("no name")
    module, name = _canonical(module, name)
    log.imports.add((module, name))
    if (module, name) in REAL:
        return REAL[module, name]
    known = KNOWN.get(module)
    if module == "posix":
        module = "os"
    what = f"{module}.{name}"
    if known is not None:
        target = known
        for part in name.split("."):
            target = getattr(target, part, None)
        if not isinstance(target, type):
            return Function(what)
    return _class(what)


class InertC(_pickle.Unpickler):
    def load(self):
        global guarding
        outer, guarding = guarding, True
        try:
            return super().load()
        finally:
            guarding = outer

    def find_class(self, module, name):
        return _stand_in(module, name)

    def persistent_load(self, pid):
        return _class("persistent")


class InertPython(pickle._Unpickler):
    def find_class(self, module, name):
        return _stand_in(module, name)

    def persistent_load(self, pid):
        return _class("persistent")


def _inert_load(file, **options):
    return InertC(file).load()


class InertModule:
    """What stands for the module `pickle` in loaders."""
    Unpickler = InertC
    load = staticmethod(_inert_load)
    loads = staticmethod(lambda data, **options: InertC(io.BytesIO(data)).load())
    UnpicklingError = pickle.UnpicklingError
    PickleError = pickle.PickleError
    HIGHEST_PROTOCOL = pickle.HIGHEST_PROTOCOL
    __name__ = "pickle"


def _sound(target, state):
    """Whether numpy's own __setstate__ can be given a state: wrong ones make it crash."""
    if isinstance(target, numpy.dtype):
        kinds = (int, str, (type(None), tuple), (type(None), tuple), (type(None), dict), int, int, int)
        return isinstance(state, tuple) and len(state) in (8, 9) and all(
            isinstance(part, kind) for part, kind in zip(state, kinds))
    if isinstance(target, numpy.ndarray):
        kinds = (int, tuple, numpy.dtype, (bool, int), (bytes, list))
        return isinstance(state, tuple) and len(state) == 5 and all(
            isinstance(part, kind) for part, kind in zip(state, kinds))
    return True


if joblib_pickle:
    joblib_pickle.pickle = InertModule

    class InertJoblib(joblib_pickle.NumpyUnpickler):
        dispatch = dict(joblib_pickle.NumpyUnpickler.dispatch)
        raws = ()

        def find_class(self, module, name):
            if (module, name) in ARRAYS:
                log.imports.add((module, name))
                return ARRAYS[module, name]
            return _stand_in(module, name)

        def load_build(self):
            if len(self.stack) > 1 and not _sound(self.stack[-2], self.stack[-1]):
                raise ValueError("numpy may crash on this state")
            before = self.file_handle.tell()
            joblib_pickle.NumpyUnpickler.load_build(self)
            after = self.file_handle.tell()
            if after > before and self.noting:
                self.raws.append([before, after - before])

        dispatch[pickle.BUILD[0]] = load_build
if numpy:
    numpy.lib._format_impl.pickle = InertModule


class Reading:
    """The calls and changes of one loader."""

    def __init__(self, work, guard=True):
        global log, guarding
        log = Log()
        copyreg._inverted_registry.clear()
        copyreg._extension_cache.clear()
        self.error = None
        guarding = guard
        try:
            work()
        except TooLong:
            self.error = "too long"
        except Refused as reason:
            self.error = f"refused: {reason}"
        except RecursionError:
            self.error = "RecursionError"
        except Exception as reason:
            self.error = f"{type(reason).__name__}: {reason}"[:200]
        finally:
            guarding = False
        self.events = sorted(log.events)
        self.imports = log.imports


def _streams(make, data):
    def work():
        file = io.BytesIO(data)
        for _ in range(STREAMS):
            if file.tell() >= len(data):
                break
            make(file).load()
    return work


def _joblib(data, raws=None):
    def work():
        file = io.BytesIO(data)
        unpickler = InertJoblib("case", file, True)
        unpickler.raws, unpickler.noting = raws, raws is not None
        unpickler.load()
    return work


def readings(loader, data):
    """The loaders that count for a file, the one that decides first."""
    if loader == "joblib":
        return {"joblib": Reading(_joblib(data))} if joblib_pickle and numpy else {}
    return {"c": Reading(_streams(InertC, data)), "python": Reading(_streams(InertPython, data))}


# Containers


def _zip(data, name, method, *more):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for member, content in [(name, data), *more]:
            info = zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            archive.writestr(info, content)
    return out.getvalue()


def _tar(data, name):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _npy(data):
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    header += b" " * (64 - (len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def _torch_zip(data):
    return _zip(data, "archive/data.pkl", zipfile.ZIP_STORED, ("archive/byteorder", b"little"),
                ("archive/version", b"3\n"))


def _torch_legacy(data):
    heads = [0x1950a86a20f9469cfc6c, 1001,
             {"protocol_version": 1001, "little_endian": True,
              "type_sizes": {"short": 2, "int": 4, "long": 4}}]
    return b"".join(pickle.dumps(head, 2) for head in heads) + data + pickle.dumps([], 2)


def _sevenzip(data, name):
    """7zFormat.txt: one file, stored (Copy)."""
    def number(value):
        return bytes([0xC0 | value >> 16, value & 255, value >> 8 & 255]) if value < 1 << 21 else (
            b"\xe0" + value.to_bytes(3, "little"))
    crc = struct.pack("<I", zlib.crc32(data))
    names = b"\0" + name.encode("utf-16-le") + b"\0\0"
    header = (b"\x01\x04\x06\x00\x01\x09" + number(len(data)) + b"\x00"
              b"\x07\x0b\x01\x00\x01\x01\x00\x0c" + number(len(data)) + b"\x0a\x01" + crc + b"\x00\x00"
              b"\x05\x01\x11" + number(len(names)) + names + b"\x00\x00")
    start = struct.pack("<QQI", len(data), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start + data + header


CONTAINERS = {
    "zip-stored": lambda data, name: _zip(data, name, zipfile.ZIP_STORED),
    "zip-deflated": lambda data, name: _zip(data, name, zipfile.ZIP_DEFLATED),
    "tar": _tar,
    "gzip": lambda data, name: gzip.compress(data, 1, mtime=0),
    "zlib": lambda data, name: zlib.compress(data, 1),
    "bz2": lambda data, name: bz2.compress(data, 1),
    "xz": lambda data, name: lzma.compress(data, lzma.FORMAT_XZ, preset=0),
    "lzma": lambda data, name: lzma.compress(data, lzma.FORMAT_ALONE, preset=0),
    "npy": lambda data, name: _npy(data),
    "npz": lambda data, name: _zip(_npy(data), "arr_0.npy", zipfile.ZIP_STORED),
    "torch-zip": lambda data, name: _torch_zip(data),
    "torch-legacy": lambda data, name: _torch_legacy(data),
    "7z": _sevenzip,
}
if lz4_frame:
    CONTAINERS["lz4"] = lambda data, name: lz4_frame.compress(data)


def _loaded(container, data):
    """The loader of a container itself, where it is installed; None where it is not."""
    if container in ("npy", "npz") and numpy:
        def work():
            found = numpy.load(io.BytesIO(data), allow_pickle=True)
            if container == "npz":
                found["arr_0"]
        return Reading(work, guard=False)
    if container == "torch-zip" and torch:
        return Reading(lambda: torch.load(io.BytesIO(data), pickle_module=InertModule,
                                          weights_only=False), guard=False)
    return None


def _calls(reading):
    return reading.events


def _harmless(imports):
    return all(pair in REAL or pair in ARRAYS for pair in imports)


baselines = {}


def baseline(request):
    data = base64.b64decode(request["bytes"])
    found = readings(request["loader"], data)
    if not found:
        return {"events": [], "error": "no loader"}
    first = next(iter(found.values()))
    baselines[request["baseline"]] = first
    return {"events": first.events[:40], "imports": len(first.imports), "error": first.error}


def compare(request):
    data = base64.b64decode(request["bytes"])
    wanted = baselines[request["of"]]
    found = readings(request["loader"], data)
    agreed = []
    why = "no loader"
    for name, reading in found.items():
        missing = wanted.imports - reading.imports
        if reading.events == wanted.events and not missing and _harmless(
                reading.imports - wanted.imports):
            agreed.append(name)
        elif not agreed:
            why = f"{name}: {reading.error or 'other calls'}"
            break
    if not agreed:
        return {"same": False, "why": why}
    inner = request["inner"]
    made = data
    for index, container in enumerate(request["containers"]):
        made = CONTAINERS[container](made, inner if index == 0 else "inner.bin")
        if index == 0:
            reading = _loaded(container, made)
            if reading is not None:
                if reading.events != wanted.events:
                    return {"same": False, "why": f"{container}: {reading.error or 'other calls'}"}
                agreed.append("torch" if container == "torch-zip" else "numpy")
    reply = {"same": True, "readers": agreed}
    if request["containers"]:
        reply["bytes"] = base64.b64encode(made).decode()
    return reply


# Samples


def _npy_pickle(data):
    if data[:6] != b"\x93NUMPY" or data[6:8] not in (b"\1\0", b"\2\0", b"\3\0"):
        return None
    width = 2 if data[6] == 1 else 4
    length = int.from_bytes(data[8:8 + width], "little")
    header = data[8 + width:8 + width + length]
    return data[8 + width + length:] if b"O" in header.partition(b"fortran")[0][9:] else None


def _inside(name, data):
    """Contents of a sample that may be pickles."""
    yield name, data
    head = data[:6]
    try:
        if head[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for info in archive.infolist()[:40]:
                    if info.filename.endswith((".pkl", ".npy", ".joblib", ".pickle")):
                        yield f"{name}:{info.filename}", archive.read(info)
        elif head[:2] == b"\x1f\x8b":
            yield f"{name}:gzip", gzip.decompress(data)[:EXPANDED]
        elif head[:1] == b"\x78":
            yield f"{name}:zlib", zlib.decompressobj().decompress(data, EXPANDED)
        elif head[:3] == b"BZh":
            yield f"{name}:bz2", bz2.decompress(data)[:EXPANDED]
        elif head[:5] == b"\xfd7zXZ" or head[:3] == b"\x5d\0\0":
            yield f"{name}:xz", lzma.decompress(data)[:EXPANDED]
        elif lz4_frame and head[:4] == b"\x04\x22\x4d\x18":
            yield f"{name}:lz4", lz4_frame.decompress(data)[:EXPANDED]
        elif data[257:262] == b"ustar":
            with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                for info in archive:
                    if info.isreg():
                        yield f"{name}:{info.name}", archive.extractfile(info).read()
    except Exception:
        return


def survey(request):
    found = []
    for where, content in _inside(request["name"], base64.b64decode(request["bytes"])):
        inner = _npy_pickle(content)
        if inner is not None:
            where, content = f"{where}:npy", inner
        if len(content) < 2 or len(content) > request["most"]:
            continue
        raws = []
        if joblib_pickle and numpy and b"NumpyArrayWrapper" in content:
            Reading(_joblib(content, raws))
        plain = Reading(_streams(InertC, content))
        # What is no pickle fails before it makes anything.
        if plain.error and not plain.events and not plain.imports and not raws:
            continue
        found.append({"where": where, "loader": "joblib" if raws else "plain", "raws": raws,
                      "bytes": base64.b64encode(content).decode()})
    return {"pickles": found}


working = False


def _alarm(signum, frame):
    # The signal may come in when the work is done.
    if working:
        raise TooLong()


def main():
    pickle._loads(b"Va\n.")
    enum.StrEnum("E", {"a": "b"})("b")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, _alarm)
    if numpy:
        numpy.load(io.BytesIO(_npy(pickle.dumps(numpy.array([None], dtype=object)))), allow_pickle=True)
    if torch:
        Reading(lambda: torch.load(io.BytesIO(_torch_zip(b"N.")), pickle_module=InertModule,
                                   weights_only=False))
        torch.load(io.BytesIO(_torch_zip(b"N.")), pickle_module=InertModule, weights_only=False)
    sys.addaudithook(_guard)
    out = REPLIES
    has = {"joblib": joblib_pickle, "numpy": numpy, "torch": torch, "lz4": lz4_frame}
    print(json.dumps({"ready": sys.version.split()[0],
                      "loaders": {name: getattr(each, "__version__", "yes") for name, each in has.items()
                                  if each},
                      "containers": sorted(CONTAINERS),
                      "listed": [[*name, setters_of(LISTED[name])] for name in sorted(LISTED)]}), file=out, flush=True)
    # What a case breaks is a child's, so that neither libraries nor baselines are loaded again.
    worker = None
    for line in sys.stdin:
        request = json.loads(line)
        if "of" in request:
            worker = worker or Worker()
            reply = worker.ask(line)
            if reply is None:
                worker, reply = None, json.dumps({"same": False, "why": "the oracle ended"}) + "\n"
        else:
            if worker:
                worker.end()
            worker, reply = None, answer(request)
        out.write(reply)
        out.flush()


def answer(request):
    """The reply to a request, a line."""
    global working
    work = survey if "survey" in request else baseline if "baseline" in request else compare
    signal.alarm(SECONDS)
    try:
        working = True
        reply = work(request)
    except (TooLong, MemoryError, RecursionError) as reason:
        reply = {"same": False, "why": type(reason).__name__, "pickles": [], "events": [],
                 "error": type(reason).__name__}
    finally:
        working = False
        signal.alarm(0)
    return json.dumps(reply) + "\n"


class Worker:
    """A child that compares, with all that its parent has loaded."""

    def __init__(self):
        requests, self.requests = os.pipe()
        self.replies, replies = os.pipe()
        self.left = b""
        self.pid = os.fork()
        if self.pid:
            os.close(requests)
            os.close(replies)
            return
        try:
            os.close(self.requests)
            os.close(self.replies)
            with os.fdopen(requests) as lines, os.fdopen(replies, "w") as out:
                for line in lines:
                    out.write(answer(json.loads(line)))
                    out.flush()
        finally:
            os._exit(0)

    def ask(self, line):
        """The reply to a request, a line; None when the child ended or hangs, and then it is gone."""
        data = line.encode()
        try:
            while data:
                data = data[os.write(self.requests, data):]
            while not self.left.endswith(b"\n"):
                ready, _, _ = select.select([self.replies], [], [], 4 * SECONDS)
                piece = os.read(self.replies, 1 << 16) if ready else b""
                if not piece:
                    self.end()
                    return None
                self.left += piece
        except OSError:
            self.end()
            return None
        reply, self.left = self.left.decode(), b""
        return reply

    def end(self):
        """Ends the child."""
        os.close(self.requests)
        os.close(self.replies)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


if __name__ == "__main__":
    main()
