"""Examines names in this interpreter: what they are, and what they do with what a file gives them.

Every name is looked at, then called, restored and filled in a child process under an audit hook, with
recorders as arguments and values. Runs on Python 3.8 and later, which have audit hooks.

A child examines several names and writes a line for each; what ends it (a compiled function that trusts
its arguments, a loop) is the finding of the name that it was at, and another child goes on behind that.

Findings:

  -                  nothing was tried, since nobody asks for that use
  metaclass          it makes classes
  enum-base          an enumeration without members: calling it makes a class
  identity           it gave back an argument
  calls-argument     it called an argument, an item of one, or a value of a state
  calls-method:NAME  it called the method NAME of an argument or of a value in a state
  calls-state:NAME   `__setstate__` called the method NAME of the object, which the state may replace
  calls-key          it called the key of an item that was put into it
  attribute-name     it looked an attribute up by a name from the data
  attributes         what it gave has attributes by names from the arguments, or their items
  event:NAME         an audit event with something of the data, or that no model needs
  OPERATION:FINDING  the same, when something is done with a restored object (`OPERATIONS`)
  needs:NAME         it imports a library that is not installed, and nobody saw what it does with it
  crash              an attempt ended the child, or its time: a compiled function trusts its arguments
  unexamined         too many attempts did
"""

from __future__ import annotations

import ctypes
import enum
import inspect
import itertools
import json
import mmap
import operator
import os
import pathlib
import re
import resource
import select
import shutil
import signal
import sys
import tempfile
import types
import warnings

#: What a file may write, in place of a name, a path or source.
TEXT = "modelaudit_sentinel"
#: Processor time for one name. The slowest real one (a torch.nn.Transformer) takes 0.3 s. What takes longer is
#: interrupted; then each further attempt with the name has less.
SECONDS = 10
LESS_SECONDS = 1
#: Interrupts that code may catch, or that an import may take, in one attempt, before the child is ended.
INTERRUPTS = 8
#: Interrupted attempts with one name before it counts as not examined.
LOOPS = 24
#: Times that, after which one that waits for something is ended, on a machine with other work.
PATIENCE = 12
#: Seconds between looks at whether a child waits for something that does not come, and looks that must agree.
LOOK = 2
LOOKS = 6
#: Attempts with one name that may end a child before it counts as not examined.
CRASHES = 64
#: Of which so many may be because it waits for something that does not come.
HANGS = 4
#: Fields of a compiled class that are tried in all combinations of an object and a number.
CYTHON_FIELDS = 7
#: Parameters that are given each by itself, beside ordinary ones. The most that a listed class has are 60.
PARAMETERS = 64
#: Attributes of a state that are a text by turns. The most that a listed class reads are 400.
TEXT_FIELDS = 512
#: Texts of source that may be a choice, and combinations of one with an attribute. The most seen are 300.
CHOICE_LENGTH = 40
CHOICES = 1024
#: Attributes that are nothing by turns, for each operation.
EMPTY_FIELDS = 16
#: Attributes with setters of their own, each set alone. The most that a listed class has are 60.
SETTERS = 96
#: Items of an iterable without an end.
ITEMS = 16
#: Names that one child examines.
BATCH = 100
#: Events that matter wherever they come from.
ALWAYS = ("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "socket.", "ctypes.",
          "pickle.find_class", "marshal.loads", "code.__new__", "urllib.", "http.", "ftplib.", "smtplib.",
          "shutil.", "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "os.link",
          "os.symlink", "os.truncate", "os.putenv", "os.unsetenv", "tempfile.", "sqlite3.", "webbrowser.",
          "builtins.input", "winreg.", "mmap.", "cpython.run_", "os.startfile", "pty.spawn")


class Notes(set):
    """Findings of an attempt. Each is given on when it comes, since what follows may end the child."""

    #: Takes a new finding.
    give = None

    def add(self, finding: str) -> None:
        if finding not in self:
            set.add(self, finding)
            if self.give is not None:
                self.give(finding)


#: What recorders noted.
log = Notes()

#: The number of the attempt that a child is at and of its phase, which its parent sees.
PLACE = mmap.mmap(-1, 8)
PHASES = ("call", "restore")


