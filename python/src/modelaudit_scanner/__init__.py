"""Static security scanner for machine-learning model files, and a guard for what loads them.

    from modelaudit_scanner import guard, scan

    report = scan("models/")
    for file in report:
        print(file.verdict, file.path)

    with guard():
        model = torch.load("model.pt")  # raises UnsafeModelError unless the file is clean

Nothing in a scanned file is executed, imported or unpickled by a scan.
"""

from __future__ import annotations

from ._errors import ModelauditError, ScannerError, UnsafeModelError, UsageError

# As in typing, which would be most of the time that the import takes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._guard import Guard, guard
    from ._report import FileReport, Issue, Progress, ReadError, Report
    from ._run import scan, scan_bytes
    from ._version import __version__

__all__ = [
    "FileReport",
    "Guard",
    "Issue",
    "ModelauditError",
    "Progress",
    "ReadError",
    "Report",
    "ScannerError",
    "UnsafeModelError",
    "UsageError",
    "__version__",
    "guard",
    "scan",
    "scan_bytes",
]

# What is imported when it is asked for, so that the import costs next to nothing.
_PLACES = {
    "FileReport": "_report",
    "Guard": "_guard",
    "Issue": "_report",
    "Progress": "_report",
    "ReadError": "_report",
    "Report": "_report",
    "__version__": "_version",
    "guard": "_guard",
    "scan": "_run",
    "scan_bytes": "_run",
}


def __getattr__(name: str) -> Any:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{place}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
