"""Reports as typed objects, read from the records of ``--format ndjson``.

Text in a report (paths, messages, details) comes from the files that were scanned: escape it before it is shown.
"""

from __future__ import annotations

import html
import json

from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Literal, Mapping, Optional, Tuple


Verdict = Literal["clean", "suspicious", "dangerous", "incomplete", "skipped"]
Severity = Literal["critical", "high", "medium", "low", "info", "debug"]
SafetyLevel = Literal["innocuous", "suspicious", "dangerous"]

# Pixels of the report in a notebook; the page scrolls within.
_FRAME_HEIGHT = 640


@dataclass(frozen=True)
class Issue:
    """One issue: what was found, where, how bad and how sure it is, and what to do about it."""

    rule_id: str
    severity: Severity
    severity_score: float
    safety_level: SafetyLevel
    message: str
    location: str
    location_parts: Tuple[str, ...]
    path: str
    offset: Optional[int]
    count: int
    title: str
    why: str
    fix: str
    references: Tuple[str, ...]
    atlas: Tuple[str, ...]
    details: Mapping[str, Any] = field(repr=False)

    @classmethod
    def _of(cls, record: Mapping[str, Any]) -> Issue:
        return cls(
            rule_id=record["rule_id"],
            severity=record["severity"],
            severity_score=record["severity_score"],
            safety_level=record["safety_level"],
            message=record["message"],
            location=record["location"],
            location_parts=tuple(record["location_parts"]),
            path=record["path"],
            offset=record["offset"],
            count=record["count"],
            title=record["title"],
            why=record["why"],
            fix=record["fix"],
            references=tuple(record["references"]),
            atlas=tuple(record["atlas"]),
            details=record["details"],
        )


@dataclass(frozen=True)
class ReadError:
    """Something that could not be opened or read, and what to do about it."""

    path: str
    location: str
    message: str
    remedy: str

    @classmethod
    def _of(cls, record: Mapping[str, Any]) -> ReadError:
        return cls(record["path"], record["location"], record["message"], record["remedy"])


@dataclass(frozen=True)
class FileReport:
    """One file; its verdict covers everything inside it. Load it only when that is ``clean``."""

    path: str
    verdict: Verdict
    risk_score: float
    formats: Tuple[str, ...]
    size: Optional[int]
    bytes_read: int
    sha256: Optional[str]
    issues: Tuple[Issue, ...]
    errors: Tuple[ReadError, ...]
    loads: Tuple[Mapping[str, Any], ...] = field(repr=False)
    about: Optional[Mapping[str, Any]] = field(repr=False)
    accepted: Tuple[Mapping[str, Any], ...] = field(repr=False)

    @property
    def format(self) -> Optional[str]:
        """The outermost format; None when none was recognised."""
        return self.formats[0] if self.formats else None

    @classmethod
    def _of(
        cls,
        record: Mapping[str, Any],
        issues: List[Mapping[str, Any]],
        errors: List[Mapping[str, Any]],
    ) -> FileReport:
        return cls(
            path=record["path"],
            verdict=record["verdict"],
            risk_score=record["risk_score"],
            formats=tuple(record["formats"]),
            size=record["size"],
            bytes_read=record["bytes_read"],
            sha256=record["sha256"],
            issues=tuple(map(Issue._of, issues)),
            errors=tuple(map(ReadError._of, errors)),
            loads=tuple(record["loads"]),
            about=record["about"],
            accepted=tuple(record["accepted"]),
        )


@dataclass(frozen=True)
class Progress:
    """How far a scan has come: the file that was scanned last, and how many files and bytes before and with it."""

    file: FileReport
    files_done: int
    bytes_done: int


