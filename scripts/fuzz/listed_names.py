"""The names of an allowlist that may be called or restored, as real objects, for the metamorphic oracle."""

import importlib
import sys
import tomllib
import warnings
from pathlib import Path

SAFE = Path(__file__).parent.parent.parent / "rules" / "safe"


def listed_names(asked):
    """
    Objects by module and name: "1" asks for those of all lists, lines of "LIST:FROM:TO:PATH" for names of some, PATH
    for more folders of modules.

    What cannot be imported here is a class without methods of its own if it may be restored, which is what an
    audit by source has established of it.
    """
    if asked == "1":
        return {name: value for file in sorted(SAFE.glob("*.toml")) for name, value in objects(names_of(file))}
    names = []
    for line in asked.splitlines():
        name, first, last, path = line.split(":", 3)
        sys.path += filter(None, path.split(":"))
        names += names_of(SAFE / f"{name}.toml")[int(first):int(last)]
    found = dict(objects(names))
    for module, name, use in names:
        if use == "restored" and (module, name) not in found:
            found[module, name] = type(name.rpartition(".")[2], (), {"__module__": module})
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
