"""Reads a release that is installed and not run: which of its classes a file may restore or name.

A class is fit when all its bases are: of the same release, or audited by execution and listed, or plain ones of
Python; when it has no metaclass and no decorator that may replace it; and when what unpicklers and operators run of
its own (`HOOKS`, and methods that its bases' hooks reach) does nothing but read attributes and make plain data.
Everything else is a finding, "source:NAME" with what could not be seen through. Nothing is imported. Functions are left
off: what they do with their arguments cannot be read with this certainty.
"""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass, field
from pathlib import Path

from review_types import Review

#: Methods that an unpickler, an operator or a harmless function runs (`OPERATIONS` and `restores` of probe.py).
HOOKS = tuple("""__new__ __setstate__ __getattr__ __getattribute__ __setattr__ __del__ __eq__ __ne__ __hash__ append
 extend add __setitem__ __iter__ __next__ __len__ __getitem__ __missing__ __contains__ __bool__ __float__ __index__ __str__
 __repr__ __format__ __array__ __array_interface__ __array_struct__ __fspath__ __dir__ __get__ __set__ __set_name__
 __class__ __dict__ __init_subclass__ __class_getitem__""".split())
#: Of those, what is only run where the library itself makes classes, or somebody looks at what an object has.
OWN_USE = ("__init_subclass__", "__class_getitem__", "__set_name__", "__dir__")
#: What a metaclass may define: it is run where the library makes its classes, or one is called, and no class that is
#: only restored is.
OF_METACLASS = frozenset("__new__ __init__ __call__ __prepare__ __doc__ __module__ __slots__".split())
#: Builtins that plain code may call. They run hooks of what they are given, which are examined where those are listed.
CALLED = frozenset("""abs all any bool bytes dict enumerate float frozenset hash hasattr id int isinstance issubclass iter
 len list max min next range repr reversed round set sorted str sum super tuple type zip""".split())
#: Methods of what it is given that the scanner watches (`ASKED` in src/pickle/semantics/callbacks.ts).
ASKED = frozenset("keys items values get pop popitem setdefault update copy lower upper".split())
#: Methods of texts, of which the first part is a constant.
ON_TEXT = frozenset("format join replace split strip startswith endswith".split())
#: Classes of Python that make no difference: typing's are not there when the program runs.
PLAIN = frozenset("""builtins.object builtins.dict builtins.list builtins.tuple builtins.set builtins.frozenset
 builtins.str builtins.int builtins.float builtins.bytes abc.ABC typing.Generic typing.Protocol typing_extensions.Protocol
 typing_extensions.Generic typing.NamedTuple typing.Sized typing.Hashable collections.abc.Sized collections.abc.Hashable
 collections.abc.Callable collections.abc.Iterable collections.abc.Iterator collections.abc.Container
 collections.abc.Collection collections.abc.Sequence collections.abc.Mapping collections.abc.Set
 typing.Iterable typing.Iterator typing.Container typing.Collection typing.Sequence typing.Mapping""".split())
#: Decorators that give back the class that they are given.
DECORATORS = frozenset("""dataclasses.dataclass functools.total_ordering typing.final typing.runtime_checkable
 typing_extensions.final typing_extensions.runtime_checkable""".split())
#: Decorators of methods that leave them as they are.
METHOD_DECORATORS = frozenset("staticmethod classmethod property abstractmethod abc.abstractmethod override "
                              "typing.override typing_extensions.override".split())
#: Imports that lead to imports, at most. The most seen are 6.
REEXPORTS = 32
#: Functions that call functions, at most.
DEPTH = 6
#: What `from module import *` names.
STAR = "*"


@dataclass(frozen=True)
class Ref:
    """A class or function of the tree."""

    module: str
    name: str
    node: "ast.ClassDef | ast.FunctionDef" = field(compare=False)


@dataclass(frozen=True)
class Alias:
    """What a module binds to what another name of its means."""

    path: str


@dataclass
class Module:
    """What a module binds at its top level: definitions, imports (module, name), or None for what is not followed."""

    name: str
    package: bool
    bound: "dict[str, object]" = field(default_factory=dict)
    stars: "list[str]" = field(default_factory=list)
    #: A function that it calls when it is imported, other than what registers and configures.
    runs: bool = False


