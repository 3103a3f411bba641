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
    #: What it needs to be run where only its sources are read: to write pickles.
    runs: tuple[str, ...] = ()
    #: Whether there is no wheel, and its own setup.py builds it.
    build: bool = False

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
                each.get("source", False), tuple(each.get("runs", each["needs"]).split()), each.get("build", False))
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


#: The last pip that runs a setup.py by itself, and what those of old releases expect to be there.
BUILD = ("pip==23.0.1", "setuptools<70", "wheel")


def make(release: Release, folder: Path, run_it: bool = False) -> Path:
    """Makes the environment of a release where it is missing; gives its Python. With `run_it` one that is only read
    gets all that it needs to be run, in an environment of its own, and each has joblib.

    Raises subprocess.CalledProcessError when something cannot be installed, FileNotFoundError when there
    is no Python for it.
    """
    whole = run_it and release.source
    place = folder / f"{release.library}-{release.version}{'-run' if whole else ''}"
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        interpreter = interpreter_of(release.python)
        uv = uv_command()
        run([uv, "venv", "--quiet", "--python", interpreter, str(place)] if uv is not None else
            [interpreter, "-m", "venv", str(place)])
        requirements = [release.requirements[0], *release.runs] if whole else release.requirements
        bare = release.bare or (release.source and not whole)
        if release.build:
            install(python, [*requirements[1:], *BUILD])
            run([str(python), "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", requirements[0]])
        elif requirements:
            install(python, requirements, ["--no-deps"] if bare else [])
        (place / "complete").touch()
    if run_it and subprocess.run([str(python), "-c", "import joblib"], capture_output=True).returncode != 0:
        install(python, ["joblib"])
    return python


def uv_command() -> "str | None":
    """uv, where it is installed."""
    return os.environ.get("UV") or shutil.which("uv")


def install(python: Path, requirements: "list[str]", options: "list[str]" = []) -> None:
    """Installs wheels."""
    uv = uv_command()
    if uv is not None:
        links = [f"--find-links={each}" for each in os.environ.get("PIP_FIND_LINKS", "").split()]
        command = [uv, "pip", "install", "--python", str(python), *links]
    else:
        command = [str(python), "-m", "pip", "install"]
    run([*command, "--quiet", "--only-binary=:all:", *options, *requirements])


def remove(release: Release, folder: Path) -> None:
    """Removes the environments of a release."""
    for ending in ("", "-run"):
        shutil.rmtree(folder / f"{release.library}-{release.version}{ending}", ignore_errors=True)


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
