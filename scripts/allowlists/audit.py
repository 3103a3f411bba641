"""audit.py RULES_DIR [LIBRARY…]: establishes by execution what the names on the allowlists do.

Run in an environment that has the libraries. Prints one JSON object:
{"releases": {library: version}, "names": {"module.name": {"use", "kind", "findings": […]}}}.

Each name is imported and looked at; what may be called is called, and what may be restored is made by its
`__new__` and given state, with recording objects as arguments and values, in a child process under an
audit hook. Findings:

  metaclass        calling or restoring it makes a class, whose hooks run
  enum-base        an Enum without members: calling it with names makes a class
  identity         it returned one of its arguments
  calls-argument   it called an argument, or a value of the state
  attribute-name   it looked an attribute up by a name from the arguments
  event:NAME       open, exec, compile, import, socket, subprocess or ctypes happened
  crash            the child ended (a compiled function that trusts its arguments)
  absent           this release does not have the name
"""

import enum
import importlib
import io
import json
import os
import pickle
import sys
import warnings

try:
    import tomllib
except ImportError:  # Python before 3.11
    import tomli as tomllib

EVENTS = ("open", "exec", "compile", "socket.", "subprocess.", "ctypes.", "os.system", "os.exec", "os.spawn",
          "shutil.", "os.remove", "os.rename", "urllib.")
SECONDS = 5
NAME = "modelaudit_sentinel_attribute"


class Recorder:
    """An argument that notices what is done with it."""

    log = set()

    def __call__(self, *args, **kwargs):
        Recorder.log.add("calls-argument")
        return self

    def __getattr__(self, name):
        if name == NAME:
            Recorder.log.add("attribute-name")
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self


def listed(rules, libraries):
    folder = os.path.join(rules, "safe")
    for file in sorted(os.listdir(folder)):
        if not file.endswith(".toml"):
            continue
        with open(os.path.join(folder, file), "rb") as opened:
            table = tomllib.load(opened)
        if libraries and table["library"] not in libraries:
            continue
        for use in ("called", "restored", "named"):
            for module, names in table.get(use, {}).items():
                for name in names:
                    yield table["library"], use, module, name


def resolve(module, name):
    value = importlib.import_module(module)
    for part in name.split("."):
        value = getattr(value, part)
    return value


def kind_of(value):
    if isinstance(value, type):
        if issubclass(value, type):
            return "metaclass"
        if issubclass(value, enum.Enum):
            return "enum" if len(value) else "enum-base"
        return "class"
    return "function" if callable(value) else "value"


def attempts(value, use):
    """What a file can make of the name: calls with few arguments, or restoring with a state."""
    recorders = [Recorder() for _ in range(4)]
    text, rows = NAME, ([], {}, (), 0, "", b"")
    if use == "called":
        for count in range(1, 4):
            yield recorders[:count], lambda count=count: value(*recorders[:count])
        yield recorders[:1], lambda: value(recorders[0], text)
        yield recorders[:1], lambda: value(text, recorders[0])
        for row in rows:
            yield recorders[:1], lambda row=row: value(row, recorders[0])
            yield recorders[:1], lambda row=row: value(recorders[0], row)
    if isinstance(value, type):
        def restore(*args):
            made = value.__new__(value, *args)
            state = {"append": recorders[0], "extend": recorders[0], "__setstate__": recorders[0],
                     NAME: recorders[1]}
            try:
                setter = getattr(made, "__setstate__", None)
                if setter is not None:
                    setter(state)
                else:
                    made.__dict__.update(state)
            except Exception:
                pass
            return made
        yield [], restore
        yield recorders[:1], lambda: restore(recorders[0])


def examine(value, use):
    """In the child: the findings of one name."""
    found = set()
    events = set()
    armed = [False]

    def hook(event, arguments):
        if armed[0] and event.startswith(EVENTS):
            events.add(event)

    sys.addaudithook(hook)
    for given, attempt in attempts(value, use):
        Recorder.log.clear()
        armed[0] = True
        try:
            result = attempt()
            if any(result is one for one in given):
                found.add("identity")
        except BaseException:
            pass
        armed[0] = False
        found |= Recorder.log
    return sorted(found | {f"event:{event}" for event in events})


def in_child(value, use):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            import signal
            signal.alarm(SECONDS)
            null = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(null, fd)
            os.write(write, json.dumps(examine(value, use)).encode())
        finally:
            os._exit(0)
    os.close(write)
    data = b""
    while True:
        piece = os.read(read, 65536)
        if not piece:
            break
        data += piece
    os.close(read)
    _, status = os.waitpid(pid, 0)
    if status != 0 or not data:
        return ["crash"]
    return json.loads(data)


def main():
    rules, libraries = sys.argv[1], set(sys.argv[2:])
    warnings.simplefilter("ignore")
    names = {}
    for library, use, module, name in listed(rules, libraries):
        key = f"{module}.{name}"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = resolve(module, name)
        except BaseException as error:
            names[key] = {"library": library, "use": use, "kind": "absent", "findings": ["absent"]}
            continue
        kind = kind_of(value)
        findings = []
        if kind in ("metaclass", "enum-base"):
            findings.append(kind)
        elif use != "named" and kind in ("class", "function", "enum"):
            findings += in_child(value, use)
        names[key] = {"library": library, "use": use, "kind": kind, "findings": findings}
    releases = {}
    for library in sorted({entry["library"] for entry in names.values()}):
        try:
            from importlib.metadata import version
            releases[library] = version({"sklearn": "scikit-learn"}.get(library, library))
        except Exception:
            pass
    json.dump({"python": sys.version.split()[0], "releases": releases, "names": names}, sys.stdout)


if __name__ == "__main__":
    main()
