"""Runs modules that the fuzzer made, with recorders in place of what would do harm: one source a line
in (JSON), the names of the recorders that were called a line out. Only sources of the fuzzer's own
templates come here."""

import atexit
import builtins
import contextlib
import gc
import importlib
import io
import json
import os
import posix
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
NAMES = ("os.system", "os.popen", "subprocess.run", "subprocess.check_output")
called = []


def recorder(name):
    def record(*args, **kwargs):
        called.append(name)
        return 0

    record.__name__ = record.__qualname__ = name.rpartition(".")[2]
    record.__module__ = name.rpartition(".")[0]
    return record


for name in NAMES:
    module, _, attribute = name.rpartition(".")
    setattr(importlib.import_module(module), attribute, recorder(name))
posix.system = os.system
KEPT = {module: dict(vars(module)) for module in (os, posix, subprocess, builtins, sys, threading)}
for name in ("shutil", "inspect", "operator", "functools", "copy", "types", "base64", "dataclasses",
             "enum", "collections", "contextlib", "itertools", "pkgutil", "pydoc", "codecs", "zlib", "re", "typing",
             "weakref", "contextvars", "concurrent.futures", "abc", "string"):
    importlib.import_module(name)
# Modules may read and write the standard streams; sources and answers go over others.
sources = os.fdopen(os.dup(0), encoding="utf-8")
out = os.fdopen(os.dup(1), "w", encoding="utf-8")
with open(os.devnull, "r+b", buffering=0) as nothing:
    os.dup2(nothing.fileno(), 0)
    os.dup2(nothing.fileno(), 1)
# Objects of the modules alone are looked at when what they left behind is collected.
gc.collect()
gc.freeze()


waiting = {threading.current_thread()}


def left_behind():
    """Finalizers and threads of a module run before the next one does; a thread that waits for good is left alone."""
    gc.collect()
    for thread in threading.enumerate():
        if thread not in waiting:
            thread.join(0.2)
            waiting.add(thread)


for line in sources:
    source = json.loads(line)
    called.clear()
    error = None
    names = {"__name__": "made", "__builtins__": builtins}
    sys.modules["made"] = module = type(sys)("made")
    names = vars(module)
    names["__builtins__"] = builtins
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(source, "made", "exec"), names)
            atexit._run_exitfuncs()
            if sys.excepthook is not KEPT[sys]["excepthook"]:
                sys.excepthook(ValueError, ValueError(), None)
    except BaseException as caught:
        error = type(caught).__name__ + ": " + str(caught)[:80]
    names.clear()
    sys.modules.pop("made", None)
    module = None
    left_behind()
    for module, kept in KEPT.items():
        for key in list(vars(module)):
            if key not in kept:
                delattr(module, key)
        for key, value in kept.items():
            if vars(module).get(key) is not value:
                setattr(module, key, value)
    out.write(json.dumps({"called": sorted(set(called)), "error": error}) + "\n")
    out.flush()