class Recorder:
    """A value that notes what is done with it."""

    def __init__(self, path: str = "") -> None:
        object.__setattr__(self, "path_", path)

    def __call__(self, *args: object, **kwargs: object) -> "Recorder":
        path = object.__getattribute__(self, "path_")
        log.add(f"calls-{path}" if path.startswith("state:") or path == "key" else
                f"calls-method:{path}" if path else "calls-argument")
        return Recorder(path or "result")

    def __getattr__(self, name: str) -> "Recorder":
        if TEXT in name:
            log.add("attribute-name")
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        path = object.__getattribute__(self, "path_")
        return Recorder(path if path.startswith("state:") else name)


class Made:
    """A class from the file's point of view: to make one is to call what the file named."""

    def __new__(cls, *args: object, **kwargs: object) -> "Made":
        log.add("calls-argument")
        return object.__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass


class State(dict):
    """A state that has every attribute and key."""

    def value(self) -> object:
        """What it has under one that it was not given."""
        return Recorder()

    def __missing__(self, key: object) -> object:
        return self.value()

    def get(self, key: object, default: object = None) -> object:
        return dict.get(self, key, self.value())

    def pop(self, key: object, *default: object) -> object:
        return dict.pop(self, key, self.value())

    def __contains__(self, key: object) -> bool:
        return True


class Texts(State):
    """A state that has a text under every attribute and key: what opens or evaluates one takes no recorder."""

    def value(self) -> object:
        return TEXT


def importing(frame: object = None) -> bool:
    """Whether a module is being imported, whose own code runs, at the caller of the caller or at a frame."""
    frame = sys._getframe(2) if frame is None else frame
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


#: inotify(7): IN_MODIFY, IN_ATTRIB, IN_OPEN, IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE.
FILE_EVENTS = 0x2 | 0x4 | 0x20 | 0x40 | 0x80 | 0x100 | 0x200


class Watch:
    """
    Tells whether a file was used that arguments may name, in a child's working directory: compiled code opens one
    without an audit event. Linux alone; raises OSError where the kernel has no more watches.
    """

    def __init__(self, folder: str) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.descriptor < 0 or libc.inotify_add_watch(self.descriptor, os.fsencode(folder), FILE_EVENTS) < 0:
            raise OSError(ctypes.get_errno(), f"Cannot watch {folder}")

    def prepare(self) -> None:
        """Makes the files anew: what is to be read must be there."""
        for name in (TEXT, TEXT + ".x", "x", "f"):
            if not os.path.exists(name):
                os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
        self.used()

    def used(self) -> bool:
        """Whether one was used since the last question; a look at the directory itself, which has no name, is none."""
        try:
            events = os.read(self.descriptor, 1 << 16)
        except BlockingIOError:
            return False
        at, found = 0, False
        while at < len(events):
            length = int.from_bytes(events[at + 12:at + 16], sys.byteorder)
            found = found or length > 0
            at += 16 + length
        return found


OWN = tuple({os.path.realpath(each) for each in (sys.prefix, sys.base_prefix, sys.exec_prefix)})


def is_own(path: object) -> bool:
    """Whether a path is a file of Python or of an installed library, or of the kernel."""
    if isinstance(path, int):
        return True
    if not isinstance(path, (str, bytes)):
        return False
    text = os.fsdecode(path)
    return TEXT not in text and (
        text.startswith(("<frozen", "/proc/", "/sys/", "/dev/")) or os.path.realpath(text).startswith(OWN))


def matters(event: str, arguments: tuple) -> bool:
    """Whether an audit event is one that listed names must not raise."""
    if event == "open":
        return not is_own(arguments[0]) and not importing()
    if event == "exec":
        return not is_own(getattr(arguments[0], "co_filename", "")) and not importing()
    if event == "import":
        # A codec is looked up as a module of `encodings`, with what is no letter replaced.
        return TEXT in str(arguments[0]) and not str(arguments[0]).startswith("encodings.")
    if event == "ctypes.dlsym":
        # A library reaches its own functions this way.
        return TEXT in str(arguments[1])
    return event.startswith(ALWAYS) and not importing()


