"""Installs the built wheel into fresh environments and runs the tests in each: scripts/test-wheel calls this."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

FRAMEWORKS = {
    "quick": ["numpy", "joblib"],
    "all": ["numpy", "joblib", "keras", "jax", "h5py", "huggingface_hub", "dill", "pandas"],
}
PYTHONS = {"quick": [sys.executable], "all": ["python3.9", "python3.13"]}
INSTALLERS = {"quick": ["pip"], "all": ["pip", "uv"]}


def run(*command, **options):
    """Runs a program; gives whether it succeeded, and what it wrote."""
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", **options)
    return ran.returncode == 0, ran.stdout


def must(*command, **options):
    succeeded, text = run(*command, **options)
    if not succeeded:
        raise RuntimeError(f"{' '.join(command)}\n{text}")
    return text


def version_of(python):
    """(major, minor) of a Python; None where it does not run."""
    with contextlib.suppress(OSError):
        succeeded, text = run(python, "-c", "import sys; print(*sys.version_info[:2])")
        if succeeded:
            major, minor = text.split()
            return int(major), int(minor)
    return None


def interpreter(folder):
    return os.path.join(folder, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))


class Environments:
    def __init__(self, root, mode, folder):
        self.root, self.mode, self.folder = root, mode, folder
        self.python = os.path.join(folder, "tools")
        self.passed = self.failed = self.skipped = 0

    def tools(self):
        """An environment with uv; False where no index of packages is at hand."""
        must(sys.executable, "-m", "venv", self.python)
        wanted = ["uv"] if "uv" in INSTALLERS[self.mode] else ["deno"]
        succeeded, text = run(interpreter(self.python), "-m", "pip", "install", "--quiet", *wanted)
        if not succeeded:
            print(text)
        return succeeded

    def wheel(self):
        must("make", "-s", "-C", self.root, "wheel", env={**os.environ, "PYTHON": interpreter(self.python)})
        built = os.path.join(self.root, "dist", "python")
        return [os.path.join(built, name) for name in os.listdir(built) if name.endswith(".whl")][0]

    def install(self, installer, python, wheel, extra):
        """A fresh environment with the wheel; gives its Python."""
        version = version_of(python)
        name = f"{installer}-{version[0]}.{version[1]}{'-torch' if extra else ''}"
        home = os.path.join(self.folder, name)
        frameworks = [*FRAMEWORKS[self.mode], *extra]
        # The package deno asks for 3.10, and runs under 3.9.
        old = version < (3, 10)
        if installer == "pip":
            must(python, "-m", "venv", home)
            pip = [interpreter(home), "-m", "pip", "install", "--quiet"]
            must(*pip, wheel, *frameworks)
            if old:
                must(*pip, "--ignore-requires-python", "deno")
        else:
            uv = os.path.join(os.path.dirname(interpreter(self.python)), "uv")
            path = must(python, "-c", "import sys; print(sys.executable)").strip()
            must(uv, "venv", "--quiet", "--python", path, home)
            must(uv, "pip", "install", "--quiet", "--python", interpreter(home), wheel, *frameworks)
        return name, interpreter(home), old and installer != "pip"

    def test(self, name, python, deno_on_path):
        """Runs the tests as they are, in a folder of their own, without a network where that can be had."""
        tests = os.path.join(self.folder, name + "-tests")
        shutil.copytree(os.path.join(self.root, "python", "tests"), tests)
        environment = {
            key: value
            for key, value in os.environ.items()
            if key.upper() not in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "PYTHONPATH")
        }
        environment.update(KERAS_BACKEND="jax", HOME=tests, HF_HUB_DISABLE_TELEMETRY="1", ROOT=self.root)
        if deno_on_path:
            environment["PATH"] = self.deno_folder() + os.pathsep + environment["PATH"]
        apart = ["unshare", "--map-root-user", "--net"]
        command = [python, os.path.join(tests, "run.py")]
        with contextlib.suppress(OSError):
            if run(*apart, "true")[0]:
                # Servers of tests are on the loopback interface of the namespace.
                command = [*apart, "sh", "-c", 'ip link set lo up 2> /dev/null; exec "$@"', "sh", *command]
        _, text = run(*command, cwd=tests, env=environment)
        print(f"== {name}\n{text}", flush=True)
        counts = re.findall(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", text, re.M)
        self.add(*(map(int, counts[-1]) if counts else (0, 1, 0)))

    def deno_folder(self):
        with open(os.path.join(self.root, ".cache", "deno-path"), encoding="utf-8") as file:
            return os.path.dirname(os.path.join(self.root, file.read().strip()))

    def add(self, passed, failed, skipped):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped


def main(root, mode):
    if mode not in FRAMEWORKS:
        sys.exit(f"usage: scripts/test-wheel [{'|'.join(FRAMEWORKS)}]")
    pythons = os.environ.get("PYTHONS", "").split() or [it for it in PYTHONS[mode] if version_of(it)] or [sys.executable]
    torch = os.environ.get("TORCH", "").split()
    with tempfile.TemporaryDirectory(prefix="modelaudit-wheel-") as folder:
        environments = Environments(root, mode, folder)
        if not environments.tools():
            print("no index of Python packages is at hand\n0 passed, 0 failed, 1 skipped")
            return 0
        wheel = environments.wheel()
        rounds = [(installer, python, []) for python in pythons for installer in INSTALLERS[mode]]
        if torch:
            rounds.append(("pip", os.environ.get("TORCH_PYTHON", sys.executable), torch))
        for installer, python, extra in rounds:
            try:
                environments.test(*environments.install(installer, python, wheel, extra))
            except RuntimeError as error:
                print(f"== {installer}, {python}: cannot be installed\n{error}")
                environments.add(0, 1, 0)
    print(f"{environments.passed} passed, {environments.failed} failed, {environments.skipped} skipped")
    return environments.failed != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
