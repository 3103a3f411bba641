"""What is decided about one library before its names are audited."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Review:
    """What was decided for one library."""

    #: Modules walked with their submodules; those ending in "!" without.
    modules: tuple[str, ...] = ()
    #: Modules (regular expressions, whole name) whose functions are listed too.
    functions: tuple[str, ...] = ()
    #: Regular expressions (searched) of modules left out.
    exclude_modules: tuple[str, ...] = ()
    #: Regular expressions (whole dotted path) of names left out.
    exclude: tuple[str, ...] = ()
    #: Names added, separated by blanks, by module.
    include: dict[str, str] = field(default_factory=dict)
    #: Old module path to new: the names are listed under both.
    moved: dict[str, str] = field(default_factory=dict)
    #: Whether classes with a leading underscore are listed.
    private: bool = True
    #: Regular expressions (whole dotted path) of names whose level is known better than it shows.
    called: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    #: Classes whose public methods are listed as named, separated by blanks, by module.
    methods: dict[str, str] = field(default_factory=dict)
    #: Methods that objects keep bound (`getattr(object, name)`), by the classes (regular expressions).
    bound: dict[str, str] = field(default_factory=dict)
    #: Whether enumerations alone are run: of all others the sources are read, in a list of their own.
    enumerations: bool = False
    #: Whether names of `include` that no audited release has stay listed, because their sources were read.
    read: bool = False


TESTS = (r"\.tests?(\.|$)", r"\.testing(\.|$)", r"\._?conftest$", r"\.benchmarks?(\.|$)")
