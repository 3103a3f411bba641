"""What Python's own readers find in files: one file a line in, one answer a line out.

    in    {"family": "pickle", "bytes": "<base64>"}
    out   {"imports": [[[[module, name], …], called, where], …]}

An import has a second pair of names where Python 2 names are mapped.

Nothing in a file is run: every global is an inert recorder (`scripts/fixtures/oracle.py`), an audit
hook ends the process at any import, process, file or socket, and the process may use little memory
and time and write no file at all. Containers are opened in memory with the standard library; what
they give is read as pickles in turn.
"""

import base64
import bz2
import ctypes
import gzip
import io
import json
import lzma
import os
import pickle
import re
import resource
import sys
import tarfile
import zipfile
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures"))
sys.dont_write_bytecode = True
import oracle  # noqa: E402

MEMORY = 2 << 30
EXPANDED = 1 << 22
MEMBERS = 64
STREAMS = 64


def streams_of(make, file, size):
    """The events of the streams of a file, the first error ending them."""
    return oracle._run(lambda index: make(file).load(),
                       lambda index: index < STREAMS and file.tell() < size)


def on_file(data):
    """A file that has peek(), as open() gives it, without one being written."""
    handle = os.memfd_create("case")
    os.write(handle, data)
    os.lseek(handle, 0, os.SEEK_SET)
    return os.fdopen(handle, "rb")


def find_class(self, module, name):
    """Nothing can be imported from nowhere, or without a name: there every unpickler stops."""
    if module == "" or name == "":
        raise ImportError("no name")
    return oracle.find_class(self, module, name)


oracle.CUnpickler.find_class = oracle.PythonUnpickler.find_class = find_class


class Kept(oracle.Recorder):
    """A recorder that stores what it was called with, and the attributes that BUILD gave it."""

    def _called(cls, args):
        super()._called(args)
        return kept(cls._what[0], cls._what[1] + 1, args)


def kept(name, depth, args=()):
    return Kept("recorder", (), {"_what": (name, depth), "__new__": oracle._new, "_args": args,
                                 "_state": {}})


def width_of(dtype):
    """Bytes of an element, and whether it holds objects, of a `numpy.dtype` that was called."""
    if dtype._what != (("numpy", "dtype"), 1):
        raise TypeError("no dtype")
    code = re.fullmatch(r"[<>=|]?([bBiufcSUVOMm?])([0-9]*)", dtype._args[0])
    if code is None:
        raise TypeError("not understood")
    kind, digits = code.groups()
    if kind == "O":
        return 8, True
    if not digits:
        raise TypeError("not needed here")
    return int(digits) * (4 if kind == "U" else 1), False


class JoblibUnpickler(oracle.PythonUnpickler):
    """`NumpyUnpickler` of joblib/numpy_pickle.py: steps over the array behind each wrapper."""

    dispatch = dict(pickle._Unpickler.dispatch)

    def __init__(self, file):
        super().__init__(file)
        self.file_handle = file

    def find_class(self, module, name):
        find_class(self, module, name)
        return kept((module, name), 0)

    def load_build(self):
        state = self.stack[-1]
        pickle._Unpickler.load_build(self)
        wrapper = self.stack[-1]
        if getattr(wrapper, "_what", None) != (("joblib.numpy_pickle", "NumpyArrayWrapper"), 1):
            return
        for part in state if isinstance(state, tuple) and len(state) == 2 else (state,):
            wrapper._state.update(part or {})
        self.array(wrapper._state)

    dispatch[pickle.BUILD[0]] = load_build

    def array(self, state):
        shape = state["shape"]
        count = 1
        for size in shape:
            count *= size
        width, objects = width_of(state["dtype"])
        if objects:
            oracle.CUnpickler(self.file_handle).load()
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            self.file_handle.read(self.file_handle.read(1)[0])
        if width == 0 or count < 0 or len(self.file_handle.read(count * width)) < count * width:
            raise ValueError("the array is not there")