def kind_of(value: object) -> str:
    """What a value is."""
    if isinstance(value, type):
        if issubclass(value, type):
            return "metaclass"
        if issubclass(value, enum.Enum):
            return "enum" if len(value) else "enum-base"
        return "class"
    return "function" if callable(value) else "value"


#: Hooks by the letter that stands for them.
HOOKS = {
    "i": ("__init_subclass__",), "c": ("__class_getitem__",), "n": ("__set_name__",),
    "s": ("__setstate__",), "r": ("__reduce__", "__reduce_ex__"),
    "g": ("__getattr__", "__getattribute__"), "t": ("__setattr__",), "d": ("__del__",),
    "e": ("__eq__",), "h": ("__hash__",), "a": ("append", "extend", "add"), "k": ("__setitem__",),
    "l": ("__call__",), "w": ("__new__",),
}


def hooks_of(value: object) -> str:
    """Letters of what its classes define beside `object`; "m" a metaclass of its own, "p" a property setter."""
    if not isinstance(value, type):
        return ""
    found = "" if type(value) is type else "m"
    bases = [each for each in value.__mro__ if each is not object]
    for letter, names in HOOKS.items():
        if any(name in vars(base) for base in bases for name in names):
            found += letter
    if any(isinstance(each, property) and each.fset for base in bases for each in vars(base).values()):
        found += "p"
    return found


def arguments(value: object) -> list:
    """Arguments that a file might give a callable."""
    r = [Recorder() for _ in range(6)]
    alone = [r[0], Made, TEXT, TEXT + ".x", [r[0]], (r[0],), {TEXT: r[0]}, {r[0]}, 1, None, b"x", 0.5,
             [TEXT], [(TEXT, r[0])], ["f", r[0]], State(), pathlib.Path(TEXT)]
    try:
        import numpy
        alone += [numpy.ones(2), numpy.array([r[0], 1], dtype=object), numpy.dtype("f8")]
    except ImportError:
        pass
    try:
        import torch
        alone += [torch.ones(2)] if hasattr(torch, "ones") else []
    except ImportError:
        pass
    found = [()] + [(each,) for each in alone]
    for each in alone:
        found += [(r[1], each), (each, r[1]), (Made, each), (each, TEXT)]
    found += [tuple(r[:count]) for count in range(3, 7)]
    found += [(Made, (), r[0]), (Made, (r[0],), {TEXT: r[1]}), (r[0], (r[1],), r[2]), (r[0], (), {}),
              (r[0], TEXT, r[1]), (TEXT, r[0], r[1]), (Made, 0, (r[0],)), (Made, object, None),
              (r[0], 0, (1,), (1,), False, r[1]), ([r[0]], [r[1]], [r[2]])]
    try:
        named = list(inspect.signature(value).parameters.values())
    except (TypeError, ValueError):
        named = []
    count = sum(each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD) for each in named)
    if 0 < count <= 30:
        for each in (r[0], TEXT, [r[0]], Made, None, {TEXT: r[0]}, 1):
            found.append((each,) * count)
    return found


#: What a parameter is given where another one is looked at, by words of its annotation; the first that is there.
ORDINARY = {"Callable": None, "Iterable": [], "List": [], "list": [], "Sequence": [], "Dict": {}, "dict": {}, "Tuple": (),
            "tuple": (), "int": 1, "float": 0.5, "bool": True, "str": TEXT}


def ordinary(parameter: inspect.Parameter, module: str) -> object:
    """A value for a parameter without a default: of its type, if that is known or can be made empty."""
    annotation = parameter.annotation
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    for word, value in ORDINARY.items():
        if re.search(rf"\b{word}\b", text):
            return Recorder() if value is None else value
    cls = getattr(sys.modules.get(module), text, None) if isinstance(annotation, str) else annotation
    try:
        return cls.__new__(cls) if isinstance(cls, type) and cls is not inspect.Parameter.empty else Recorder()
    except Exception:
        return Recorder()


