"""Evidence of the audit, rules/evidence/LIBRARY.tsv, and the lists that follow from it, rules/safe/LIBRARY.toml.

A file of evidence begins with a line for each release, "release", its number, what was installed and the
Python, and one for each text that stands in many cells, "cell", its number and the text; "@" and the number
stand for it. Then come modules in brackets, and for each name the columns of `COLUMNS`. Releases are the bits of a
hexadecimal number. A use of "-" is a candidate that is on no list, for the findings beside it.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from environments import Release
from review import REVIEW

ROOT = Path(__file__).parent.parent.parent
SAFE = ROOT / "rules" / "safe"
EVIDENCE = ROOT / "rules" / "evidence"
COLUMNS = ("name", "use", "kind", "releases", "hooks", "call", "restore")
#: How far a name may be used, from the least up. What is "filled" may be called, and makes attributes of what it
#: is given, which the scanner looks at.
USES = ("named", "restored", "filled", "called")
#: What is no finding against a list by itself: the scanner watches such methods of what it is given
#: (`src/pickle/semantics/callbacks.ts`); scripts/check_allowlists.ts compares the two.
#: A crash for what the library never writes ends the loader and runs nothing (docs/decisions.md).
WATCHED = re.compile(r"(\w+:)?calls-(method|state):|calls-key$|crash$")
#: What a name with a meaning in rules/callables.toml may do, since the scanner follows it.
FOLLOWED = re.compile(r"(identity|calls-argument|attribute-name|attributes|attribute:attribute-name)$")
#: What a class with the meaning "kept" there may do when something looks at it, since the scanner reports what is given one.
LOOKS = re.compile(r"(iterate|length|item|key|contains|truth|number|index|text|representation):|source:__(iter|next|len|"
                   r"getitem|contains|bool|float|index|str|repr|format|array|array_interface|array_struct|fspath|dir)__$")
#: What a function that is only named must not do, whoever calls it later. Libraries of its own it may load.
HARMFUL = re.compile(r"event:(?!ctypes)|calls-argument$")


#: Cells with the same text, and its length, from which on it is written once.
REPEATED = 4
SHORT = 12


@dataclass(frozen=True)
class Answer:
    """What candidates.py answered for one release."""

    release: Release
    answer: dict


@dataclass
class Row:
    """What all releases showed of one name."""

    module: str
    name: str
    kind: str = "absent"
    wanted: str = "named"
    use: str = "-"
    releases: int = 0
    hooks: str = ""
    call: set[str] = field(default_factory=set)
    restore: set[str] = field(default_factory=set)


def read_list(library: str) -> dict[str, dict[str, list[str]]]:
    """Names of a list by use and module; nothing for a library without one."""
    file = SAFE / f"{library}.toml"
    if not file.exists():
        return {}
    with file.open("rb") as opened:
        table = tomllib.load(opened)
    return {use: table.get(use, {}) for use in USES}


def listed_names(library: str) -> set[tuple[str, str]]:
    """Module and name of all that is on a list now, which every release is asked for."""
    return {
        (module, name) for names in read_list(library).values() for module, found in names.items()
        for name in found
    }


def uses_of_all(but: str) -> dict[str, str]:
    """The use of each path on the lists of all libraries but one."""
    found: dict[str, str] = {}
    for file in sorted(SAFE.glob("*.toml")):
        for use, modules in read_list(file.stem).items() if file.stem != but else ():
            found |= {f"{module}.{name}": use for module, names in modules.items() for name in names}
    return found


def reached_by_hooks() -> dict[str, set[str]]:
    """Methods that hooks of audited classes were seen to call of the object, by the class's path."""
    found: dict[str, set[str]] = {}
    for file in EVIDENCE.glob("*.tsv"):
        module, texts = "", {}
        for line in file.read_text(encoding="utf-8").splitlines():
            cells = line.split("\t")
            if cells[0] == "cell":
                texts[f"@{cells[1]}"] = cells[2]
            elif line.startswith("["):
                module = line[1:-1]
            elif len(cells) == len(COLUMNS):
                restore = texts.get(cells[-1], cells[-1])
                found[f"{module}.{cells[0]}"] = set(re.findall(r"calls-state:(\w+)", restore))
    return found