ZIP_RECORDS = (b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\7\x08")


def pickle_imports(data, place):
    """Imports under each reading: names, whether they are called, where.

    An archive's "PK" would be a persistent id in a line of text. Unpicklers refuse that: those without
    a persistent_load at once, PyTorch's because its ids are tuples.

    One unpickler that loads all streams keeps what is left of a frame, which is told apart.
    """
    if data.startswith(ZIP_RECORDS):
        return []
    carried = "carried over frames" if b"\x95" in data else "carried"
    found = []
    with on_file(data) as file:
        # Frames that are taken whole leave the file elsewhere than memory does.
        readings = {
            "c_file": lambda: streams_of(oracle.CUnpickler, file, len(data)),
            "c_bytesio": lambda: streams_of(oracle.CUnpickler, io.BytesIO(data), len(data)),
            "python": lambda: streams_of(oracle.PythonUnpickler, io.BytesIO(data), len(data)),
            carried: lambda: oracle._carried(data),
            "joblib": lambda: oracle._run(lambda index: JoblibUnpickler(io.BytesIO(data)).load(),
                                          lambda index: index == 0),
        }
        for reading, work in readings.items():
            record = oracle._guarded(work)
            for index, events in enumerate(record["streams"]):
                called = [event["call"] for event in events if "call" in event]
                for event in events:
                    if "import" in event:
                        names = [event["import"]] + ([event["python3"]] if "python3" in event else [])
                        where = f"{place}{reading}, stream {index}"
                        found.append([names, event["import"] in called, where])
    return found


def npy_pickle(data):
    """The pickle of an array of objects, by the rules of `numpy/lib/format.py`; None for others."""
    if data[:6] != b"\x93NUMPY" or data[6:8] not in (b"\1\0", b"\2\0", b"\3\0"):
        return None
    width = 2 if data[6] == 1 else 4
    length = int.from_bytes(data[8:8 + width], "little")
    header = data[8 + width:8 + width + length]
    if len(header) < length or length > 10_000:
        return None
    import ast
    try:
        fields = ast.literal_eval(header.decode("latin1" if data[6] < 3 else "utf8"))
        if sorted(fields) != ["descr", "fortran_order", "shape"] or "O" not in str(fields["descr"]):
            return None
        if not isinstance(fields["shape"], tuple) or not isinstance(fields["fortran_order"], bool):
            return None
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return None
    return data[8 + width + length:]


def zip_members(data):
    """Members as zipfile gives them, with and without regard to their checksums."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for index, info in enumerate(archive.infolist()[:MEMBERS]):
            try:
                with archive.open(info) as member:
                    member._expected_crc = None  # loaders of models do not look at it
                    found[f"{index}:{info.filename}"] = member.read(EXPANDED)
            except Exception:
                continue
    return found


def tar_members(data):
    """Members as tarfile gives them: whole files only, as extraction does."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for index, info in enumerate(archive):
            if index >= MEMBERS:
                break
            try:
                if info.isreg():
                    found[f"{index}:{info.name}"] = archive.extractfile(info).read(EXPANDED)
            except Exception:
                continue
    return found


def decompressed(data):
    """What the usual decompressors give, also of what breaks off."""
    found = {}
    openers = {
        "gzip": lambda: gzip.GzipFile(fileobj=io.BytesIO(data)),
        "bz2": lambda: bz2.BZ2File(io.BytesIO(data)),
        "lzma": lambda: lzma.LZMAFile(io.BytesIO(data)),
    }
    for name, opener in openers.items():
        content = b""
        try:
            with opener() as file:
                while len(content) < EXPANDED:
                    piece = file.read1(4096)
                    if not piece:
                        break
                    content += piece
        except Exception:
            pass
        if content:
            found[name] = content
    try:
        found["zlib"] = zlib.decompressobj().decompress(data, EXPANDED)
    except zlib.error:
        pass
    return found


def objects_of(value):
    """Every object in a JSON value, the outermost first."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def json_in(data, member):
    """What `json.loads` makes of a member of an archive, or of the bytes themselves."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = archive.read(member)
    except Exception:
        if data.startswith(b"PK"):
            return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def skops_imports(data):
    """What `skops.io` imports for the nodes of a schema: `_audit.py`, `_general.py`, `_sklearn.py`."""
    if not data.startswith(b"PK"):
        return []
    found = []
    for node in objects_of(json_in(data, "schema.json")):
        module, name = node.get("__module__"), node.get("__class__")
        loader = node.get("__loader__")
        if not all(isinstance(part, str) for part in (module, name, loader)):
            continue
        names = [[module, name]]
        content = node.get("content")
        if loader == "OperatorFuncNode":
            names = [["operator", name]]
        elif loader == "PartialNode":
            names = [["functools", "partial"]]
        elif loader == "LossNode" and module == "_loss":
            names = [["sklearn._loss._loss", name]]
        elif loader == "FunctionNode" and isinstance(content, dict) and "function" in content:
            names = [[content.get("module_path"), content["function"]]]
            if not all(isinstance(part, str) for part in names[0]):
                continue
        found.append([names, True, "schema.json"])
    return found


HARMFUL_MODULES = ("os", "posix", "subprocess")
HARMFUL_BUILTINS = ("eval", "exec", "compile", "open")


def keras_imports(data):
    """What a Keras configuration names in modules that no layer is in: `serialization_lib.py`."""
    found = []
    root = json_in(data, "config.json")
    if not isinstance(root, dict) or not isinstance(root.get("class_name"), str) or "config" not in root:
        return found
    for node in objects_of(root):
        module, name = node.get("module"), node.get("class_name")
        if name == "function":
            name = node.get("config")
        if not isinstance(name, str) or not isinstance(module, str) or name.startswith("__"):
            continue
        if module in HARMFUL_MODULES and name or module == "builtins" and name in HARMFUL_BUILTINS:
            found.append([[[module, name]], True, "config.json"])
    return found


def config_harm(data):
    """Code that transformers would fetch and run for a configuration, if it is allowed to."""
    config = json_in(data, "config.json")
    mapped = config.get("auto_map") if isinstance(config, dict) else None
    if not isinstance(mapped, dict):
        return []
    texts = [text for value in mapped.values() for text in (value if isinstance(value, list) else [value])
             if isinstance(text, str) and "." in text]
    return [f"auto_map names {text}" for text in texts]


def contained(family, data):
    """What lies in a container, by name."""
    readers = {"zip": [zip_members], "torch": [zip_members, tar_members], "tar": [tar_members],
               "npy": [zip_members], "compressed": [decompressed], "joblib": [decompressed]}
    found = {}
    for reader in readers.get(family, []):
        try:
            found.update(reader(data))
        except RecursionError:
            continue
        except Exception:
            continue
    return found


def answer(request):
    """Every import that some reader of Python reaches in a file."""
    data = base64.b64decode(request["bytes"])
    family = request["family"]
    imports = pickle_imports(data, "") if family in ("pickle", "torch", "joblib") else []
    inner = npy_pickle(data)
    if inner is not None and family == "npy":
        imports += pickle_imports(inner, "npy: ")
    members = contained(family, data)
    for name, content in members.items():
        imports += pickle_imports(content, f"{name}: ")
        inner = npy_pickle(content)
        if inner is not None:
            imports += pickle_imports(inner, f"{name}: npy: ")
    if family == "skops":
        imports += skops_imports(data)
    if family == "keras":
        imports += keras_imports(data)
    harm = config_harm(data) if family == "config" else []
    unique = {json.dumps([names, called]): where for names, called, where in reversed(imports)}
    found = [[*json.loads(key), where] for key, where in unique.items()]
    return {"imports": found, "harm": harm}


def main():
    pickle._loads(b"Va\n.")  # loads what the unpicklers import on first use
    import ast  # noqa: F401
    import encodings.utf_8, encodings.latin_1, encodings.cp437, encodings.raw_unicode_escape  # noqa
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG: not to outlive the worker that is ended
    sys.addaudithook(oracle._guard)
    for line in sys.stdin:
        try:
            said = answer(json.loads(line))
        except MemoryError:
            said = {"error": "memory"}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