def keyword_arguments(value: object) -> list:
    """Keyword arguments: a recorder, a class, a text and a path for each parameter, with what is usual for the others."""
    try:
        named = [each for each in inspect.signature(value).parameters.values()
                 if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)][:PARAMETERS]
    except (TypeError, ValueError):
        return []
    usual = {each.name: ordinary(each, getattr(value, "__module__", "")) for each in named if each.default is each.empty}
    return [{**usual, each.name: given} for each in named for given in (Recorder(), Made, TEXT, pathlib.Path(TEXT))]


def held(value: object) -> list:
    """Recorders and classes in arguments, however deep in plain containers."""
    if isinstance(value, Recorder) or value is Made:
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [found for each in value for found in held(each)] if isinstance(value, (tuple, list)) else []


def has_attribute(value: object, args: tuple) -> bool:
    """Whether an object that a call gave has one of its arguments under a name that only they have."""
    if value is None or isinstance(value, (Recorder, Made, type)):
        return False
    try:
        found = getattr(value, TEXT)
    except BaseException:
        return False
    return any(found is each for each in held(args))


def derived_from(unpickler: object) -> object:
    """A class derived from the one that a `__pyx_unpickle_X` restores; None for every other function."""
    name = getattr(unpickler, "__name__", "")
    module = sys.modules.get(getattr(unpickler, "__module__", None) or "")
    base = getattr(module, name[len("__pyx_unpickle_"):], None) if name.startswith("__pyx_unpickle_") else None
    try:
        return type("Derived", (base,), {}) if isinstance(base, type) else None
    except TypeError:
        return None


class Missing:
    """Stands behind all other finders: notes what is looked for and not installed. Finds nothing."""

    def __init__(self, note) -> None:
        self.note = note

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        frame = sys._getframe(1)
        while frame is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        if frame is not None and not importing(frame):
            self.note(name)


class Over(BaseException):
    """Raised in an attempt whose time is over."""


