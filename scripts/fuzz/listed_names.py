"""The names of the allowlists that may be called or restored, as real objects, for the metamorphic oracle."""

import importlib
import tomllib
import warnings
from pathlib import Path

SAFE = Path(__file__).parent.parent.parent / "rules" / "safe"


def listed_names():
    """Objects by module and name, of the libraries that are installed here."""
    found = {}
    warnings.simplefilter("ignore")
    for file in sorted(SAFE.glob("*.toml")):
        with file.open("rb") as opened:
            table = tomllib.load(opened)
        for use in ("filled", "called", "restored"):
            for module, names in table.get(use, {}).items():
                for name in names:
                    try:
                        value = importlib.import_module(module)
                        for part in name.split("."):
                            value = getattr(value, part)
                        found[module, name] = value
                    except Exception:
                        pass
    return found
