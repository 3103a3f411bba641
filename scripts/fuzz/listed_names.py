"""The names of an allowlist that may be called or restored, as real objects, for the metamorphic oracle."""

import importlib
import sys
import tomllib
import warnings
from pathlib import Path

RULES = Path(__file__).parent.parent.parent / "rules"
SAFE, EVIDENCE = RULES / "safe", RULES / "evidence"


def listed_names(asked):
    """
    Objects by module and name: "1" asks for those of all lists, lines of "LIST:FROM:TO:PATH" for names of some, PATH
    for more folders of modules.

    What may be restored and cannot be imported here is a class without methods of its own, which is what an audit by
    source has established of it; so is all that was audited by source alone, unless folders are named. Importing that
    takes most of the time.
    """
    if asked == "1":
        return {name: value for file in sorted(SAFE.glob("*.toml")) for name, value in objects(names_of(file))}
    names, read = [], set()
    for line in asked.splitlines():
        library, first, last, path = line.split(":", 3)
        sys.path += filter(None, path.split(":"))
        names += names_of(SAFE / f"{library}.toml")[int(first):int(last)]
        read |= set() if path else read_alone(EVIDENCE / f"{library}.tsv")
    found = dict(objects(each for each in names if each[:2] not in read))
    for module, name, use in names:
        if use == "restored" and (module, name) not in found:
            found[module, name] = type(name.rpartition(".")[2], (), {"__module__": module})
    return found


def read_alone(file):
    """Names of which the evidence is a class that was read and not run."""
    found, module = set(), ""
    for line in file.read_text(encoding="utf-8").splitlines():
        cells = line.split("\t")
        if line.startswith("["):
            module = line[1:-1]
        elif cells[2:3] == ["source"]:
            found.add((module, cells[0]))
    return found


def names_of(file):
    """Module, name and use of what a list allows to call or restore."""
    with file.open("rb") as opened:
        table = tomllib.load(opened)
    return [(module, name, use) for use in ("filled", "called", "restored")
            for module, names in sorted(table.get(use, {}).items()) for name in names]


def objects(names):
    """Names that can be imported, with what they are."""
    warnings.simplefilter("ignore")
    for module, name, _ in names:
        try:
            value = importlib.import_module(module)
            for part in name.split("."):
                value = getattr(value, part)
            yield (module, name), value
        except (Exception, SystemExit):
            pass