def limit_time(seconds: float) -> None:
    """
    Interrupts an attempt behind so much processor time, and again; ends the process where compiled code loops, which
    no exception reaches.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds, LESS_SECONDS)
    used = resource.getrusage(resource.RUSAGE_SELF)
    end = int(used.ru_utime + used.ru_stime + seconds + LESS_SECONDS * (INTERRUPTS + 1)) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (end, resource.getrlimit(resource.RLIMIT_CPU)[1]))


class Examination:
    """Runs attempts under the hook and keeps what they show."""

    def __init__(self, report, watch: Watch) -> None:
        self.armed = False
        self.events = Notes()
        #: Takes findings as soon as they are there, since the next attempt may end the child.
        self.report = report
        self.watch = watch
        self.begin(0)
        signal.signal(signal.SIGPROF, self.interrupt)
        sys.addaudithook(self.hook)
        sys.meta_path.insert(0, self)  # importlib.import_module raises no event
        sys.meta_path.append(Missing(self.missing))

    def begin(self, after: int) -> None:
        """Begins with a name, of which other children have made attempts up to a number."""
        self.after = after
        self.count = 0
        self.phase = 0
        self.loops = 0
        self.interrupts = 0
        self.given: "set[tuple[int, str]]" = set()
        self.watch.prepare()
        limit_time(SECONDS)

    def interrupt(self, _signal: int, frame: object) -> None:
        """Ends an attempt whose time is over; one that imports goes on, since what is imported by half stays so."""
        if self.armed:
            self.interrupts += 1
            if self.interrupts > INTERRUPTS:
                os.kill(os.getpid(), signal.SIGKILL)
            if not importing(frame):
                raise Over

    def hook(self, event: str, arguments: tuple) -> None:
        if not self.armed:
            return
        self.armed = False
        try:
            if matters(event, arguments):
                self.events.add(f"event:{event}")
        finally:
            self.armed = True

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Notes imports by a name from the data; finds nothing."""
        if self.armed and matters("import", (name,)):
            self.events.add("event:import")

    def give(self, under: str, finding: str) -> None:
        """Reports a finding of an attempt that is under way, once a name."""
        given = (self.phase, under + finding)
        if given not in self.given and not (under and finding.startswith("calls-method:")):
            self.given.add(given)
            self.report(self.phase, {under + finding})

    def missing(self, name: object) -> None:
        """Notes a library that is not installed. What a recorder is imported as is none."""
        if self.armed and isinstance(name, str) and name.isidentifier() and TEXT not in name:
            self.events.add(f"needs:{name}")

    def attempt(self, action, args: tuple, found: set, under: str = "") -> bool:
        """
        Whether an action gave something; false when it raised, or ended another child before. Findings of
        an operation stand under its name, without methods of what the object holds.
        """
        self.count += 1
        PLACE[:] = self.count.to_bytes(4, "little") + self.phase.to_bytes(4, "little")
        if self.count <= self.after:
            return False
        if self.loops >= LOOPS:
            found.add("unexamined")
            return False
        before = len(found)
        log.clear()
        self.events.clear()
        self.interrupts = 0
        log.give = self.events.give = lambda finding: self.give(under, finding)
        if self.loops:
            limit_time(LESS_SECONDS)
        result = False
        try:
            self.armed = True
            result = action(*args)
            if any(result is each for each in held(args)):
                found.add("identity")
            if self.phase == 0:
                seen = set(log)
                log.give = None
                if has_attribute(result, args):
                    found.add("attributes")
                # What our own look at the result shows is no finding.
                log.clear()
                log.update(seen)
            # What was made goes while the hook listens, and so does what its end calls.
            result = result is not None
        except ImportError as error:
            self.missing((error.name or "a-library").split(".")[0].replace("-", "_"))
        except Exception:
            pass
        except Over:
            self.loops += 1
            found.add("crash")
        except BaseException as error:  # SystemExit, KeyboardInterrupt: raised on purpose
            if type(error).__name__ not in ("SystemExit", "GeneratorExit", "KeyboardInterrupt"):
                found.add("event:raise")
        self.armed = False
        if self.watch.used():
            self.events.add("event:open")
            self.watch.prepare()
        found |= {under + each for each in log | self.events if not (under and each.startswith("calls-method:"))}
        if len(found) > before:
            self.report(self.phase, found)
        return result is True

    def calls(self, value: object) -> set:
        """Findings of calls."""
        found: set = set()
        message = ""
        for args in arguments(value):
            self.attempt(value, args, found)
            # What an iterator does, it does later.
            if isinstance(value, type) and hasattr(value, "__next__"):
                self.attempt(lambda *each: OPERATIONS["iterate"](value(*each)), args, found, "iterate:")
        for named in keyword_arguments(value):
            self.attempt(lambda *each, keys=tuple(named): value(**dict(zip(keys, each))), tuple(named.values()), found)
        # Cython's unpicklers want the checksum that their error names.
        try:
            value(value, 0, ())
        except Exception as error:
            message = str(error)
        for checksum in re.findall(r"0x([0-9a-f]+)", message):
            for size in range(12):
                self.attempt(value, (Made, int(checksum, 16), (Recorder(),) * size), found)
            # They update the attributes of a subclass by the last item, behind what C fields take.
            derived = derived_from(value)
            for size in range(CYTHON_FIELDS if derived is not None else 0):
                for fields in itertools.product((None, 1), repeat=size):
                    state = (*fields, {TEXT: Recorder()})
                    self.attempt(value, (derived, int(checksum, 16), state), found)
        return found

    def sets(self, cls: type, states: list, found: set) -> None:
        """Findings of the setters that the second part of a state calls, after a first part."""
        if getattr(cls, "__setstate__", None) is not None:
            return
        slots = {name: Recorder() for base in cls.__mro__ for name, each in vars(base).items()
                 if isinstance(each, types.MemberDescriptorType) and not name.startswith("__")}
        for name in setters(cls):
            for value in (Recorder(), TEXT, [Recorder()], {TEXT: Recorder()}, Made, 1):
                for first in [*states, slots] if slots else states:
                    # What has no dictionary gets all from the second part, in its order.
                    both = (None, {**slots, name: value}) if first is slots else (copy_of(first), {name: value})
                    self.attempt(lambda: restore(cls.__new__(cls), both), (), found)

    def restores(self, cls: type) -> set:
        """Findings of `__new__`, `__setstate__` and what the unpickler does with items."""
        found: set = set()
        # What a library compiles of its own when something is first called, before there is any data.
        try:
            cls.__new__(cls)
        except Exception:
            pass
        methods = {name: Recorder(f"state:{name}") for name in dir(cls)
                   if not name.startswith("__") and inspect.isroutine(getattr(cls, name, None))}
        # What its methods look at, so that they find it and go on; with methods and without any.
        read = {name: Recorder() for name in names_read(cls) if name not in methods}
        texts = dict.fromkeys(read, TEXT)
        states = [State(), State(methods), State({**read, **methods}), {TEXT: Recorder()},
                  (None, {TEXT: Recorder()}), {**read, **methods}, read, {name: [Recorder()] for name in read},
                  Texts(), texts, Texts({**read, **methods}),
                  [Recorder()], Recorder(), TEXT] + [(Recorder(),) * count for count in (0, 3, 12)]
        # One text among recorders, since code may ask something of the others before it takes the text.
        states += [{**read, **methods, name: TEXT} for name in sorted(read)[:TEXT_FIELDS]]
        # A text that its `__setstate__` compares with, which no text of ours equals.
        for other in ({**read, **methods}, dict.fromkeys(read)):
            states += [{**other, name: text} for name, text in choices(cls)]
        for args in ((), (Recorder(),), (Made,), (TEXT,), (pathlib.Path(TEXT),), (b"x",), (TEXT, TEXT),
                     (Recorder(), Recorder())):
            if not self.attempt(lambda *each: cls.__new__(cls, *each), args, found):
                continue
            for state in states if not args else states[:4]:
                # A copy: what takes items out of its state does so for the next one, too.
                self.attempt(lambda: restore(cls.__new__(cls, *args), copy_of(state)), (), found)
        # What its methods look at may be nothing: then they go another way.
        nothing = [{**dict.fromkeys(read, empty), **methods} for empty in (None, False)]
        nothing += [{**read, **methods, name: None} for name in sorted(read)[:EMPTY_FIELDS]]
        self.sets(cls, [None, {**read, **methods}, {**texts, **methods}], found)
        for state in states[2:4] + states[5:10] + nothing:
            for name, operation in OPERATIONS.items():
                made: list = []
                self.attempt(lambda: made.append(restored(cls, copy_of(state))), (), found)
                self.attempt(lambda: operation(made[0]), (), found, f"{name}:")
        for name, items in (("append", (Recorder(),)), ("extend", ([Recorder()],)), ("add", (Recorder(),)),
                            ("__setitem__", (TEXT, Recorder())), ("__setitem__", (Recorder("key"), Recorder()))):
            if hasattr(cls, name):
                self.attempt(lambda: getattr(cls.__new__(cls), name)(*items), (), found)
        return found


