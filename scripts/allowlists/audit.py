"""audit.py [--environments FOLDER] [--results FOLDER] [--again|--kept|--added] [--remove] [LIBRARY…]: audits the allowlists.

For each release in libraries.toml it makes an environment outside the checkout, lets candidates.py
enumerate and examine the release in it (or, of a release with "source", reads the sources: source.py), and
keeps the answer under --results (a temporary folder unless given). What is there already is not made again but with --again, and nothing else is looked at with --kept;
with --added a release answers for names that the evidence has not, and the evidence for the others;
--remove removes each environment after use.
At the end it writes rules/evidence/LIBRARY.tsv and rules/safe/LIBRARY.toml from all answers.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from environments import Release, folder_of_environments, make, releases, remove  # noqa: E402
from evidence import Answer, listed_names, merge, reached_by_hooks, rows_before, uses_of_all, write_evidence, write_list  # noqa: E402
from probe import HOOKS  # noqa: E402
from review import REVIEW  # noqa: E402
from source import read_release  # noqa: E402

CANDIDATES = Path(__file__).parent / "candidates.py"
#: What one release may take. The slowest, torch 2.13, takes five minutes on one core.
SECONDS = 3600


def audit(release: Release, python: Path, further: Path, calls: bool = False, but: "Path | None" = None) -> dict:
    """The answer of candidates.py for one release; with `calls` for the names of a file alone, which are called;
    without those of the file `but`.

    Raises subprocess.CalledProcessError when it fails, subprocess.TimeoutExpired when it hangs.
    """
    if release.source:
        [packages] = python.parent.parent.glob("lib/python*/site-packages")
        return read_release(packages, REVIEW[release.library], uses_of_all(release.library), reached_by_hooks(), HOOKS)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "agg",
                   "MODELAUDIT_PREPARE": release.prepare, "MODELAUDIT_KNOWN": str(but or ""),
                   "TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    with tempfile.TemporaryDirectory(prefix="modelaudit-audit-") as folder:
        done = subprocess.run(
            [str(python), str(CANDIDATES), release.library, str(further), *(["called"] if calls else [])], cwd=folder, check=True,
            env={**environment, "HOME": folder, "TMPDIR": folder}, stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=SECONDS, start_new_session=True)
    return json.loads(done.stdout)


def not_called(answers: list[Answer]) -> list[set[tuple[str, str]]]:
    """For each answer the names that it did not call, since its release only restores them, and another one calls."""
    called = {(row["module"], row["name"]) for given in answers for row in given.answer["rows"] if row["use"] == "called"}
    return [{(row["module"], row["name"]) for row in given.answer["rows"] if row["call"] == ["-"]} & called
            for given in answers]


def call_too(given: Answer, names: set[tuple[str, str]], environments: Path, kept: Path) -> None:
    """Calls names in a release, too, and puts what that showed into its answer.

    Raises what `audit` does.
    """
    further = kept.with_name(f"{given.release.library}-called.json")
    further.write_text(json.dumps(sorted(names)))
    rows = audit(given.release, make(given.release, environments), further, calls=True)["rows"]
    found = {(row["module"], row["name"]): row["call"] for row in rows}
    for row in given.answer["rows"]:
        key = (row["module"], row["name"])
        row["call"] = found[key] if key in names else row["call"]
    kept.write_text(json.dumps(given.answer))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environments")
    parser.add_argument("--results")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--kept", action="store_true")
    parser.add_argument("--added", action="store_true")
    parser.add_argument("--remove", action="store_true")
    parser.add_argument("libraries", nargs="*")
    options = parser.parse_args()
    environments = folder_of_environments(options.environments)
    results = Path(options.results or tempfile.mkdtemp(prefix="modelaudit-results-"))
    results.mkdir(parents=True, exist_ok=True)
    wanted = releases(options.libraries)
    for library in dict.fromkeys(each.library for each in wanted):
        given = []
        for release in wanted:
            kept = results / f"{library}-{release.version}.json"
            if release.library != library or (options.kept and not kept.exists()):
                continue
            if options.again or not kept.exists():
                further = results / f"{library}-names.json"
                further.write_text(json.dumps(sorted(listed_names(library))))
                before = rows_before(release) if options.added and not release.source else []
                known = results / f"{library}-known.json"
                known.write_text(json.dumps([[row["module"], row["name"]] for row in before]))
                try:
                    answer = audit(release, make(release, environments), further, but=known)
                    kept.write_text(json.dumps({**answer, "rows": answer["rows"] + before}))
                except (subprocess.SubprocessError, FileNotFoundError) as error:
                    print(f"cannot audit {library} {release.version}: {error}", file=sys.stderr)
                    continue
            given.append(Answer(release, json.loads(kept.read_text())))
            print(f"{library} {release.version}: {len(given[-1].answer['rows'])} names", flush=True)
        for each, names in zip(given, not_called(given)):
            try:
                if names:
                    call_too(each, names, environments, results / f"{library}-{each.release.version}.json")
            except (subprocess.SubprocessError, FileNotFoundError) as error:
                print(f"cannot call what {library} {each.release.version} restores: {error}", file=sys.stderr)
        for release in wanted:
            if options.remove and release.library == library:
                remove(release, environments)
        if given:
            rows = merge(library, given)
            write_evidence(library, given, rows)
            write_list(library, given, rows)


if __name__ == "__main__":
    main()
