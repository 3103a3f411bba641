"""Processes that scan bytes which this process holds, and stay for the next scan.

A process has no permission to read files: it asks for ranges, and gets them from the handle that is loaded
afterwards. One scan at a time in each; a scan that finds none idle starts another.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import struct
import subprocess
import threading
from typing import Any, Dict, List, Optional, Protocol, Tuple

from ._deno import guard_command
from ._errors import ScannerError, UsageError
from ._report import FileReport, RecordReader

# Idle processes that are kept; each holds some 170 MB.
_IDLE_KEPT = 2

# Bytes of a configuration, as the command line reads it.
_CONFIGURATION_BYTES = 1 << 20

# Bytes that are written together with their length, in one system call.
_JOINED_BYTES = 1 << 16

# What stands for the length of a range that cannot be read.
_UNREADABLE = 0xFFFFFFFF

# Bytes of a range, as the process asks for it at most.
_RANGE_BYTES = 1 << 20

# Seconds beyond the time of a scan after which its process counts as hanging.
_GRACE = 10.0


class Held(Protocol):
    """Bytes that this process holds and that do not change."""

    size: int

    def read_at(self, offset: int, length: int) -> Any:
        """A buffer of at most so many bytes."""


Configuration = Optional[Tuple[str, str]]


def read_configuration(path: Any) -> Tuple[str, str]:
    """Path and text of a configuration. Raises UsageError where it cannot be read."""
    name = os.fspath(path)
    try:
        with open(name, encoding="utf-8") as file:
            text = file.read(_CONFIGURATION_BYTES + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read the configuration {name}: {error}") from error
    if len(text) > _CONFIGURATION_BYTES:
        raise UsageError(f"Cannot read the configuration {name}: it is larger than {_CONFIGURATION_BYTES} bytes")
    return (str(name), text)


class _Process:
    def __init__(self) -> None:
        self.pid = os.getpid()
        options: Dict[str, Any] = {}
        if os.name != "nt":
            # Ctrl-C in a terminal is this process's to handle.
            options["start_new_session"] = True
        self._process = subprocess.Popen(
            guard_command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A forked child that drops these pipes must have nothing to flush into them.
            bufsize=0,
            **options,
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._input = self._process.stdin
        self._output = io.BufferedReader(self._process.stdout)  # type: ignore[type-var]
        self._errors: List[bytes] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        if self._record()["type"] != "ready":
            raise ScannerError("The scanner did not start as expected")

    def _listen(self) -> None:
        assert self._process.stderr
        try:
            for line in self._process.stderr:
                self._errors.append(line)
                del self._errors[:-50]
        except (OSError, ValueError):
            pass

    def alive(self) -> bool:
        return self.pid == os.getpid() and self._process.poll() is None

    def scan(
        self, held: Held, path: str, configuration: Configuration, timeout: Optional[float]
    ) -> FileReport:
        task = {
            "path": path,
            "size": held.size,
            "configuration": configuration
            and {"path": configuration[0], "text": configuration[1]},
            "timeout": timeout,
        }
        timer = None
        if timeout is not None:
            timer = threading.Timer(timeout + _GRACE, self._process.kill)
            timer.daemon = True
            timer.start()
        try:
            self._send(json.dumps(task).encode())
            return self._report(held)
        finally:
            if timer is not None:
                timer.cancel()

    def _report(self, held: Held) -> FileReport:
        reader = RecordReader()
        while True:
            record = self._record()
            kind = record["type"]
            if kind == "read":
                self._serve(held, record["offset"], record["length"])
            elif kind == "done":
                if len(reader.files) != 1:
                    raise ScannerError("The scanner gave no report")
                return reader.files[0]
            elif kind == "failed":
                raise UsageError(record["message"])
            else:
                reader.add(record)

    def _serve(self, held: Held, offset: int, length: int) -> None:
        if not (0 <= offset <= held.size and 0 < length <= _RANGE_BYTES):
            raise ScannerError(f"The scanner asked for {length} bytes at {offset}")
        try:
            data = held.read_at(offset, length)
        except OSError:
            self._write(struct.pack(">I", _UNREADABLE))
            return
        self._send(data)

    def _send(self, data: Any) -> None:
        length = struct.pack(">I", len(data))
        if len(data) <= _JOINED_BYTES:
            self._write(length + bytes(data))
        else:
            self._write(length)
            self._write(data)

    def _write(self, data: Any) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._input.write(rest) :]
        except OSError as error:
            raise self._ended() from error

    def _record(self) -> Dict[str, Any]:
        try:
            line = self._output.readline()
        except OSError as error:
            raise self._ended() from error
        if not line.endswith(b"\n"):
            raise self._ended()
        record = json.loads(line)
        if not isinstance(record, dict) or "type" not in record:
            raise ScannerError("The scanner wrote what is no record")
        return record

    def _ended(self) -> ScannerError:
        self.kill()
        said = b"".join(self._errors).decode("utf-8", "replace").strip()
        return ScannerError(f"The scanner's process ended (code {self._process.returncode}). {said}".strip())

    def kill(self) -> None:
        """Ends the process, at once where it is in the middle of a scan."""
        self._process.kill()
        self._process.wait()
        self._listener.join(1.0)
        for pipe in (self._input, self._output, self._process.stderr):
            try:
                if pipe is not None:
                    pipe.close()
            except (OSError, RuntimeError):
                pass


_lock = threading.Lock()
_idle: List[_Process] = []


def scan_held(
    held: Held,
    *,
    path: str,
    configuration: Configuration = None,
    timeout: Optional[float] = None,
) -> FileReport:
    """Scans bytes that are held.

    ``path`` is what the report says, and its base name claims a format; ``configuration`` is path and text of a
    configuration. Raises UsageError for a wrong configuration, ScannerError when the process fails.
    """
    process = _take()
    try:
        report = process.scan(held, path, configuration, timeout)
    except UsageError:
        _give(process)
        raise
    except BaseException:
        # In the middle of an exchange it is of no more use.
        process.kill()
        raise
    _give(process)
    return report


def _take() -> _Process:
    while True:
        with _lock:
            process = _idle.pop() if _idle else None
        if process is None:
            return _Process()
        if process.alive():
            return process


def _give(process: _Process) -> None:
    with _lock:
        if len(_idle) < _IDLE_KEPT and process.alive():
            _idle.append(process)
            return
    process.kill()


def start_ahead() -> None:
    """Starts a process in the background, where none is idle, so that the first scan finds it."""
    with _lock:
        if _idle:
            return

    def start() -> None:
        try:
            _give(_Process())
        except (ScannerError, OSError):
            # The first scan says why.
            pass

    threading.Thread(target=start, daemon=True).start()


def _end_all() -> None:
    with _lock:
        processes, _idle[:] = list(_idle), []
    for process in processes:
        if process.pid == os.getpid():
            process.kill()


def _forget() -> None:
    # A forked child shares the pipes of its parent's processes and must not use them.
    global _lock
    _lock = threading.Lock()
    _idle.clear()


atexit.register(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