def setters(cls: type) -> "list[str]":
    """
    Attributes that a state of two parts sets by code: properties and other descriptors, C fields among them. One that
    no class knows follows, for `__setattr__`, which is asked for it.
    """
    found = {name for base in cls.__mro__ if base is not object for name, each in list(vars(base).items())
             if hasattr(type(each), "__set__") and not isinstance(each, types.MemberDescriptorType)
             and not (isinstance(each, property) and each.fset is None)
             and name not in ("__dict__", "__weakref__", "__class__")}
    own = cls.__setattr__ is not object.__setattr__
    return sorted(found)[:SETTERS] + ([TEXT, *sorted(names_read(cls) - found)[:SETTERS]] if own else [])


def names_read(cls: type) -> "set[str]":
    """Attributes and keys that methods of a class name in their code; of compiled ones, its own attributes."""
    found: "set[str]" = set()
    for base in cls.__mro__:
        if base is object:
            continue
        for name, member in list(vars(base).items()):
            if not name.startswith("__"):
                found.add(name)
            code = getattr(getattr(member, "__func__", getattr(member, "fget", member)), "__code__", None)
            if isinstance(code, types.CodeType):
                found.update(code.co_names)
                found.update(each for each in code.co_consts if isinstance(each, str) and each.isidentifier())
    return {name for name in found if not (name.startswith("__") and name.endswith("__"))}


