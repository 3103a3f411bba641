"""The loaders that a guard replaces, and how each is made to load what was scanned."""

from __future__ import annotations

import _pickle
import functools
import gc
import importlib
import inspect
import io
import os
import pickle
import sys
import warnings
import weakref
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import _guard
from ._errors import UnsafeModelError
from ._guard import Loader, judge, policies, thread
from ._held import HeldBytes, hold_buffer, hold_path, hold_stream, named, printable
from ._scanner import scan_held

PICKLE = Loader("pickle", ["pickle"], (".pkl", ".pickle"))
TORCH = Loader(
    "torch.load",
    ["pickle", "torch-legacy"],
    (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pt2", ".tar"),
    containers=["zip", "tar"],
    modules=["torch"],
)
JOBLIB = Loader(
    "joblib.load",
    ["pickle"],
    (".joblib", ".pkl", ".pickle", ".gz", ".z", ".bz2", ".xz", ".lzma", ".lz4"),
    containers=["compressed"],
    modules=["joblib", "numpy"],
)
NUMPY = Loader("numpy.load", ["npy", "pickle"], (".npy", ".npz", ".pkl"), containers=["zip"], modules=["numpy"])
KERAS = Loader(
    "Keras",
    ["keras-config", "hdf5"],
    (".keras", ".h5", ".hdf5"),
    containers=["zip"],
    modules=["keras", "tf_keras", "h5py", "numpy"],
)

Function = Callable[..., Any]


# --- pickle ---------------------------------------------------------------------------------------------------------

_c_load: Function = _pickle.load
_c_loads: Function = _pickle.loads
_CUnpickler = _pickle.Unpickler
_PyUnpickler: Any = pickle._Unpickler
_py_init: Function = _PyUnpickler.__init__
_py_load: Function = _PyUnpickler.load


def _guarded() -> bool:
    """Whether the caller of the calling function loads something that has to be judged.

    What a vetted loader loads for itself was scanned with its file; what else runs meanwhile (callbacks, signal
    handlers, finalizers) is none of it.
    """
    if not _guard._active:
        return False
    if thread.inside:
        caller = sys._getframe(2).f_globals.get("__name__", "")
        if str(caller).partition(".")[0] in thread.inside:
            return False
    return bool(policies())


class _Rest:
    """What is left of a file object after a pickle was loaded from it: vetted to its end."""

    def __init__(self, held: Any, start: int, position: int, state: Any) -> None:
        self.held = held
        self.start = start
        self.position = position
        self.state = state
        self.vetted_by = policies()


# The rests of file objects, so that a file of many pickles is scanned once. Only what continues where the last
# pickle ended is taken from it: elsewhere the same bytes may be read as others.
_rests: weakref.WeakKeyDictionary[Any, _Rest] = weakref.WeakKeyDictionary()


def _state_of(file: Any) -> Any:
    """What changes when the content of a file object does; None where that cannot be known."""
    kind = type(file)
    if kind is io.BytesIO:
        # The same object until something is written.
        return file.getvalue()
    if kind in (io.BufferedReader, io.BufferedRandom, io.FileIO):
        it = os.fstat(file.fileno())
        return (it.st_dev, it.st_ino, it.st_size, it.st_mtime_ns, it.st_ctime_ns)
    return None


def _vetted(file: Any) -> Tuple[Any, int, int]:
    """What is to be read of a file object: what is held, the position in it, and its start in the file."""
    rest: Optional[_Rest] = None
    try:
        rest = _rests.pop(file, None)
        continues = (
            rest is not None
            and rest.vetted_by == policies()
            and file.tell() == rest.position < rest.start + rest.held.size
            and _state_of(file) == rest.state
        )
    except (AttributeError, OSError, TypeError, ValueError):
        continues = False
    if rest is not None and continues:
        rest.held.expect_unchanged()
        return rest.held, rest.position - rest.start, rest.start
    held, position = hold_stream(file)
    judge(held, PICKLE)
    return held, 0, position


def _keep_rest(file: Any, held: Any, start: int, consumed: int) -> None:
    file.seek(start + consumed)
    try:
        state = _state_of(file)
        if state is not None:
            _rests[file] = _Rest(held, start, start + consumed, state)
    except (OSError, TypeError, ValueError):
        pass


@functools.wraps(_c_load)
def _guarded_load(file: Any, /, **options: Any) -> Any:
    if not _guarded():
        return _c_load(file, **options)
    held, offset, start = _vetted(file)
    reader = held.reader()
    reader.seek(offset)
    try:
        return _c_load(reader, **options)
    finally:
        _keep_rest(file, held, start, reader.tell())


@functools.wraps(_c_loads)
def _guarded_loads(data: Any, /, **options: Any) -> Any:
    if not _guarded():
        return _c_loads(data, **options)
    held = hold_buffer(data)
    judge(held, PICKLE)
    return _c_loads(held.data, **options)


class _Proxy:
    """What an unpickler reads: what was vetted during a load, at the position of the file object."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.reader: Any = None

    def _source(self) -> Any:
        if self.reader is not None:
            return self.reader
        if policies():
            # C's own method, called past this module.
            raise UnsafeModelError("Refused to load: the unpickler was called past the guard", path="<unpickler>")
        return self.file

    def read(self, length: int = -1) -> Any:
        return self._source().read(length)

    def readline(self) -> Any:
        return self._source().readline()

    def readinto(self, target: Any) -> Any:
        return self._source().readinto(target)

    def peek(self, length: int = 0) -> Any:
        if self.reader is None:
            raise NotImplementedError
        if isinstance(self.reader, io.BytesIO):
            at = self.reader.tell()
            return self.reader.getbuffer()[at : at + max(length, 1)].tobytes()
        return self.reader.peek(length)


class GuardedUnpickler(_CUnpickler):
    """``pickle.Unpickler`` within a guard: what is left of the file is scanned when ``load`` is called."""

    __slots__ = ()

    def __init__(self, file: Any, **options: Any) -> None:
        _expect_readable(file)
        super().__init__(_Proxy(file) if _guarded() else file, **options)

    def load(self) -> Any:
        if not _guarded():
            return super().load()
        # The unpickler keeps the methods of what it reads, and nothing else knows it.
        owners = [getattr(it, "__self__", None) for it in gc.get_referents(self)]
        proxy = next((it for it in owners if isinstance(it, _Proxy)), None)
        if proxy is None:
            raise _made_before()
        held, offset, start = _vetted(proxy.file)
        proxy.reader = held.reader()
        proxy.reader.seek(offset)
        try:
            return super().load()
        finally:
            consumed = proxy.reader.tell()
            proxy.reader = None
            _keep_rest(proxy.file, held, start, consumed)


def _expect_readable(file: Any) -> None:
    if not hasattr(file, "read") or not hasattr(file, "readline"):
        raise TypeError("file must have 'read' and 'readline' attributes")


def _made_before() -> UnsafeModelError:
    return UnsafeModelError("Refused to load: the unpickler was made before the guard began", path="<unpickler>")


class _Synchronous:
    """What the Python unpickler reads: vetted bytes at the position of the file object, which moves along.

    Subclasses such as joblib's read raw data from the file object between opcodes.
    """

    def __init__(self, file: Any) -> None:
        self.file = file
        self.reader: Any = None
        self.start = 0

    def _take(self, read: Callable[[Any], Any]) -> Any:
        if self.reader is None:
            if policies():
                raise UnsafeModelError("Refused to load: the unpickler was called past the guard", path="<unpickler>")
            return read(self.file)
        at = self.file.tell()
        self.reader.seek(max(0, at - self.start))
        data = read(self.reader)
        self.file.seek(at + len(data))
        return data

    def read(self, length: int = -1) -> Any:
        return self._take(lambda it: it.read(length))

    def readline(self) -> Any:
        return self._take(lambda it: it.readline())


def _guarded_py_init(self: Any, file: Any, **options: Any) -> None:
    if not _guarded():
        _py_init(self, file, **options)
        return
    _expect_readable(file)
    _py_init(self, _Synchronous(file), **options)


def _guarded_py_load(self: Any) -> Any:
    if not _guarded():
        return _py_load(self)
    source = getattr(getattr(self, "_file_read", None), "__self__", None)
    if not isinstance(source, _Synchronous):
        raise _made_before()
    held, offset, source.start = _vetted(source.file)
    source.file.seek(source.start + offset)
    source.reader = held.reader()
    try:
        return _py_load(self)
    finally:
        source.reader = None


functools.update_wrapper(_guarded_py_init, _py_init)
functools.update_wrapper(_guarded_py_load, _py_load)


# --- loaders of libraries -------------------------------------------------------------------------------------------


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, bytes, os.PathLike))


def _load_vetted(call: Callable[[Any], Any], held: Any, given: Any, loader: Loader) -> Any:
    before, thread.inside = thread.inside, loader.modules
    try:
        result = call(given)
    finally:
        thread.inside = before
    held.expect_unchanged()
    return result


def _from_stream(file: Any, loader: Loader, call: Callable[[Any], Any]) -> Any:
    held, position = hold_stream(file)
    judge(held, loader)
    reader = held.reader()
    try:
        return _load_vetted(call, held, reader, loader)
    finally:
        if not reader.closed:
            file.seek(position + reader.tell())


def _from_path(path: Any, loader: Loader, call: Callable[[Any], Any], *, by_path: bool) -> Any:
    held = hold_path(path)
    judge(held, loader)
    if not by_path:
        return _load_vetted(call, held, held.reader(), loader)
    with named(held, held.label) as link:
        return _load_vetted(call, held, link, loader)


def _bound(original: Function, arguments: Tuple[Any, ...], options: Dict[str, Any]) -> Tuple[inspect.BoundArguments, str]:
    """The arguments by their names, and the name of the first. What does not fit raises as the loader does."""
    signature = inspect.signature(original)
    bound = signature.bind(*arguments, **options)
    return bound, next(iter(signature.parameters))


def _file_loader(loader: Loader, needs_path: Callable[[inspect.BoundArguments], bool]) -> Callable[[Function], Function]:
    """A loader whose first argument is a path or a file object."""

    def guarded(original: Function) -> Function:
        @functools.wraps(original)
        def load(*arguments: Any, **options: Any) -> Any:
            if not _guarded():
                return original(*arguments, **options)
            bound, first = _bound(original, arguments, options)
            given = bound.arguments.get(first)

            def call(instead: Any) -> Any:
                bound.arguments[first] = instead
                return original(*bound.args, **bound.kwargs)

            if _is_path(given):
                return _from_path(given, loader, call, by_path=needs_path(bound))
            if hasattr(given, "read"):
                return _from_stream(given, loader, call)
            # A descriptor is a number, and what else a release may take is not known.
            raise _unknown(given)

        return load

    return guarded


def _unknown(given: Any) -> UnsafeModelError:
    kind = type(given).__name__
    return UnsafeModelError(f"Refused to load: it is given as {kind}, which cannot be scanned", path=f"<{kind}>")


def _torch_maps(bound: inspect.BoundArguments) -> bool:
    mapped = bound.arguments.get("mmap")
    if mapped is None:
        config = sys.modules.get("torch.utils.serialization.config")
        mapped = getattr(getattr(config, "load", None), "mmap", False)
    return bool(mapped)


def _maps(bound: inspect.BoundArguments) -> bool:
    return bound.arguments.get("mmap_mode") is not None


def _keras_loader(position: int) -> Callable[[Function], Function]:
    """A loader of Keras, which takes paths, and folders."""

    def guarded(original: Function) -> Function:
        @functools.wraps(original)
        def load(*arguments: Any, **options: Any) -> Any:
            if not _guarded():
                return original(*arguments, **options)
            bound, _ = _bound(original, arguments, options)
            name = list(bound.signature.parameters)[position]
            given = bound.arguments.get(name)

            def call(instead: Any) -> Any:
                bound.arguments[name] = instead
                return original(*bound.args, **bound.kwargs)

            if _is_path(given):
                text = os.fsdecode(given or "")
                # Downloads by the hub's client are scanned by themselves, and a path that is not there by nothing.
                if text.startswith("hf://"):
                    return original(*arguments, **options)
                if "://" in text:
                    raise UnsafeModelError(
                        f"Refused to load {printable(text)}: what is remote cannot be scanned by the guard", path=text
                    )
                if os.path.isdir(text):
                    _judge_folder(text)
                    return _load_vetted(call, HeldBytes(b"", text), text, KERAS)
                return _from_path(text, KERAS, call, by_path=True)
            if hasattr(given, "read"):
                return _from_stream(given, KERAS, call)
            raise _unknown(given)

        return load

    return guarded


# What is downloaded and is no model harms by nothing: a README, a tokenizer's list of words.
_NO_MODEL = frozenset(("skipped",))


def _judge_folder(path: str) -> None:
    """Scans a folder. Raises UnsafeModelError for what it has, or when it changes meanwhile."""
    from ._run import scan_policy

    for policy in policies():
        before = _tree(path)
        _guard.refuse_files(scan_policy(path, policy.configuration, policy.timeout), policy, _NO_MODEL)
        if _tree(path) != before:
            raise UnsafeModelError(f"Refused to load {printable(path)}: it was changed while it was scanned", path=path)


def _tree(path: str) -> List[Any]:
    """Every file below a folder, with what its content would change."""
    found: List[Any] = []
    for folder, _, names in os.walk(path, followlinks=True):
        for name in sorted(names):
            file = os.path.join(folder, name)
            try:
                it = os.stat(file)
            except OSError:
                found.append((file, None))
                continue
            found.append((file, it.st_dev, it.st_ino, it.st_size, it.st_mtime_ns, it.st_ctime_ns))
    return sorted(found, key=lambda it: it[0])


def _download(original: Function) -> Function:
    """A download, whose result is the path of a file or a folder. What was downloaded and is refused stays there."""

    @functools.wraps(original)
    def download(*arguments: Any, **options: Any) -> Any:
        result = original(*arguments, **options)
        if not _guarded() or not isinstance(result, (str, os.PathLike)) or _within_snapshot():
            return result
        path = os.fspath(result)
        if os.path.isdir(path):
            _judge_folder(path)
        elif os.path.exists(path):
            held = hold_path(path)
            if held.size > 0:
                for policy in policies():
                    report = scan_held(
                        held,
                        path=path,
                        configuration=policy.configuration,
                        timeout=policy.timeout,
                    )
                    held.expect_unchanged()
                    _guard.refuse_files([report], policy, _NO_MODEL)
        return result

    return download


_SNAPSHOTS = "huggingface_hub._snapshot_download"


def _within_snapshot() -> bool:
    """Whether a file is downloaded for a snapshot, which is scanned as a whole afterwards."""
    frame: Any = sys._getframe(2)
    return _SNAPSHOTS in _installed and frame is not None and frame.f_globals.get("__name__") == _SNAPSHOTS


# --- installing -----------------------------------------------------------------------------------------------------

#: Functions by the module that defines them, and what is made of each.
_LIBRARIES: Dict[str, Dict[str, Callable[[Function], Function]]] = {
    "torch.serialization": {"load": _file_loader(TORCH, _torch_maps)},
    "joblib.numpy_pickle": {"load": _file_loader(JOBLIB, _maps)},
    "numpy.lib.npyio": {"load": _file_loader(NUMPY, _maps)},
    "numpy.lib._npyio_impl": {"load": _file_loader(NUMPY, _maps)},
    "keras.src.saving.saving_api": {"load_model": _keras_loader(0), "load_weights": _keras_loader(1)},
    "tf_keras.src.saving.saving_api": {"load_model": _keras_loader(0)},
    "huggingface_hub.file_download": {"hf_hub_download": _download},
    _SNAPSHOTS: {"snapshot_download": _download},
}

#: Modules whose functions are replaced now.
_installed: Dict[str, bool] = {}

#: Pairs of what was replaced and what stands in its place.
_pairs: List[Tuple[Any, Any]] = []

#: Classes whose bases were replaced.
_rebased: List[Tuple[type, Tuple[type, ...]]] = []


def install() -> None:
    """Replaces loaders, those of libraries that are imported later, too."""
    pairs: List[Tuple[Any, Any]] = [
        (_c_load, _guarded_load),
        (_c_loads, _guarded_loads),
        (_CUnpickler, GuardedUnpickler),
    ]
    for name in _LIBRARIES:
        module = sys.modules.get(name)
        if module is not None:
            if _is_loading(module):
                # Another thread imports it; this waits until it has.
                importlib.import_module(name)
            pairs += _pairs_of(name, module)
    _replace(pairs)
    _PyUnpickler.__init__ = _guarded_py_init
    _PyUnpickler.load = _guarded_py_load
    for subclass in _CUnpickler.__subclasses__():
        if subclass is not GuardedUnpickler:
            _rebase(subclass)
    sys.meta_path.insert(0, _FINDER)


def uninstall() -> None:
    """Puts the loaders back wherever they were replaced, and wherever their replacements were imported since."""
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
    replaced = list(_pairs)
    _pairs.clear()
    _installed.clear()
    _swap({id(new): old for old, new in replaced})
    if _PyUnpickler.load is _guarded_py_load:
        _PyUnpickler.load = _py_load
    if _PyUnpickler.__init__ is _guarded_py_init:
        _PyUnpickler.__init__ = _py_init
    for subclass, bases in _rebased:
        subclass.__bases__ = bases
    _rebased.clear()
    _rests.clear()


def _pairs_of(name: str, module: ModuleType) -> List[Tuple[Any, Any]]:
    pairs = []
    for key, guarded in _LIBRARIES[name].items():
        original = module.__dict__.get(key)
        # A name that only leads to another module's function is replaced with that.
        if inspect.isfunction(original) and not any(original is new for _, new in _pairs):
            if not any(original is old for old, _ in _pairs):
                pairs.append((original, guarded(original)))
    _installed[name] = True
    return pairs


def _replace(pairs: List[Tuple[Any, Any]]) -> None:
    _pairs.extend(pairs)
    _swap({id(old): new for old, new in pairs})


def _swap(instead: Dict[int, Any]) -> None:
    """Replaces objects in the namespaces of all modules, since many import a function by its name."""
    if not instead:
        return
    own = __name__
    for name, module in list(sys.modules.items()):
        if name == own or not isinstance(module, ModuleType):
            continue
        namespace = object.__getattribute__(module, "__dict__")
        for key, value in list(namespace.items()):
            if id(value) in instead:
                namespace[key] = instead[id(value)]


def _rebase(subclass: type) -> None:
    """Puts the guarded class under a class that was derived before."""
    bases = subclass.__bases__
    try:
        subclass.__bases__ = tuple(GuardedUnpickler if it is _CUnpickler else it for it in bases)
    except TypeError as error:
        # A class of C cannot be changed.
        warnings.warn(f"{subclass.__qualname__} is not guarded: {error}", RuntimeWarning, stacklevel=4)
        return
    _rebased.append((subclass, bases))


def _is_loading(module: ModuleType) -> bool:
    spec = getattr(module, "__spec__", None)
    return bool(getattr(spec, "_initializing", False))


class _Finder:
    """Replaces the loaders of a library right after the module that defines them has run."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in _LIBRARIES:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            spec = None if finder is self or find is None else find(name, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Importer(spec.loader)
                return spec
        return None


class _Importer:
    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: Any) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        with _guard._lock:
            if _guard._active:
                _replace(_pairs_of(module.__name__, module))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


_FINDER = _Finder()
