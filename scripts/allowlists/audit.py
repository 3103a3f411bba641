"""audit.py [--environments FOLDER] [--results FOLDER] [--again|--kept] [--remove] [LIBRARY…]: audits the allowlists.

For each release in libraries.toml it makes an environment outside the checkout, lets candidates.py
enumerate and examine the release in it (or, of a release with "source", reads the sources: source.py), and
keeps the answer under --results (a temporary folder unless given). What is there already is not made again but with --again, and nothing else is looked at with --kept;
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
from evidence import Answer, listed_names, merge, reached_by_hooks, uses_of_all, write_evidence, write_list  # noqa: E402
from probe import HOOKS  # noqa: E402
from review import REVIEW  # noqa: E402
from source import read_release  # noqa: E402

CANDIDATES = Path(__file__).parent / "candidates.py"
#: What one release may take. The slowest, torch 2.13, takes five minutes on one core.
SECONDS = 3600


def audit(release: Release, python: Path, further: Path) -> dict:
    """The answer of candidates.py for one release.

    Raises subprocess.CalledProcessError when it fails, subprocess.TimeoutExpired when it hangs.
    """
    if release.source:
        [packages] = python.parent.parent.glob("lib/python*/site-packages")
        return read_release(packages, REVIEW[release.library], uses_of_all(release.library), reached_by_hooks(), HOOKS)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "agg",
                   "MODELAUDIT_PREPARE": release.prepare,
                   "TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    with tempfile.TemporaryDirectory(prefix="modelaudit-audit-") as folder:
        done = subprocess.run(
            [str(python), str(CANDIDATES), release.library, str(further)], cwd=folder, check=True,
            env={**environment, "HOME": folder, "TMPDIR": folder}, stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=SECONDS, start_new_session=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environments")
    parser.add_argument("--results")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--kept", action="store_true")
    parser.add_argument("--remove", action="store_true")
    parser.add_argument("libraries", nargs="*")
    options = parser.parse_args()
    environments = folder_of_environments(options.environments)
    results = Path(options.results or tempfile.mkdtemp(prefix="modelaudit-results-"))
    results.mkdir(parents=True, exist_ok=True)
    answers: dict[str, list[Answer]] = {}
    for release in releases(options.libraries):
        kept = results / f"{release.library}-{release.version}.json"
        if options.kept and not kept.exists():
            continue
        if options.again or not kept.exists():
            further = results / f"{release.library}-names.json"
            further.write_text(json.dumps(sorted(listed_names(release.library))))
            try:
                answer = audit(release, make(release, environments), further)
            except (subprocess.SubprocessError, FileNotFoundError) as error:
                print(f"cannot audit {release.library} {release.version}: {error}", file=sys.stderr)
                continue
            finally:
                if options.remove:
                    remove(release, environments)
            kept.write_text(json.dumps(answer))
        answer = json.loads(kept.read_text())
        print(f"{release.library} {release.version}: {len(answer['rows'])} names", flush=True)
        answers.setdefault(release.library, []).append(Answer(release, answer))
    for library, given in answers.items():
        rows = merge(library, given)
        write_evidence(library, given, rows)
        write_list(library, given, rows)


if __name__ == "__main__":
    main()
