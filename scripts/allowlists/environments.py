"""Makes throw-away environments with one release of a library, outside the checkout.

The folder is an argument; by default MODELAUDIT_ENVIRONMENTS, or a new temporary folder. uv makes them
where it is installed (its cache is shared by all), pip otherwise. What pip is configured with, such as
a folder of wheels, holds for both.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parent / "libraries.toml"


@dataclass(frozen=True)
class Release:
    """One release of a library and what it is installed with."""

    library: str
    #: None for Python's standard library.
    distribution: str | None
    version: str
    python: str
    needs: tuple[str, ...]
    bare: bool
    #: Python that runs before the library is imported.
    prepare: str
    #: Whether its sources are read, and nothing of it is run.
    source: bool = False

    @property
    def requirements(self) -> list[str]:
        """The requirements given to the installer."""
        own = [] if self.distribution is None else [f"{self.distribution}=={self.version}"]
        return own + list(self.needs)


def releases(libraries: list[str] | None = None) -> list[Release]:
    """The table, or the part of it for some libraries."""
    with TABLE.open("rb") as file:
        table = tomllib.load(file)
    return [
        Release(entry["name"], entry.get("distribution"), each["version"], each["python"],
                tuple(each["needs"].split()), each.get("bare", False), entry.get("prepare", ""),
                each.get("source", False))
        for entry in table["library"] if not libraries or entry["name"] in libraries
        for each in entry["releases"]
    ]


def folder_of_environments(argument: str | None) -> Path:
    """The folder of the argument, the environment variable or the default."""
    folder = argument or os.environ.get("MODELAUDIT_ENVIRONMENTS")
    return Path(folder or tempfile.mkdtemp(prefix="modelaudit-environments-")).resolve()


def interpreter_of(version: str) -> str:
    """A Python of a version, on the path or among pyenv's.

    Raises FileNotFoundError when there is none.
    """
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [shutil.which(f"python{version}"),
             *sorted(map(str, root.glob(f"versions/{version}.*/bin/python")))]
    for each in found:
        # A shim of pyenv may name a Python that is not chosen.
        if each and subprocess.run([each, "-c", ""], capture_output=True).returncode == 0:
            return each
    raise FileNotFoundError(f"Cannot find Python {version}")


def make(release: Release, folder: Path) -> Path:
    """Makes the environment of a release where it is missing; gives its Python.

    Raises subprocess.CalledProcessError when something cannot be installed, FileNotFoundError when there
    is no Python for it.
    """
    place = folder / f"{release.library}-{release.version}"
    python = place / "bin" / "python"
    if (place / "complete").exists():
        return python
    shutil.rmtree(place, ignore_errors=True)
    interpreter = interpreter_of(release.python)
    uv = os.environ.get("UV") or shutil.which("uv")
    options = ["--no-deps"] if release.bare or release.source else []
    if uv is not None:
        run([uv, "venv", "--quiet", "--python", interpreter, str(place)])
        links = [f"--find-links={each}" for each in os.environ.get("PIP_FIND_LINKS", "").split()]
        if release.requirements:
            run([uv, "pip", "install", "--quiet", "--only-binary=:all:", "--python", str(python),
                 *links, *options, *release.requirements])
    else:
        run([interpreter, "-m", "venv", str(place)])
        if release.requirements:
            run([str(python), "-m", "pip", "install", "--quiet", "--only-binary=:all:", *options,
                 *release.requirements])
    (place / "complete").touch()
    return python


def remove(release: Release, folder: Path) -> None:
    """Removes the environment of a release."""
    shutil.rmtree(folder / f"{release.library}-{release.version}", ignore_errors=True)


def run(command: list[str]) -> None:
    """Runs a command with its output on standard error."""
    subprocess.run(command, check=True, stdout=sys.stderr)


def main(arguments: list[str]) -> None:
    """environments.py FOLDER [LIBRARY…]: makes the environments and reports which failed."""
    folder = folder_of_environments(arguments[0] if arguments else None)
    for release in releases(arguments[1:]):
        try:
            print(make(release, folder), flush=True)
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            print(f"cannot make {release.library} {release.version}: {error}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
