"""The guard: what is loaded within it is scanned first.

A guard holds for the whole process, since what it replaces is shared by all threads. A thread or task that entered
guards of its own is judged by these, all of them; one that entered none by all that are active.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
import os
import threading
from contextlib import ContextDecorator
from types import TracebackType
from typing import Any, Callable, FrozenSet, Iterable, List, Optional, Tuple, Type

from ._errors import UnsafeModelError, UsageError
from ._held import printable
from ._report import FileReport
from ._scanner import Configuration, read_configuration, scan_held, start_ahead

# What a policy may accept besides "clean"; what is dangerous is never loaded.
_ACCEPTABLE = frozenset(("clean", "suspicious", "incomplete", "skipped"))


class Policy:
    """What a guard lets through."""

    def __init__(
        self,
        accept: Iterable[str] = (),
        config: Optional[Any] = None,
        timeout: Optional[float] = None,
        on_scan: Optional[Callable[[FileReport], None]] = None,
    ) -> None:
        if isinstance(accept, str):
            accept = (accept,)
        self.accept: FrozenSet[str] = frozenset(accept) | {"clean"}
        wrong = sorted(self.accept - _ACCEPTABLE)
        if wrong:
            raise UsageError(f"A guard cannot accept {', '.join(map(repr, wrong))}; there are {sorted(_ACCEPTABLE)}")
        self.configuration: Configuration = None if config is None else read_configuration(config)
        self.timeout = timeout
        self.on_scan = on_scan

    def judge(self, held: Any, loader: Loader) -> None:
        """Scans what is held. Raises UnsafeModelError unless it may be loaded by this loader."""
        report = scan_held(
            held,
            path=loader.path_of(held.label),
            configuration=self.configuration,
            timeout=self.timeout,
        )
        held.expect_unchanged()
        if self.on_scan is not None:
            self.on_scan(report)
        if report.verdict not in self.accept:
            raise _refusal(report, held.label, f"the scan says {report.verdict}")
        # Clean is what was read as the loader reads it; a picture is clean, and pickle.load may yet run it.
        if "skipped" not in self.accept and not loader.reads(report.formats):
            found = ", ".join(report.formats) or "nothing that is known"
            raise _refusal(report, held.label, f"{loader.title} reads other formats than what was recognised ({found})")


def _refusal(report: FileReport, label: str, reason: str) -> UnsafeModelError:
    said = [f"{it.message} ({it.location})" for it in report.issues if it.safety_level != "innocuous"][:1]
    said = said or [it.message for it in report.errors[:1]]
    text = f"Refused to load {label}: {reason}." + "".join(f" {it}" for it in said)
    return UnsafeModelError(printable(text), path=label, verdict=report.verdict, report=report)


def refuse_files(reports: Iterable[FileReport], policy: Policy, accept: FrozenSet[str]) -> None:
    """Raises UnsafeModelError for the first report that the policy does not let through."""
    for report in reports:
        if policy.on_scan is not None:
            policy.on_scan(report)
        if report.verdict not in policy.accept | accept:
            raise _refusal(report, report.path, f"the scan says {report.verdict}")


class Loader:
    """How a kind of loader is known to the scan: the formats that it reads, and the names that claim them.

    ``containers`` are formats that these may be in, and ``modules`` the packages whose own loads are part of it.
    """

    def __init__(
        self,
        title: str,
        formats: Iterable[str],
        suffixes: Tuple[str, ...],
        *,
        containers: Iterable[str] = (),
        modules: Iterable[str] = (),
    ) -> None:
        self.title = title
        self.formats = frozenset(formats)
        self.outermost = self.formats | frozenset(containers)
        self.suffixes = suffixes
        self.modules = frozenset(modules)

    def reads(self, formats: Tuple[str, ...]) -> bool:
        """Whether the scan read a file of these formats, outermost first, as this loader reads it."""
        return bool(formats) and formats[0] in self.outermost and bool(self.formats.intersection(formats))

    def path_of(self, label: str) -> str:
        """A path whose name claims what the loader takes it for: what then is none of it is never clean."""
        return label if label.lower().endswith(self.suffixes) else label + self.suffixes[0]


class _Activation:
    """One entry into a guard."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.active = True


_lock = threading.RLock()
_active: List[_Activation] = []
_mine: contextvars.ContextVar[Tuple[_Activation, ...]] = contextvars.ContextVar("modelaudit_guards", default=())


class _Thread(threading.local):
    #: The packages of the vetted loader that this thread is in; none where it is in none.
    inside: FrozenSet[str] = frozenset()


thread = _Thread()


def policies() -> Tuple[Policy, ...]:
    """What the calling thread's loads have to satisfy; nothing where no guard is active."""
    if not _active:
        return ()
    mine = tuple(it.policy for it in _mine.get() if it.active)
    if mine:
        return mine
    with _lock:
        return tuple(it.policy for it in _active)


def judge(held: Any, loader: Loader) -> None:
    """Demands that what is held may be loaded. Nothing can be in nothing: the loader says that it is empty."""
    if held.size == 0:
        return
    for policy in policies():
        policy.judge(held, loader)


class Guard(ContextDecorator):
    """What :func:`guard` gives: a context manager, which may be entered again and used as a decorator."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def __call__(self, function: Any) -> Any:
        # The body of these runs when the call is over.
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("A guard cannot decorate a generator: use it in its body")
        if not inspect.iscoroutinefunction(function):
            return super().__call__(function)

        @functools.wraps(function)
        async def guarded(*arguments: Any, **options: Any) -> Any:
            with self:
                return await function(*arguments, **options)

        return guarded

    def __enter__(self) -> Guard:
        from . import _loaders

        entry = _Activation(self._policy)
        with _lock:
            if not _active:
                _loaders.install()
            _active.append(entry)
        _mine.set((*_mine.get(), entry))
        start_ahead()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        from . import _loaders

        mine = _mine.get()
        with _lock:
            # The context may be another than that which entered, as in generators.
            own = [it for it in mine if it.active and it.policy is self._policy]
            entry = (own or [it for it in _active if it.policy is self._policy])[-1]
            entry.active = False
            _active.remove(entry)
            if not _active:
                _loaders.uninstall()
        _mine.set(tuple(it for it in mine if it is not entry))


def _forget_lock() -> None:
    # Another thread of the parent may have held it.
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_lock)


def guard(
    *,
    accept: Iterable[str] = (),
    config: Optional[Any] = None,
    timeout: Optional[float] = None,
    on_scan: Optional[Callable[[FileReport], None]] = None,
) -> Guard:
    """Makes loaders scan first, and raise UnsafeModelError before anything is loaded.

    Within ``with guard():`` that holds for ``torch.load``, ``pickle.load``, ``loads`` and ``Unpickler``,
    ``joblib.load``, ``numpy.load``, Keras' ``load_model`` and ``load_weights``, and downloads by ``huggingface_hub``,
    in all threads. Only what is ``clean`` is loaded; ``accept`` adds verdicts (``"suspicious"``, ``"incomplete"``,
    ``"skipped"``), and ``config`` names a configuration, whose ``allow`` says which globals are yours. ``timeout`` is
    in seconds for each scan, and ``on_scan`` is called with each report.

    Raises UsageError for a policy that there is not; loads raise ScannerError where the scanner does not run.
    """
    return Guard(Policy(accept, config, timeout, on_scan))
