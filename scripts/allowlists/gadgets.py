"""gadgets.py ROOT…: functions of installed packages that run what they are given.

Reads sources, imports nothing. A function is one when a parameter of it, unchanged or through a few
assignments and literals around it, becomes the command of `subprocess` or `os.system`, the text of `eval`
or `exec`, the name of an import, or the bytes of an unpickler. Prints a line for each: kind, module, name.
What it prints is read by a person, who puts it under the rules that fit.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

#: Calls by their last names, with the module that must be before them where the name is common.
SINKS = {
    "command": {"subprocess": {"run", "Popen", "call", "check_call", "check_output", "getoutput",
                               "getstatusoutput"},
                "os": {"system", "popen", "execv", "execve", "execvp", "execvpe", "spawnv", "spawnvp"},
                "asyncio": {"create_subprocess_exec", "create_subprocess_shell"}},
    "code": {"": {"eval", "exec"}, "runpy": {"run_path", "run_module"}},
    "import": {"": {"__import__"}, "importlib": {"import_module"}},
    "loader": {"pickle": {"load", "loads"}, "cloudpickle": {"load", "loads"}, "dill": {"load", "loads"},
               "joblib": {"load"}, "marshal": {"loads"}},
}
SKIPPED = {"tests", "test", "testing_data", "node_modules", "_vendor"}


def sink_of(call: ast.Call) -> str | None:
    """The kind of sink that a call is."""
    function = call.func
    if isinstance(function, ast.Name):
        owner, name = "", function.id
    elif isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        owner, name = function.value.id.lstrip("_"), function.attr
    else:
        return None
    for kind, owners in SINKS.items():
        if name in owners.get(owner, ()):
            return kind
    return None


def names_in(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def kinds_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """The sinks that parameters of a function reach."""
    arguments = function.args
    given = {each.arg for each in arguments.posonlyargs + arguments.args + arguments.kwonlyargs}
    given |= {each.arg for each in (arguments.vararg, arguments.kwarg) if each is not None}
    given -= {"self", "cls"}
    found = set()
    for _ in range(2):
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and names_in(node.value) & given:
                for target in node.targets:
                    given |= names_in(target) - {"self"}
            if isinstance(node, ast.Call):
                kind = sink_of(node)
                if kind and node.args and names_in(node.args[0]) & given:
                    found.add(kind)
    return found


def visit(body: list[ast.stmt], module: str, prefix: str) -> None:
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for kind in sorted(kinds_of(node)):
                print(f"{kind}\t{module}\t{prefix}{node.name}")
        elif isinstance(node, ast.ClassDef):
            visit(node.body, module, f"{prefix}{node.name}.")
        elif isinstance(node, (ast.If, ast.Try)):
            visit([*node.body, *node.orelse], module, prefix)


def main(roots: list[str]) -> None:
    for root in map(Path, roots):
        for file in sorted(root.rglob("*.py")):
            parts = file.relative_to(root.parent).with_suffix("").parts
            if SKIPPED & set(parts):
                continue
            if parts[-1] == "__init__":
                parts = parts[:-1]
            try:
                tree = ast.parse(file.read_text(encoding="utf-8"))
            except (SyntaxError, ValueError):
                continue
            visit(tree.body, ".".join(parts), "")


if __name__ == "__main__":
    main(sys.argv[1:])