@dataclass(frozen=True)
class Report:
    """The report of a scan. In a notebook it shows itself as the HTML report."""

    files: Tuple[FileReport, ...]
    #: What belongs to no file, such as a path that is not there. Errors within a file are its own.
    errors: Tuple[ReadError, ...]
    #: The worst of all files; None when nothing scannable was found.
    verdict: Optional[Verdict]
    risk_score: float
    #: 0, 1 or 2, as the command line ends.
    exit_code: int
    duration: float
    configuration: str
    configuration_notes: Tuple[str, ...]
    _records: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def issues(self) -> Tuple[Issue, ...]:
        """The issues of all files, in the order of files."""
        return tuple(issue for file in self.files for issue in file.issues)

    def __repr__(self) -> str:
        counts = f"{len(self.files)} files, {len(self.issues)} issues, {len(self.errors)} errors"
        return f"<Report: {self.verdict or 'nothing scanned'}, {counts}>"

    def __iter__(self) -> Iterator[FileReport]:
        return iter(self.files)

    def to_dict(self) -> Dict[str, Any]:
        """The report as ``--format json`` has it."""
        start, summary = self._records["start"], self._records["summary"]
        issues = sorted(
            self._records["issues"], key=lambda it: _SEVERITIES.index(it["severity"])
        )
        summarized = ("verdict", "risk_score", "files", "issues", "errors")
        return {
            **start,
            **{key: value for key, value in summary.items() if key not in summarized},
            "issues": issues,
            "assets": list(self._records["assets"]),
            "errors": list(self._records["errors"]),
            "rules": _rules_of(issues + [it["issue"] for asset in self._records["assets"] for it in asset["accepted"]]),
            "summary": {key: summary[key] for key in summarized},
        }

    def to_json(self) -> str:
        """The report as JSON text; ``modelaudit-scanner convert`` makes every other report of it."""
        return json.dumps(self.to_dict(), indent=2)

    def to_html(self) -> str:
        """The report as one page of HTML that holds all it needs, and runs nothing but its own script."""
        from ._run import convert

        return convert(self.to_json(), "html")

    def _repr_html_(self) -> str:
        # In a document of an origin of its own: the page cannot reach the notebook, nor the notebook's style the page.
        page = html.escape(self.to_html(), quote=True)
        return (
            f'<iframe sandbox="allow-scripts" title="modelaudit report" width="100%" height="{_FRAME_HEIGHT}" '
            f'style="border:0" srcdoc="{page}"></iframe>'
        )


_SEVERITIES = ("critical", "high", "medium", "low", "info", "debug")


def _rules_of(issues: List[Mapping[str, Any]]) -> Dict[str, Any]:
    """What the rules say that issues name, by id. A wrapper has the reasons of another rule."""
    keys = ("title", "why", "fix", "references", "atlas")
    rules: Dict[str, Any] = {}
    for borrowed in (True, False):
        for issue in issues:
            reasons = issue["reasons_rule_id"]
            said = {key: issue[key] for key in keys}
            if borrowed and reasons is not None:
                rules.setdefault(reasons, said)
                rules.setdefault(issue["rule_id"], said)
            elif not borrowed and reasons is None:
                rules[issue["rule_id"]] = said
    return dict(sorted(rules.items()))


class RecordReader:
    """Puts the records of NDJSON together to files and a report."""

    def __init__(self) -> None:
        self.files: List[FileReport] = []
        self.start: Optional[Mapping[str, Any]] = None
        self.summary: Optional[Mapping[str, Any]] = None
        self._all: Dict[str, List[Mapping[str, Any]]] = {"issues": [], "errors": [], "assets": []}
        self._issues: List[Mapping[str, Any]] = []
        self._errors: List[Mapping[str, Any]] = []
        self._apart: List[Mapping[str, Any]] = []

    def add(self, record: Dict[str, Any]) -> Optional[FileReport]:
        """Takes one record; gives a file when it is complete."""
        kind = record.pop("type")
        if kind == "issue":
            self._issues.append(record)
        elif kind == "error":
            self._errors.append(record)
        elif kind == "start":
            self.start = record
        elif kind == "summary":
            self.summary = record
        elif kind == "asset":
            # Errors in front of it that name another path belong to no file.
            own = [it for it in self._errors if it["path"] == record["path"]]
            self._apart.extend(it for it in self._errors if it["path"] != record["path"])
            file = FileReport._of(record, self._issues, own)
            self._all["issues"].extend(self._issues)
            self._all["errors"].extend(self._errors)
            self._all["assets"].append(record)
            self._issues, self._errors = [], []
            self.files.append(file)
            return file
        return None

    def report(self) -> Report:
        """The whole report, once ``start`` and ``summary`` are there."""
        start, summary = self.start, self.summary
        if start is None or summary is None:
            raise ValueError("the report is not complete")
        self._all["errors"].extend(self._errors)
        return Report(
            files=tuple(self.files),
            errors=tuple(map(ReadError._of, self._apart + self._errors)),
            verdict=summary["verdict"],
            risk_score=summary["risk_score"],
            exit_code=summary["exit_code"],
            duration=summary["duration"],
            configuration=start["configuration"],
            configuration_notes=tuple(summary["configuration_notes"]),
            _records={"start": start, "summary": summary, **self._all},
        )