def choices(cls: type) -> "list[tuple[str, str]]":
    """Attributes and texts that the `__setstate__` of a class, or of a base of the same library, names."""
    root = cls.__module__.partition(".")[0]
    for base in cls.__mro__:
        code = getattr(vars(base).get("__setstate__"), "__code__", None)
        if isinstance(code, types.CodeType) and base.__module__.partition(".")[0] == root:
            texts = [each for each in code.co_consts if isinstance(each, str) and len(each) < CHOICE_LENGTH]
            names = [*code.co_names, *(each for each in texts if each.isidentifier())]
            return [(name, text) for name in names for text in texts][:CHOICES]
    return []


def restored(cls: type, state: object) -> object:
    """An instance with a state, which is not given where that raises."""
    made = cls.__new__(cls)
    try:
        restore(made, state)
    except Exception:
        pass
    return made


def contains(made: object) -> bool:
    """Looks for an item; where a class does not say itself how, in those that an index gives, which may not end."""
    return 1 in (made if hasattr(type(made), "__contains__") else itertools.islice(made, ITEMS))


#: What opcodes and harmless functions do with an object: a key of a dictionary, an item of a set, an argument.
OPERATIONS = {
    "hash": hash, "equal": lambda made: made == 1, "iterate": lambda made: list(itertools.islice(made, ITEMS)),
    "length": len, "item": lambda made: made[0], "key": lambda made: made[TEXT], "contains": contains,
    "truth": bool, "number": float, "index": operator.index, "text": str, "representation": repr,
    "attribute": lambda made: getattr(made, TEXT),
}


def copy_of(state: object) -> object:
    """A dictionary like a state that is one, of its class; any other state itself."""
    return type(state)(state) if isinstance(state, dict) else state


def restore(made: object, state: object) -> None:
    """BUILD, as `load_build` of CPython's pickle.py does it."""
    setter = getattr(made, "__setstate__", None)
    if setter is not None:
        setter(state)
        return
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if isinstance(state, dict):
        made.__dict__.update(state)
    if isinstance(slots, dict):
        for key, value in slots.items():
            setattr(made, key, value)


def examine(value: object, examination: Examination, calls: bool) -> dict:
    """Findings of one value when it is called, where that is asked, and when it is restored."""
    kind = kind_of(value)
    if kind in ("metaclass", "enum-base"):
        return {phase: [kind] for phase in PHASES}
    called = set() if kind == "value" else examination.calls(value) if calls else {"-"}
    examination.phase = 1
    restored = examination.restores(value) if isinstance(value, type) else set()
    return {"call": sorted(called), "restore": sorted(restored)}


def run_child(names: list, resolve, after: int, write: int, watch: Watch) -> None:
    """
    In the child, in the folder that is watched: examines names and writes a line before each, with findings, and with
    its result.
    """
    os.setsid()  # what is examined may signal its group, or ask a terminal
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None  # shows the lines of what raised in `__del__`, and opens their files
    with os.fdopen(write, "w") as out:
        def say(line: dict) -> None:
            out.write(json.dumps(line) + "\n")
            out.flush()

        examination = Examination(lambda phase, found: say({"phase": phase, "found": sorted(found)}), watch)
        for index, (module, name, calls) in names:
            say({"begin": index})
            examination.begin(after)
            after = 0
            try:
                result = examine(resolve(module, name), examination, calls)
            except BaseException as error:
                result = {phase: [f"error:{type(error).__name__}"] for phase in PHASES}
            signal.setitimer(signal.ITIMER_PROF, 0)
            say({"end": index, "result": result})


def lines_of(read: int, pid: int) -> tuple:
    """The lines that a child writes, and whether it hung; one that hangs is ended, with all that it started."""
    data, hung = b"", False
    looks: list = []
    while True:
        ready, _, _ = select.select([read], [], [], LOOK)
        if not ready:
            looks.append(idle_since(pid))
            waits = len(looks) >= LOOKS and looks[-1] is not None and len(set(looks[-LOOKS:])) == 1
            if waits or len(looks) * LOOK > PATIENCE * SECONDS:
                # What is left of it may hold the pipe: its end is not waited for.
                end_group(pid)
                hung = True
                break
            continue
        looks.clear()
        piece = os.read(read, 1 << 16)
        if not piece:
            break
        data += piece
    os.close(read)
    os.waitpid(pid, 0)
    end_group(pid)
    return [json.loads(line) for line in data.splitlines() if line.endswith(b"}")], hung


