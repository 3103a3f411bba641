"""How the program in this package is started: Deno, with the permissions that a scan needs and no others."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from typing import List, Optional, Sequence

from ._errors import ScannerError

_HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(_HERE, "_program")

# Options that name something to fetch.
_REMOTE_OPTIONS = ("--url", "--hf")

# Nothing that lies in the working directory has a say, and nothing is fetched or asked.
_FLAGS = (
    "run",
    "--quiet",
    "--no-prompt",
    "--no-check",
    "--no-remote",
    "--cached-only",
    "--no-lock",
    "--no-config",
    "--node-modules-dir=none",
)

_found: Optional[str] = None
_lock = threading.Lock()


def deno_path() -> str:
    """The Deno to run: that of the ``deno`` package, else the one on PATH.

    Raises ScannerError where there is none.
    """
    global _found
    # The first call of sysconfig, by which it is found, is not safe in two threads.
    with _lock:
        if _found is None:
            _found = _find()
        return _found


def _find() -> str:
    try:
        from deno import find_deno_bin  # type: ignore[import-untyped]

        return str(find_deno_bin())
    except (ImportError, OSError, TypeError):
        pass
    found = shutil.which("deno")
    if found is not None:
        return found
    raise ScannerError(
        "Cannot start the scanner: there is no Deno. Install it with `pip install deno`"
        + (
            " (under Python 3.9: `pip install --ignore-requires-python deno`), or put Deno 2.9 on PATH."
            if sys.version_info < (3, 10)
            else ", or put Deno 2.9 on PATH."
        )
    )


def _is_remote(argument: str, schemes: Sequence[str]) -> bool:
    return argument.partition("://")[0].lower() in schemes and "://" in argument or any(
        argument == option or argument.startswith(option + "=") for option in _REMOTE_OPTIONS
    )


def command_line(arguments: Sequence[str]) -> List[str]:
    """The whole command that runs the command line with these arguments.

    It may read files and a few environment variables; the network only where an argument names something
    to fetch, writing only for the files of ``--output``, until they are open.
    """
    from ._version import ENVIRONMENT, NETWORK_ENVIRONMENT, REMOTE_SCHEMES

    network = any(_is_remote(it, REMOTE_SCHEMES) for it in arguments) and "--offline" not in arguments
    write = any(it == "--output" or it.startswith("--output=") for it in arguments)
    names = [*ENVIRONMENT, *(NETWORK_ENVIRONMENT if network else ())]
    return [
        deno_path(),
        *_FLAGS,
        "--allow-read",
        "--allow-env=" + ",".join(names),
        *(["--allow-net", "--allow-sys=ca"] if network else []),
        *(["--allow-write"] if write else []),
        os.path.join(PROGRAM, "cli.js"),
        *arguments,
    ]


def guard_command() -> List[str]:
    """The command of the process that scans for the guard. It may read its own program and nothing else."""
    return [deno_path(), *_FLAGS, "--allow-read=" + PROGRAM, os.path.join(PROGRAM, "guard.js")]
