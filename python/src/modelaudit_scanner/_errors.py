"""The errors that this package raises."""

from __future__ import annotations

# As in typing, which would be most of the time that the import takes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

    from ._report import FileReport


class ModelauditError(Exception):
    """Any error of this package."""


class UsageError(ModelauditError, ValueError):
    """What was asked for cannot be: an option, a configuration, a policy."""


class ScannerError(ModelauditError, RuntimeError):
    """The scanner could not run to its end: Deno is missing, a process ended, a time was spent."""


class UnsafeModelError(ModelauditError):
    """The guard refused to load something. Nothing of it was loaded.

    ``path`` is its name as the report has it, ``verdict`` the scan's (None where it was not scanned),
    ``report`` the whole report (None likewise).
    """

    def __init__(
        self,
        message: str,
        *,
        path: str,
        verdict: Optional[str] = None,
        report: Optional[FileReport] = None,
    ) -> None:
        super().__init__(message)
        self.path = path
        self.verdict = verdict
        self.report = report