def idle_since(pid: int) -> object:
    """The processor time of a process that sleeps; None for one that runs, or where the system does not say."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return tuple(fields[11:13]) if fields[0] == "S" else None


def end_group(pid: int) -> None:
    """Ends a child and what it started."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run_batch(batch: list, resolve, after: int) -> tuple:
    """
    The answers of one child for as many names of a batch as it completes, whether it hung, and whether its last
    attempt used a file.
    """
    folder = tempfile.mkdtemp(prefix="modelaudit-probe-")
    watch = Watch(folder)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        try:
            os.chdir(folder)
            run_child(batch, resolve, after, write, watch)
        finally:
            os._exit(0)
    os.close(write)
    try:
        return (*lines_of(read, pid), watch.used())
    finally:
        os.close(watch.descriptor)
        shutil.rmtree(folder, ignore_errors=True)


def run_all(names: list, resolve, batch: int) -> list:
    """
    Findings of each (module, name, whether it is called) by phase, in their order. Behind an attempt that ended a child, or took
    its time, another one goes on.
    """
    found = [{phase: set() for phase in PHASES} for _ in names]
    at, after, crashes = 0, 0, 0
    while at < len(names):
        reached, ended = at, False
        PLACE[:] = bytes(8)
        lines, hung, opened = run_batch(list(enumerate(names))[at:at + batch], resolve, after)
        for line in lines:
            if "begin" in line:
                reached, ended = line["begin"], False
            elif "found" in line:
                found[reached][PHASES[line["phase"]]] |= set(line["found"])
            else:
                for phase in PHASES:
                    found[reached][phase] |= set(line["result"][phase])
                ended = True
        if ended:
            at, after, crashes = reached + 1, 0, 0
            continue
        crashes, before = (crashes, after) if reached == at else (0, 0)
        crashes += CRASHES // HANGS if hung else 1
        place = int.from_bytes(PLACE[:4], "little")
        phase = PHASES[int.from_bytes(PLACE[4:], "little")]
        if place > before and crashes < CRASHES:
            found[reached][phase] |= {"crash", "event:open"} if opened else {"crash"}
            at, after = reached, place
        else:
            for each in PHASES:
                found[reached][each].add("unexamined")
            at, after, crashes = reached + 1, 0, 0
    return [{phase: sorted(each[phase]) for phase in PHASES} for each in found]


#: Findings that decide about a use, which are examined once more.
DECIDING = {"called": ("call", "restore"), "restored": ("restore",), "named": ("call",)}


def probe(names: list, resolve, uses: list) -> list:
    """
    For each (module, name): its kind, the letters of its hooks, and findings under "call" and "restore".

    What stands under several names is examined once. Names with findings that decide about their use are
    examined once more, each in a child of its own: what was called before them may have changed something.
    """
    values = [resolve(*name) for name in names]
    firsts: "dict[int, int]" = {}
    for at, value in enumerate(values):
        firsts.setdefault(id(value), at)
    places = list(firsts.values())
    wanted_of: "dict[int, set[str]]" = {place: set() for place in places}
    for use, value in zip(uses, values):
        wanted_of[firsts[id(value)]].add(use)
    asked = {place: (*names[place], wanted != {"restored"}) for place, wanted in wanted_of.items()}
    results = dict(zip(places, run_all([asked[at] for at in places], resolve, BATCH)))
    for place, wanted in wanted_of.items():
        deciding = {each for use in wanted for phase in DECIDING[use] for each in results[place][phase]}
        if any(not re.match(r"(\w+:)?calls-(method|state):|crash$", each) for each in deciding):
            [results[place]] = run_all([asked[place]], resolve, 1)
    return [{**results[firsts[id(value)]], "kind": kind_of(value), "hooks": hooks_of(value)} for value in values]
