"""Scans by the command line, whose NDJSON is read while the scan goes on."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from typing import IO, Any, Callable, List, Literal, Optional, Sequence, Union

from ._deno import command_line
from ._errors import ScannerError, UsageError
from ._report import FileReport, Progress, RecordReader, Report
from ._held import hold_buffer
from ._scanner import Configuration, read_configuration, scan_held

Input = Union[str, "os.PathLike[str]"]


def scan(
    *inputs: Input,
    config: Union[Input, Literal[False], None] = None,
    fail_on: Optional[str] = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    timeout: Optional[float] = None,
    hash: bool = False,
    progress: Optional[Callable[[Progress], None]] = None,
    options: Sequence[str] = (),
) -> Report:
    """Scans files, folders and what is remote (``hf://org/model``, ``https://…``), and gives the report.

    ``config`` names a configuration; False uses none, None the one that the command line finds. ``timeout`` is in
    seconds and for the whole scan. ``progress`` is called after each file; what it raises ends the scan.
    ``options`` are further options of the command line. What is wrong with a file is in the report; nothing is
    raised for it.

    Raises UsageError for what cannot be asked for, ScannerError when the scanner cannot run to its end.
    """
    arguments = ["scan", "--format", "ndjson", "--no-progress"]
    if config is False:
        arguments.append("--no-config")
    elif config is not None:
        arguments += ["--config", os.fspath(config)]
    if fail_on is not None:
        arguments += ["--fail-on", fail_on]
    if timeout is not None:
        arguments += ["--timeout", str(timeout)]
    if hash:
        arguments.append("--hash")
    for glob in include:
        arguments += ["--include", glob]
    for glob in exclude:
        arguments += ["--exclude", glob]
    paths = [_argument(it) for it in inputs]
    return _run([*arguments, *options, "--", *paths], progress)


def scan_bytes(
    data: Any,
    name: str = "bytes",
    *,
    config: Optional[Input] = None,
    timeout: Optional[float] = None,
) -> FileReport:
    """Scans bytes, or any object with a buffer, in a process that stays for the next scan.

    ``name`` is for the report, and says what the bytes claim to be: what is named ``model.pkl`` and is no pickle is
    not clean. Raises UsageError for a wrong configuration, ScannerError when the scanner cannot run to its end.
    """
    text = None if config is None else read_configuration(config)
    held = hold_buffer(data)
    return scan_held(held, path=name, configuration=text, timeout=timeout)


def _argument(given: Input) -> str:
    """An input as an argument: ``-`` is a file of that name, since nothing is read from standard input."""
    text = os.fspath(given)
    if not isinstance(text, str):
        raise TypeError(f"Cannot scan {type(given).__name__}: give a path as text, or use scan_bytes")
    return os.path.join(".", text) if text == "-" else text


def _run(arguments: List[str], progress: Optional[Callable[[Progress], None]]) -> Report:
    process = subprocess.Popen(
        command_line(arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    said: List[str] = []
    assert process.stdout is not None and process.stderr is not None
    errors = process.stderr
    listener = threading.Thread(target=lambda: said.append(errors.read()), daemon=True)
    listener.start()
    reader = RecordReader()
    try:
        _read(process.stdout, reader, progress)
    except BaseException:
        process.kill()
        raise
    finally:
        code = process.wait()
        listener.join()
        process.stdout.close()
        errors.close()
    message = "".join(said).strip()
    if reader.start is None and code == 2 and message.startswith("error: "):
        raise UsageError(message[len("error: ") :])
    if reader.start is None or reader.summary is None:
        raise ScannerError(f"The scanner ended with code {code} before its report was complete. {message}".strip())
    return reader.report()


def _read(
    lines: IO[str], reader: RecordReader, progress: Optional[Callable[[Progress], None]]
) -> None:
    done = 0
    for line in lines:
        try:
            file = reader.add(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise ScannerError(f"The scanner wrote what is no record: {line[:200]!r}") from error
        if file is not None:
            done += file.size or 0
            if progress is not None:
                progress(Progress(file, len(reader.files), done))


def convert(report: str, format: str) -> str:
    """Another format of a JSON report, without a second scan."""
    ran = subprocess.run(
        command_line(["convert", "-", "--format", format]),
        input=report,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    if ran.returncode != 0:
        raise ScannerError(f"Cannot write the report as {format}: {ran.stderr.strip()}")
    return ran.stdout


def scan_policy(path: str, configuration: Configuration, timeout: Optional[float]) -> Sequence[FileReport]:
    """The files of a folder by the configuration of a guard, whose text was read when the guard was made.

    Raises ScannerError for what could not be looked at.
    """
    with tempfile.TemporaryDirectory(prefix="modelaudit-") as folder:
        config: Union[Input, Literal[False]] = False
        if configuration is not None:
            config = os.path.join(folder, os.path.basename(configuration[0]))
            with open(config, "x", encoding="utf-8") as file:
                file.write(configuration[1])
        report = scan(os.path.join(os.curdir, path), config=config, timeout=timeout, options=["--follow-symlinks"])
    if report.errors:
        raise ScannerError(report.errors[0].message)
    return report.files
