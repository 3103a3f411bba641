"""table.py [--environments FOLDER] [--files FOLDER] [LIBRARY…]: how clean honest pickles are.

For each audited release it lets scripts/fixtures/library_pickles.py write pickles of all that the release has
into a folder outside the checkout, scans them, and prints a table: library, release, files, not clean,
dangerous; and below it what the files that are not clean name. Files that are there already are kept.
The oldest and the newest release of a library write every protocol from 2 to 5, those between 2 and 5 alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from environments import Release, folder_of_environments, make, releases  # noqa: E402

ROOT = Path(__file__).parent.parent.parent
WRITER = ROOT / "scripts" / "fixtures" / "library_pickles.py"
#: Lists without pickles of their own.
WITHOUT = ("hub", "stable-baselines3", "statsmodels_hooks", "torchvision_hooks")
#: Subjects of findings that are shown for a release.
SHOWN = 12


def protocols(release: Release) -> str:
    """The pickle protocols that a release writes, a digit each."""
    same = releases([release.library])
    return "2345" if release in (same[0], same[-1]) else "25"


def write_files(release: Release, python: Path, folder: Path) -> None:
    """Lets the release write its pickles. Raises subprocess.SubprocessError when it cannot."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "agg",
                   "MODELAUDIT_PREPARE": release.prepare}
    with tempfile.TemporaryDirectory(prefix="modelaudit-pickles-") as home:
        subprocess.run([str(python), str(WRITER), release.library, str(folder), protocols(release)],
                       check=True, cwd=home, env={**environment, "HOME": home}, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=1800)


def scan(folder: Path) -> dict:
    """The report of a scan of a folder."""
    done = subprocess.run(
        [str(ROOT / "scripts" / "modelaudit"), "scan", "--format", "json", "--max-issues", "1000000",
         str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(done.stdout)


def subjects(report: dict) -> Counter:
    """What issues above info are about, by rule and name."""
    found: Counter = Counter()
    for issue in report["issues"]:
        if issue["severity"] != "info":
            details = issue.get("details") or {}
            name = details.get("applied_to") or details.get("global") or issue["message"][:80]
            found[f"{issue['rule_id']} {name}"] += 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environments")
    parser.add_argument("--files")
    parser.add_argument("libraries", nargs="*")
    options = parser.parse_args()
    environments = folder_of_environments(options.environments)
    files = Path(options.files or tempfile.mkdtemp(prefix="modelaudit-library-pickles-"))
    total: Counter = Counter()
    print("| library | release | files | not clean | dangerous |\n| --- | --- | --: | --: | --: |")
    below = []
    for release in releases(options.libraries):
        if release.library in WITHOUT:
            continue
        folder = files / f"{release.library}-{release.version}"
        try:
            if not folder.exists():
                write_files(release, make(release, environments), folder)
            report = scan(folder)
        except (subprocess.SubprocessError, FileNotFoundError) as error:
            print(f"cannot write {folder.name}: {error}", file=sys.stderr)
            continue
        verdicts = Counter(asset["verdict"] for asset in report["assets"])
        row = (sum(verdicts.values()), sum(verdicts.values()) - verdicts["clean"], verdicts["dangerous"])
        print(f"| {release.library} | {release.version} | {row[0]} | {row[1]} | {row[2]} |", flush=True)
        total.update(dict(zip(("files", "not clean", "dangerous"), row)))
        below += [f"{folder.name}: {count} × {subject}"
                  for subject, count in subjects(report).most_common(SHOWN)]
    print(f"| all | | {total['files']} | {total['not clean']} | {total['dangerous']} |\n")
    print("\n".join(below))


if __name__ == "__main__":
    main()