class Tree:
    """The modules of a folder of installed packages, parsed when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: "dict[str, Module | None]" = {}
        self.meant: "dict[tuple[str, str], Ref | str | None]" = {}

    def file_of(self, name: str) -> "Path | None":
        base = self.folder.joinpath(*name.split("."))
        for file in (base / "__init__.py", base.with_name(base.name + ".py")):
            if file.is_file():
                return file
        return None

    def module(self, name: str) -> "Module | None":
        if name not in self.modules:
            self.modules[name] = None
            file = self.file_of(name)
            if file is not None:
                try:
                    parsed = ast.parse(file.read_bytes())
                except (SyntaxError, ValueError, RecursionError):
                    return None
                module = Module(name, file.name == "__init__.py")
                bind(module, parsed.body)
                self.modules[name] = module
        return self.modules[name]

    def names(self, root: str) -> "list[str]":
        """A module and the modules under it."""
        found = [root] if self.file_of(root) is not None else []
        folder = self.folder.joinpath(*root.split("."))
        for file in sorted(folder.rglob("*.py")) if folder.is_dir() else []:
            parts = file.relative_to(self.folder).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if name != root and all(part.isidentifier() for part in parts):
                found.append(name)
        return found

    def resolve(self, module: str, name: str, depth: int = 0) -> "Ref | str | None":
        """
        What a dotted name means in a module: a definition of the tree, the path of what is not in the tree, or
        None when that cannot be seen.
        """
        if (module, name) not in self.meant:
            self.meant[module, name] = self.follow(module, name, depth)
        return self.meant[module, name]

    def follow(self, module: str, name: str, depth: int) -> "Ref | str | None":
        head, _, rest = name.partition(".")
        here = self.module(module)
        if here is None or depth > REEXPORTS:
            return None
        if head not in here.bound:
            for star in here.stars:
                there = self.module(star)
                if there is None:
                    return None
                if head in there.bound or there.stars:
                    found = self.resolve(star, name, depth + 1)
                    if found is not None and not (isinstance(found, str) and found.startswith("builtins.")):
                        return found
            return f"builtins.{name}" if hasattr(builtins, head) else None
        value = here.bound[head]
        if isinstance(value, (ast.ClassDef, ast.FunctionDef)):
            if not rest:
                return Ref(module, head, value)
            return self.inner(Ref(module, head, value), rest)
        if isinstance(value, tuple):
            return self.attribute(value, rest, depth)
        if isinstance(value, Alias) and value.path.partition(".")[0] != head:
            return self.resolve(module, f"{value.path}.{rest}" if rest else value.path, depth + 1)
        return None

    def inner(self, ref: Ref, rest: str) -> "Ref | None":
        """A class inside a class."""
        for part in rest.split("."):
            found = [each for each in ref.node.body if isinstance(each, ast.ClassDef) and each.name == part]
            if len(found) != 1:
                return None
            ref = Ref(ref.module, f"{ref.name}.{part}", found[0])
        return ref

    def attribute(self, imported: "tuple[str, str | None]", rest: str, depth: int) -> "Ref | str | None":
        """What an import, and names behind it, mean."""
        module, name = imported
        path = ".".join(each for each in (module, name, rest) if each)
        parts = path.split(".")
        # The longest part that is a module; a name in a package may hide a module of the same name.
        for at in range(len(parts) - 1, 0, -1):
            place = ".".join(parts[:at])
            there = self.module(place)
            if there is None:
                continue
            if parts[at] in there.bound or there.stars:
                if place == module and name is None and at < len(module.split(".")):
                    continue
                return self.resolve(place, ".".join(parts[at:]), depth + 1)
            return None
        return None if (self.folder / parts[0]).exists() else path


def bind(module: Module, body: "list[ast.stmt]", again: bool = False) -> None:
    """Notes what statements bind. What is bound twice is not followed."""
    def put(name: str, value: object) -> None:
        module.bound[name] = None if name in module.bound and module.bound[name] != value else value

    for each in body:
        if isinstance(each, (ast.ClassDef, ast.FunctionDef)):
            put(each.name, each)
        elif isinstance(each, ast.AsyncFunctionDef):
            put(each.name, None)
        elif isinstance(each, ast.Import):
            for alias in each.names:
                name = alias.asname or alias.name.split(".")[0]
                put(name, (alias.name if alias.asname else name, None))
        elif isinstance(each, ast.ImportFrom):
            source = absolute(module, each)
            for alias in each.names:
                if alias.name == STAR:
                    module.stars.append(source)
                else:
                    put(alias.asname or alias.name, (source, alias.name))
        elif isinstance(each, ast.If):
            if "TYPE_CHECKING" in ast.unparse(each.test) or "__main__" in ast.unparse(each.test):
                bind(module, each.orelse, again)
            else:
                bind(module, each.body + each.orelse, again)
        elif isinstance(each, ast.Try):
            bind(module, each.body + each.orelse + each.finalbody, again)
            for handler in each.handlers:
                bind_missing(module, handler.body)
        elif isinstance(each, (ast.With, ast.For, ast.While)):
            bind(module, each.body, again)
        elif isinstance(each, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            for target in targets:
                for name in ast.walk(target):
                    if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                        put(name.id, alias_of(module, each))
        elif isinstance(each, ast.Expr) and isinstance(each.value, ast.Call):
            module.runs |= runs_program(module, each.value.func)


def bind_missing(module: Module, body: "list[ast.stmt]") -> None:
    """Notes what stands in for something that is not installed, as far as nothing else is bound."""
    for each in ast.walk(ast.Module(body, [])):
        if isinstance(each, (ast.ClassDef, ast.FunctionDef)):
            module.bound.setdefault(each.name, None)


def alias_of(module: Module, statement: ast.stmt) -> object:
    """`A = B` binds what B is bound to; of anything else nothing is known."""
    value = getattr(statement, "value", None)
    text = ast.unparse(value) if isinstance(value, (ast.Name, ast.Attribute)) else ""
    return Alias(text) if re.fullmatch(r"[\w.]+", text) and isinstance(statement, (ast.Assign, ast.AnnAssign)) else None


def runs_program(module: Module, callee: ast.expr) -> bool:
    """Whether a call at the top level is one that a script makes."""
    name = ast.unparse(callee)
    if isinstance(callee, ast.Name) and isinstance(module.bound.get(name), ast.FunctionDef):
        return bool(re.match(r"(main|run|cli|train|test|download|install|setup)", name))
    return name in ("exec", "eval", "exit", "quit", "sys.exit", "os.system", "main") or name.startswith("subprocess.")


def absolute(module: Module, each: ast.ImportFrom) -> str:
    """The module that a `from` names."""
    if not each.level:
        return each.module or ""
    parts = module.name.split(".")
    parts = parts[:len(parts) - each.level + (1 if module.package else 0)]
    return ".".join(parts + ([each.module] if each.module else []))


class Reader:
    """Judges the classes of one library in a tree, with the listed classes of others as bases."""

    def __init__(self, tree: Tree, roots: "set[str]", listed: "dict[str, str]", reached: "dict[str, set[str]]") -> None:
        self.tree = tree
        self.roots = roots
        #: Uses of names on lists, and methods of theirs that their hooks call, by path.
        self.listed = listed
        self.reached_of = reached
        self.known: "dict[Ref, set[str]]" = {}
        self.orders: "dict[Ref, list[Ref]]" = {}
        self.reaches: "dict[Ref, tuple[set[str], set[str]]]" = {}

    def own(self, ref: Ref) -> bool:
        """Whether a definition is of the library, and on no list that comes from running it."""
        return ref.module.partition(".")[0] in self.roots and f"{ref.module}.{ref.name}" not in self.listed

    def order(self, ref: Ref, depth: int = 0) -> "list[Ref]":
        """The classes of the tree that a class inherits from, itself first; in no order that Python guarantees."""
        found = self.orders.get(ref)
        if found is not None:
            return found
        found = [ref]
        for base in ref.node.bases if depth < REEXPORTS else []:
            target = self.base(ref, base)
            if isinstance(target, Ref) and isinstance(target.node, ast.ClassDef) and target != ref:
                found += [each for each in self.order(target, depth + 1) if each not in found]
        self.orders[ref] = found
        return found

    def base(self, ref: Ref, base: ast.expr) -> "Ref | str | None":
        """What the expression of a base means."""
        if isinstance(base, ast.Subscript):
            base = base.value
        if isinstance(base, ast.Call):
            made = self.base(ref, base.func)
            return "builtins.tuple" if made in ("collections.namedtuple", "typing.NamedTuple") else None
        if not isinstance(base, (ast.Name, ast.Attribute)) or not re.fullmatch(r"[\w.]+", ast.unparse(base)):
            return None
        return self.tree.resolve(ref.module, ast.unparse(base))

    def judge(self, ref: Ref) -> "set[str]":
        """Findings against restoring a class."""
        if ref not in self.known:
            self.known[ref] = {"source:cycle"}
            self.known[ref] = self.findings(ref)
        return self.known[ref]

    def findings(self, ref: Ref) -> "set[str]":
        found = {f"source:runs:{name}" for name in ran_by(ref.node)}
        for keyword in ref.node.keywords:
            if keyword.arg == "metaclass" or keyword.arg is None:
                if not self.makes_plainly(self.base(ref, keyword.value)):
                    found.add("source:metaclass")
        for decorator in ref.node.decorator_list:
            callee = decorator.func if isinstance(decorator, ast.Call) else decorator
            target = self.base(ref, callee)
            own = isinstance(target, Ref) and self.own(target) and isinstance(target.node, ast.FunctionDef)
            if not (gives_back(target.node, isinstance(decorator, ast.Call)) if own else target in DECORATORS):
                found.add("source:decorator")
        called: "set[str]" = set()
        read: "set[str]" = set()
        for base in ref.node.bases:
            target = self.base(ref, base)
            if isinstance(target, Ref) and isinstance(target.node, ast.ClassDef):
                path = f"{target.module}.{target.name}"
                if self.own(target):
                    found |= self.judge(target)
                elif self.listed.get(path) not in ("restored", "called", "filled"):
                    found.add(f"source:base:{path}")
            elif isinstance(target, str):
                if target == "builtins.type" or "Meta" in target:
                    found.add("metaclass")
                elif target not in PLAIN and self.listed.get(target) not in ("restored", "called", "filled"):
                    found.add(f"source:base:{target}")
            else:
                found.add(f"source:base:{re.sub(r'[^A-Za-z0-9_.]', '_', ast.unparse(base))[:60]}")
        if found:
            return found
        order = self.order(ref)
        for each in order:
            if not self.own(each):
                calls, reads = self.reached(each)
                called |= calls
                read |= reads
        for each in filter(self.own, order):
            for name, found_there in members_of(each.node).items():
                # A state of two parts sets attributes, and so calls setters.
                setters = [it for it in found_there if f"{name}.setter" in map(ast.unparse, getattr(it, "decorator_list", []))]
                if any(not Plain(self, each, order).member(it) for it in setters) or any(
                        self.has_setter(each, it) for it in found_there):
                    found.add(f"source:set:{name}")
        for name in sorted({*HOOKS, *called, *read} - set(OWN_USE)):
            for each in order:
                if not self.own(each):
                    continue
                for member in members(each.node, name):
                    run = name in HOOKS or name in called or is_property(member)
                    if run and not Plain(self, each, order).member(member):
                        found.add(f"source:{name}")
        return found

    def has_setter(self, ref: Ref, member: ast.stmt) -> bool:
        """Whether an attribute of a class is an object of the library whose class has a setter of its own."""
        value = getattr(member, "value", None)
        made = self.base(ref, value.func) if isinstance(value, ast.Call) else None
        return isinstance(made, Ref) and isinstance(made.node, ast.ClassDef) and any(
            members(each.node, "__set__") for each in self.order(made))

    def makes_plainly(self, target: "Ref | str | None") -> bool:
        """Whether a metaclass makes no difference to a class that is only restored."""
        if not isinstance(target, Ref):
            return target in ("abc.ABCMeta", "builtins.type")
        return isinstance(target.node, ast.ClassDef) and self.own(target) and not target.node.decorator_list and all(
            name in OF_METACLASS or not (name.startswith("__") or any(map(is_property, found)))
            for name, found in members_of(target.node).items()
        ) and all(self.makes_plainly(self.base(target, base)) for base in target.node.bases)

    def reached(self, ref: Ref) -> "tuple[set[str], set[str]]":
        """
        Names that hooks of a listed class of another library call, and those that they read, with what methods and
        properties of these names do.
        """
        if ref in self.reaches:
            return self.reaches[ref]
        called, read = set(self.reached_of.get(f"{ref.module}.{ref.name}", ())), set()
        order = self.order(ref)
        queue = [*(name for name in HOOKS if name not in OWN_USE), *called]
        seen = set(queue)
        while queue:
            name = queue.pop()
            for member in (it for each in order for it in members(each.node, name)):
                calls, reads = used_by(member)
                called |= calls
                read |= reads
                for used in (calls | reads) - seen:
                    if any(is_property(it) or used in calls for each in order for it in members(each.node, used)):
                        seen.add(used)
                        queue.append(used)
        self.reaches[ref] = called - set(HOOKS), (called | read) - set(HOOKS)
        return self.reaches[ref]


def used_by(member: ast.stmt) -> "tuple[set[str], set[str]]":
    """Attributes that code calls, and those that it reads; all that it reads, where it calls what it keeps."""
    called, read = set(), set()
    stored = {each.id for each in ast.walk(member) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    keeps = False
    for each in ast.walk(member):
        if isinstance(each, ast.Call):
            if isinstance(each.func, ast.Attribute):
                called.add(each.func.attr)
            keeps |= not isinstance(each.func, (ast.Name, ast.Attribute)) or (
                isinstance(each.func, ast.Name) and each.func.id in stored)
        elif isinstance(each, ast.Attribute):
            read.add(each.attr)
        elif isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value.isidentifier():
            read.add(each.value)
    return called | read if keeps else called, read


def is_property(member: ast.stmt) -> bool:
    """Whether to read what a statement of a class defines runs something."""
    return isinstance(member, ast.ClassDef) or bool(set(map(ast.unparse, getattr(member, "decorator_list", []))) - {
        "staticmethod", "classmethod", "abstractmethod", "abc.abstractmethod"})


#: What runs code or programs: an object whose methods do may run its attributes when it is used.
RUN = re.compile(r"(builtins\.)?(eval|exec|__import__)|os\.(system|popen|exec\w*|spawn\w*)|(subprocess|pty)\.\w+")


def ran_by(node: ast.ClassDef) -> "set[str]":
    """Functions that run code or programs, which any method of a class calls."""
    calls = (ast.unparse(each.func) for each in ast.walk(node)
             if isinstance(each, ast.Call) and isinstance(each.func, (ast.Name, ast.Attribute)))
    return {name for name in calls if RUN.fullmatch(name)}


def gives_back(function: ast.FunctionDef, called: bool) -> bool:
    """Whether a decorator (with arguments of its own, when it is called) gives back what it decorates."""
    body = [each for statement in function.body for each in ast.walk(statement)]
    inner = [each for each in body if isinstance(each, ast.FunctionDef)]
    returned = [each.value for each in body if isinstance(each, ast.Return)]
    if called:
        own = [each.value for each in function.body if isinstance(each, ast.Return)]
        return (len(inner) == 1 and not function.decorator_list and not inner[0].decorator_list and len(own) == 1 and
                isinstance(own[0], ast.Name) and own[0].id == inner[0].name and inner[0] in function.body and
                gives_back(inner[0], False) and len(returned) == 1 + sum(
                    isinstance(each, ast.Return) for each in ast.walk(inner[0])))
    if inner or function.decorator_list or not function.args.args or not returned:
        return False
    given = function.args.args[0].arg
    kept = not any(isinstance(each, ast.Name) and each.id == given and not isinstance(each.ctx, ast.Load) for each in body)
    return kept and all(isinstance(each, ast.Name) and each.id == given for each in returned)


def members(node: ast.ClassDef, name: str) -> "list[ast.stmt]":
    """Statements of a class that give it an attribute."""
    return members_of(node).get(name, [])


def members_of(node: ast.ClassDef) -> "dict[str, list[ast.stmt]]":
    """Statements of a class by the attribute that they give it."""
    index = INDEX.get(node)
    if index is None:
        index = INDEX[node] = {}
        index_of(node.body, index)
    return index


#: What the bodies of classes define, once they are asked for.
INDEX: "dict[ast.ClassDef, dict[str, list[ast.stmt]]]" = {}


def index_of(body: "list[ast.stmt]", index: "dict[str, list[ast.stmt]]") -> None:
    """Notes what statements of a class define, also below conditions."""
    for each in body:
        if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            index.setdefault(each.name, []).append(each)
        elif isinstance(each, (ast.Assign, ast.AnnAssign)):
            for target in each.targets if isinstance(each, ast.Assign) else [each.target]:
                for name in ast.walk(target):
                    if isinstance(name, ast.Name):
                        index.setdefault(name.id, []).append(each)
        else:
            for part in ("body", "orelse", "finalbody", "handlers"):
                for inner in getattr(each, part, []):
                    index_of(inner.body if isinstance(inner, ast.ExceptHandler) else [inner], index)


class Plain:
    """Whether code of a class does nothing but read attributes, make plain data, and call what is plain, too."""

    def __init__(self, reader: Reader, ref: Ref, order: "list[Ref]", depth: int = 0) -> None:
        self.reader, self.ref, self.order, self.depth = reader, ref, order, depth

    def member(self, member: ast.stmt) -> bool:
        if isinstance(member, (ast.Assign, ast.AnnAssign)):
            value = member.value
            if value is None or isinstance(value, ast.Constant):
                return True
            # Another method of the class; a hook of that name is examined as one.
            return isinstance(value, ast.Name) and (value.id in HOOKS or any(
                self.function(each) for each in members(self.ref.node, value.id) if isinstance(each, ast.FunctionDef)))
        return isinstance(member, ast.FunctionDef) and self.function(member)

    def function(self, function: ast.FunctionDef) -> bool:
        if self.depth > DEPTH:
            return False
        for decorator in function.decorator_list:
            name = ast.unparse(decorator)
            if name not in METHOD_DECORATORS and not re.fullmatch(r"\w+\.setter", name):
                return False
        arguments = function.args
        names = {each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs,
                                       *filter(None, (arguments.vararg, arguments.kwarg)))}
        stored = {each.id for each in ast.walk(function) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
        self.local, self.name = names | stored, function.name
        return all(self.node(each) for statement in function.body for each in ast.walk(statement))

    def node(self, node: ast.AST) -> bool:
        """Whether one node is plain, its parts apart."""
        if isinstance(node, ast.Call):
            return self.call(node)
        if isinstance(node, ast.Attribute):
            return self.attribute(node.attr)
        return not isinstance(node, (ast.Import, ast.ImportFrom, ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef,
                                     ast.ClassDef, ast.With, ast.AsyncWith, ast.Await, ast.Global, ast.Nonlocal))

    def attribute(self, name: str) -> bool:
        """Whether to read an attribute of any object runs nothing: properties of the class are read, too."""
        for each in self.order:
            for member in members(each.node, name):
                if isinstance(member, ast.FunctionDef) and is_property(member):
                    if not Plain(self.reader, each, self.order, self.depth + 1).function(member):
                        return False
        return True

    def call(self, call: ast.Call) -> bool:
        callee = call.func
        if isinstance(callee, ast.Name):
            if callee.id in self.local:
                return False
            if callee.id in ("getattr", "setattr"):
                return len(call.args) > 1 and isinstance(call.args[1], ast.Constant) and isinstance(
                    call.args[1].value, str) and self.attribute(call.args[1].value)
            target = self.reader.tree.resolve(self.ref.module, callee.id)
            if isinstance(target, str) and target.startswith("builtins."):
                made = getattr(builtins, target[len("builtins."):], None)
                if callee.id == "type" and len(call.args) != 1:
                    return False
                return callee.id in CALLED or isinstance(made, type) and issubclass(made, BaseException)
            return self.elsewhere(target)
        if isinstance(callee, ast.Attribute):
            owner = callee.value
            if isinstance(owner, ast.Constant) and isinstance(owner.value, str):
                return callee.attr in ON_TEXT
            if callee.attr in ASKED:
                return True
            # What its bases have for the same hook, which are examined themselves.
            if isinstance(owner, ast.Call) and ast.unparse(owner.func) == "super":
                return callee.attr in HOOKS or callee.attr == self.name
            if isinstance(owner, ast.Name) and owner.id in ("object", "dict", "list", "tuple", "set", "str"):
                return owner.id not in self.local and callee.attr in HOOKS
            name = ast.unparse(callee)
            if re.fullmatch(r"[\w.]+", name) and name.partition(".")[0] not in self.local:
                return self.elsewhere(self.reader.tree.resolve(self.ref.module, name))
        return False

    def elsewhere(self, target: "Ref | str | None") -> bool:
        """Whether a function or class of a library is plain to call."""
        if isinstance(target, Ref):
            if self.reader.listed.get(f"{target.module}.{target.name}") == "called":
                return True
            return self.reader.own(target) and isinstance(target.node, ast.FunctionDef) and not target.node.decorator_list and (
                Plain(self.reader, target, self.order, self.depth + 1).function(target.node))
        return isinstance(target, str) and (target == "warnings.warn" or self.reader.listed.get(target) == "called")


def letters_of(node: ast.ClassDef, hooks: "dict[str, tuple[str, ...]]") -> str:
    """Letters of hooks that the class itself defines (`HOOKS` of probe.py)."""
    return "".join(letter for letter, names in hooks.items() if any(members(node, name) for name in names))


def read_release(folder: Path, review: Review, listed: "dict[str, str]", reached: "dict[str, set[str]]",
                 hooks: "dict[str, tuple[str, ...]]") -> dict:
    """What candidates.py would answer for a release, of what its sources show."""
    tree = Tree(folder)
    reader = Reader(tree, {root.rstrip("!").partition(".")[0] for root in review.modules}, listed, reached)
    rows, skipped = [], []
    modules: "list[str]" = []
    for root in review.modules:
        modules += [root[:-1]] if root.endswith("!") else tree.names(root)
    for name in dict.fromkeys(modules):
        if any(re.search(pattern, name) for pattern in (*review.exclude_modules, *PROGRAMS)):
            continue
        module = tree.module(name)
        if module is None or module.runs:
            skipped.append(f"{name}: {'it runs a program' if module else 'cannot be read'}")
            continue
        for cls in module.bound.values():
            if isinstance(cls, ast.ClassDef) and f"{name}.{cls.name}" not in listed:
                rows += rows_of(reader, Ref(name, cls.name, cls), review, hooks)
    return {"python": "", "skipped": skipped, "unimported": {}, "rows": rows}


#: Modules that are programs.
PROGRAMS = (r"\.(__main__|_?cli|scripts?|examples?|conftest|setup)(\.|$)", r"\.(test_\w+|\w+_test)$")


def rows_of(reader: Reader, ref: Ref, review: Review, hooks: "dict[str, tuple[str, ...]]") -> "list[dict]":
    """The rows of a class and of classes inside it."""
    path = f"{ref.module}.{ref.name}"
    if any(re.fullmatch(pattern, path) for pattern in review.exclude):
        return []
    found = sorted(reader.judge(ref))
    rows = [{"module": ref.module, "name": ref.name, "use": "restored", "kind": "source",
             "hooks": letters_of(ref.node, hooks), "call": ["-"], "restore": found}]
    for inner in ref.node.body:
        if isinstance(inner, ast.ClassDef):
            rows += rows_of(reader, Ref(ref.module, f"{ref.name}.{inner.name}", inner), review, hooks)
    return rows
