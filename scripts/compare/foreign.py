"""Gets what other scanners publish to test themselves by, without running any of it.

    python foreign.py SDISTS SITE_PACKAGES OUT

From the source distributions in SDISTS it unpacks files that are data into OUT/samples/NAME; from
the installed packages it reads the lists of forbidden globals, as text, by Python's own parser, and
writes OUT/lists.json: {scanner: [[module, name], …]}. A "*" stays a "*".
"""

import ast
import json
import pathlib
import sys
import tarfile

# Where in its source distribution a scanner keeps samples.
SAMPLES = {"modelaudit": "tests/assets/"}
# Never unpacked: generators and what is not a sample.
NOT_SAMPLES = {".py", ".pyc", ".md"}
LIMIT = 64 * 2**20


def unpack(sdist: pathlib.Path, out: pathlib.Path) -> None:
    name = sdist.name.split("-")[0]
    inside = SAMPLES.get(name)
    if inside is None:
        return
    with tarfile.open(sdist) as archive:
        for member in archive:
            path = pathlib.PurePosixPath(*pathlib.PurePosixPath(member.name).parts[1:])
            text = path.as_posix()
            if not member.isfile() or not text.startswith(inside) or ".." in path.parts:
                continue
            if path.suffix in NOT_SAMPLES or member.size > LIMIT:
                continue
            target = out / "samples" / name / text.removeprefix(inside)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.extractfile(member).read())


def literals(path: pathlib.Path) -> dict:
    """Values of assignments and dictionary entries that are literals, by name."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        pairs = []
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            pairs = [(node.targets[0].id, node.value)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            pairs = [(node.target.id, node.value)]
        elif isinstance(node, ast.Dict):
            pairs = [(k.value, v) for k, v in zip(node.keys, node.values) if isinstance(k, ast.Constant)]
        for name, value in pairs:
            if isinstance(value, ast.Call) and len(value.args) == 1:
                value = value.args[0]  # frozenset([…])
            try:
                if isinstance(name, str):
                    found.setdefault(name, ast.literal_eval(value))
            except (ValueError, TypeError):
                continue
    return found


def entries(table) -> list:
    if isinstance(table, dict):
        return [
            [module, name]
            for module, names in table.items()
            for name in ([names] if isinstance(names, str) else sorted(names))
        ]
    return [[module, "*"] for module in sorted(table)]


def lists(site: pathlib.Path) -> dict:
    modelscan = literals(site / "modelscan/settings.py")["unsafe_globals"]
    return {
        "picklescan": entries(literals(site / "picklescan/scanner.py")["_unsafe_globals"]),
        "modelscan": [one for level in modelscan.values() for one in entries(level)],
        "modelaudit (Python)": entries(
            literals(site / "modelaudit/detectors/suspicious_symbols.py")["SUSPICIOUS_GLOBALS"]
        ),
        "fickling": entries(literals(site / "fickling/fickle.py")["UNSAFE_IMPORTS"])
        + entries(literals(site / "fickling/analysis.py")["UNSAFE_IMPORTS"]),
    }


def main() -> None:
    sdists, site, out = (pathlib.Path(argument) for argument in sys.argv[1:4])
    for sdist in sorted(sdists.glob("*.tar.gz")):
        unpack(sdist, out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "lists.json").write_text(json.dumps(lists(site), indent=1))


main()