def rows_before(release: Release) -> list[dict]:
    """What the evidence has of a release, as candidates.py answers it; nothing where something else was installed."""
    file, module, bit, rows = EVIDENCE / f"{release.library}.tsv", "", 0, []
    texts: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        cells = line.split("\t")
        if cells[0] == "release":
            same = [f"{release.library} {release.version}", " ".join(release.requirements) or "nothing"]
            bit = 1 << int(cells[1]) if cells[2:4] == same and cells[4] != "source" else bit
        elif cells[0] == "cell":
            texts[f"@{cells[1]}"] = cells[2]
        elif line.startswith("["):
            module = line[1:-1]
        elif len(cells) >= 4 and int(cells[3], 16) & bit:
            name, use, kind, _, hooks, call, restore = (cells + [""] * len(COLUMNS))[:len(COLUMNS)]
            # How far what is on no list was wanted does not stand there: it is examined again.
            if use in USES:
                rows.append({"module": module, "name": name, "use": use, "kind": kind, "hooks": hooks,
                             "call": texts.get(call, call).split(), "restore": texts.get(restore, restore).split()})
    return rows


def meanings() -> dict[str, set[str]]:
    """Meanings of the paths of rules/callables.toml."""
    found: dict[str, set[str]] = defaultdict(set)
    with (ROOT / "rules" / "callables.toml").open("rb") as file:
        for entry in tomllib.load(file)["callable"]:
            for path in entry["globals"]:
                found[path].add(entry["meaning"])
    return found


#: Meanings by which no call is followed.
OF_STATES = {"evaluates", "kept", "loads-state"}


def merge(library: str, answers: list[Answer]) -> list[Row]:
    """One row for each name, with the use that the findings of all releases leave."""
    rows: dict[tuple[str, str], Row] = {}
    for at, given in enumerate(answers):
        for each in given.answer["rows"]:
            key = (each["module"], each["name"])
            row = rows.setdefault(key, Row(*key))
            row.kind, row.hooks = each["kind"], each["hooks"]
            row.releases |= 1 << at
            row.wanted = max(row.wanted, each["use"], key=USES.index)
            row.call |= set(each["call"])
            row.restore |= set(each["restore"])
    for given in answers:
        needs = given.answer.get("unimported", {})
        for row in rows.values():
            if row.module in needs:
                row.call.add(f"needs:{needs[row.module]}")
                row.restore.add(f"needs:{needs[row.module]}")
    followed = meanings()
    for row in rows.values():
        row.use = use_of(row, followed)
    if REVIEW[library].read:
        for module, names in REVIEW[library].include.items():
            for name in names.split():
                if (module, name) not in rows:
                    rows[module, name] = Row(module, name, "read", use=read_use(library, module, name))
    return sorted(rows.values(), key=lambda row: (row.module, row.name))


def read_use(library: str, module: str, name: str) -> str:
    """The use of a name whose source was read and that no audited release has."""
    review = REVIEW[library]
    for use in reversed(USES):
        if any(re.fullmatch(pattern, f"{module}.{name}") for pattern in getattr(review, use, ())):
            return use
    return "restored"


def use_of(row: Row, followed: dict[str, set[str]]) -> str:
    """The furthest use that is wanted and that no finding forbids; "-" when none is left."""
    path = f"{row.module}.{row.name}"
    meant = followed.get(path) or followed.get(f"{row.module}.*") or set()
    has_meaning = bool(meant - OF_STATES)
    against = {
        phase: {each for each in found
                if not WATCHED.match(each) and not (has_meaning and FOLLOWED.match(each))}
        for phase, found in (("call", row.call), ("restore", row.restore))
    }
    if "metaclass" in row.call | row.restore:
        return "-"
    # To name one makes nothing; a call is reported as one that makes a class.
    if "enum-base" in row.call | row.restore:
        return "named"
    # What executes a text of its state is compared with the library's own template, and arguments that are opened are seen.
    if has_meaning:
        against["restore"] -= {"event:exec", "event:open"}
    if "kept" in meant:
        against["restore"] = {each for each in against["restore"] if not LOOKS.match(each)}
    # What a decorator made of a class cannot be read.
    if "source:decorator" in row.restore:
        return "-"
    is_class = row.kind in ("class", "enum", "source")
    allowed = {
        "called": not against["call"] and not against["restore"],
        "filled": against["call"] <= {"attributes"} and not against["restore"],
        "restored": is_class and not against["restore"],
        "named": is_class or not any(
            HARMFUL.match(each) and not (has_meaning and FOLLOWED.match(each)) for each in row.call),
    }
    for use in reversed(USES[:USES.index(row.wanted) + 1]):
        if allowed[use]:
            return use
    return "-"


