"""table.py [--environments FOLDER] [--files FOLDER] [--rows FOLDER] [--seconds N] [--again|--kept] [--remove] [--document]
[LIBRARY…]: how clean honest pickles are.

For each audited release it lets scripts/fixtures/library_pickles.py write pickles of all that the release has
into a folder outside the checkout, scans them, and prints a table: library, release, files, not clean,
dangerous; and below it what the files that are not clean name. Files that are there already are kept; so are rows,
but with --again, and --remove removes files and environment behind a row; with --kept nothing else is looked at.
--document writes a line for each library into docs/allowlists.md.
The oldest and the newest release of a library write every protocol from 2 to 5, those between 2 and 5 alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from environments import Release, folder_of_environments, make, releases, remove  # noqa: E402

ROOT = Path(__file__).parent.parent.parent
WRITER = ROOT / "scripts" / "fixtures" / "library_pickles.py"
DOCUMENT = ROOT / "docs" / "allowlists.md"
#: What stands above the lines of libraries there, and the first line behind them.
HEAD = "| library | releases | files | not clean | dangerous |\n| --- | --- | --: | --: | --: |\n"
#: Lists without pickles of their own.
WITHOUT = ("hub", "flair_hooks", "lightning_hooks", "monai_hooks", "sktime_hooks",
           "statsmodels_hooks", "timm_hooks", "torchvision_hooks")
#: Subjects of findings that are kept for a release.
SHOWN = 12


def protocols(release: Release) -> str:
    """The pickle protocols that a release writes, a digit each."""
    same = releases([release.library])
    return "2345" if release in (same[0], same[-1]) else "25"


def write_files(release: Release, python: Path, folder: Path, seconds: float) -> str:
    """Lets the release write its pickles until its time is over; gives what the writer says of them."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "agg",
                   "MODELAUDIT_PREPARE": release.prepare, "MODELAUDIT_SECONDS": str(seconds),
                   "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "WANDB_MODE": "disabled", "POLARS_MAX_THREADS": "1",
                   "RAYON_NUM_THREADS": "1"}
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="modelaudit-pickles-") as home:
        try:
            done = subprocess.run(
                [str(python), str(WRITER), release.library, str(partial), protocols(release)], cwd=home,
                env={**environment, "HOME": home, "TMPDIR": home}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, timeout=seconds, text=True, errors="replace")
            said = done.stdout.strip().rpartition("\n")[2] or done.stderr.strip()[-400:]
        except subprocess.TimeoutExpired:
            said = "its time was over"
    # What it was writing when it ended.
    for part in partial.glob("*.part"):
        part.unlink()
    partial.rename(folder)
    return said


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


def row_of(release: Release, files: Path, environments: Path, seconds: float) -> dict:
    """The row of a release.

    Raises subprocess.SubprocessError when its environment cannot be made, FileNotFoundError without a Python for it.
    """
    folder = files / f"{release.library}-{release.version}"
    said = "files from before"
    if not folder.exists():
        said = write_files(release, make(release, environments, run_it=True), folder, seconds)
    report = scan(folder)
    verdicts = Counter(asset["verdict"] for asset in report["assets"])
    # Tables and texts beside a model are none.
    looked = sum(verdicts.values()) - verdicts["skipped"]
    return {"library": release.library, "release": release.version, "files": looked,
            "not clean": looked - verdicts["clean"], "dangerous": verdicts["dangerous"], "said": said,
            "subjects": subjects(report).most_common(SHOWN)}


def line_of(library: str, rows: "list[dict]") -> str:
    """The line of a library in the document, from the rows of its releases that have files."""
    count = {name: f"{sum(row[name] for row in rows):,}" for name in ("files", "not clean", "dangerous")}
    return f"| {library} | {', '.join(row['release'] for row in rows)} | {' | '.join(count.values())} |"


def write_document(rows: "dict[str, list[dict]]", path: Path = DOCUMENT) -> None:
    """Puts lines of libraries into the document, in the place of those that they have, and in the order of names."""
    before, head, behind = path.read_text(encoding="utf-8").partition(HEAD)
    assert head, f"{path} has no table"
    table, _, after = behind.partition("\n\n")
    lines = {line.split(" | ")[0]: line for line in table.splitlines()}
    lines |= {f"| {library}": line_of(library, found) for library, found in rows.items() if found}
    text = "\n".join(lines[name] for name in sorted(lines, key=str.lower))
    path.write_text(f"{before}{head}{text}\n\n{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environments")
    parser.add_argument("--files")
    parser.add_argument("--rows")
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--kept", action="store_true")
    parser.add_argument("--remove", action="store_true")
    parser.add_argument("--document", action="store_true")
    parser.add_argument("libraries", nargs="*")
    options = parser.parse_args()
    environments = folder_of_environments(options.environments)
    files = Path(options.files or tempfile.mkdtemp(prefix="modelaudit-library-pickles-"))
    rows = Path(options.rows or tempfile.mkdtemp(prefix="modelaudit-rows-"))
    rows.mkdir(parents=True, exist_ok=True)
    total: Counter = Counter()
    print("| library | release | files | not clean | dangerous |\n| --- | --- | --: | --: | --: |")
    below = []
    of_library: "dict[str, list[dict]]" = {}
    for release in releases(options.libraries):
        if release.library in WITHOUT:
            continue
        kept = rows / f"{release.library}-{release.version}.json"
        if options.kept and not kept.exists():
            continue
        if options.again or not kept.exists():
            try:
                kept.write_text(json.dumps(row_of(release, files, environments, options.seconds)))
            except (subprocess.SubprocessError, FileNotFoundError, ValueError) as error:
                print(f"cannot write {release.library} {release.version}: {error}", file=sys.stderr)
                continue
            if options.remove:
                shutil.rmtree(files / f"{release.library}-{release.version}", ignore_errors=True)
                remove(release, environments)
        row = json.loads(kept.read_text())
        counts = {name: row[name] for name in ("files", "not clean", "dangerous")}
        print(f"| {release.library} | {release.version} | {' | '.join(map(str, counts.values()))} |", flush=True)
        total.update(counts)
        of_library.setdefault(release.library, []).extend([row] if row["files"] > 0 else [])
        below += [f"{release.library}-{release.version}: {row['said'][:200]}",
                  *(f"{release.library}-{release.version}: {count} × {subject}" for subject, count in row["subjects"])]
    print(f"| all | | {total['files']} | {total['not clean']} | {total['dangerous']} |\n")
    print("\n".join(below))
    if options.document:
        write_document(of_library)


if __name__ == "__main__":
    main()
