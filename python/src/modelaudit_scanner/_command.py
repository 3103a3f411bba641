"""The console command: the command line of the program, started by the installed Deno."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from ._deno import command_line
from ._errors import ScannerError


def main() -> NoReturn:
    """Runs the command line with the arguments of this process, and ends with its exit code."""
    try:
        command = command_line(sys.argv[1:])
    except ScannerError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    if os.name != "nt":
        os.execv(command[0], command)
    import subprocess

    process = subprocess.Popen(command)
    while True:
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:
            # The console sends Ctrl-C to both; the program ends with its report.
            continue


if __name__ == "__main__":
    main()