def findings_of(row: Row) -> tuple[str, str]:
    """The cells of what was found when a name was called and restored."""
    return " ".join(sorted(row.call)), " ".join(sorted(row.restore))


def write_evidence(library: str, answers: list[Answer], rows: list[Row]) -> None:
    """Writes rules/evidence/LIBRARY.tsv."""
    lines = [f"# What scripts/allowlists/audit.py saw of {library}. The columns are in evidence.py there."]
    for at, given in enumerate(answers):
        installed = " ".join(given.release.requirements) or "nothing"
        lines.append("\t".join(["release", str(at), f"{library} {given.release.version}", installed,
                                f"Python {given.answer['python']}" if given.answer["python"] else "source"]))
    texts = Counter(text for row in rows for text in findings_of(row))
    often = [text for text, count in texts.most_common() if count >= REPEATED and len(text) > SHORT]
    numbers = {text: f"@{at}" for at, text in enumerate(often)}
    lines += [f"cell\t{at}\t{text}" for at, text in enumerate(often)]
    module = None
    for row in rows:
        if row.module != module:
            module = row.module
            lines.append(f"[{module}]")
        cells = [row.name, row.use, row.kind, f"{row.releases:x}", row.hooks,
                 *(numbers.get(text, text) for text in findings_of(row))]
        lines.append("\t".join(cells).rstrip("\t"))
    EVIDENCE.mkdir(exist_ok=True)
    (EVIDENCE / f"{library}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


COMMENTS = {
    "called": "# Harmless to call, whatever the arguments.",
    "filled": "# Harmless to call; what they are given may become their attributes, and is looked at.",
    "restored": "# Classes that picklers restore without calling them; a call is unusual.",
    "named": "# Harmless to name; a call while the file loads is unusual.",
}


def write_list(library: str, answers: list[Answer], rows: list[Row]) -> None:
    """Writes rules/safe/LIBRARY.toml and reports removed and added names."""
    before, uses = listed_names(library), read_list(library)
    versions = [given.release.version for given in answers]
    span = versions[0] if len(versions) == 1 else f"{versions[0]} to {versions[-1]}"
    lines = [
        f"# Globals of {library} that a file may name without harm.",
        f"# Written by scripts/allowlists/audit.py from what it saw, rules/evidence/{library}.tsv;",
        "# change what is audited in scripts/allowlists/review.py, not this file.",
        "",
        f'library = "{library}"',
        f'version = "{span}"',
    ]
    for use in reversed(USES):
        names: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            if row.use == use:
                names[row.module].add(row.name)
        if names:
            lines += ["", COMMENTS[use], f"[{use}]", *table_of(names)]
    (SAFE / f"{library}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    after = listed_names(library)
    print(f"{library}: {len(after)} names, {len(after - before)} new, {len(before - after)} removed")
    seen = {(row.module, row.name): row for row in rows}
    for key in sorted(before - after):
        row = seen.get(key)
        why = "in no audited release" if row is None else " ".join(sorted(row.call | row.restore))
        print(f"  removed: {key[0]}.{key[1]}: {why}")
    for key in sorted(before & after):
        was = next(use for use in reversed(USES) if key[1] in uses[use].get(key[0], ()))
        row = seen[key]
        if USES.index(row.use) < USES.index(was):
            print(f"  {was}, now {row.use}: {key[0]}.{key[1]}: {' '.join(sorted(row.call | row.restore))}")


def table_of(names: dict[str, set[str]]) -> list[str]:
    """TOML lines of at most 100 characters where names allow it."""
    lines = []
    for module in sorted(names):
        items = [f'"{name}"' for name in sorted(names[module])]
        line = f'"{module}" = [{", ".join(items)}]'
        if len(line) <= 100:
            lines.append(line)
            continue
        lines.append(f'"{module}" = [')
        row = " "
        for item in items:
            if len(row) + len(item) + 2 > 100:
                lines.append(row)
                row = " "
            row += f" {item},"
        lines += [row, "]"]
    return lines
