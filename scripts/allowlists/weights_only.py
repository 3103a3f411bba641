#!/usr/bin/env python3
"""Writes src/pickle/weights_only/allowed.ts: what PyTorch's restricted unpickler lets a checkpoint name.

    weights_only.py WHEEL…          wheels of torch, of any platform: their source is read and nothing run
    weights_only.py --oracle        compares what is read of the installed torch with what that torch says

Sources: `torch/_weights_only_unpickler.py`, `torch/storage.py`, `torch/__init__.py`,
`torch/cuda/__init__.py`. The classes of tensors (`torch._tensor_classes`) are made in C++ (`torch/csrc/tensor/python_tensor.cpp`) and the same in all of these
releases; they stand below.
"""

import ast
import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / "src/pickle/weights_only/allowed.ts"
FILES = (
    "torch/_weights_only_unpickler.py",
    "torch/storage.py",
    "torch/__init__.py",
    "torch/cuda/__init__.py",
)

# What `str(dtype)` gives for the further names of a type.
DTYPES = {
    "double": "float64",
    "float": "float32",
    "half": "float16",
    "long": "int64",
    "int": "int32",
    "short": "int16",
    "cdouble": "complex128",
    "cfloat": "complex64",
    "chalf": "complex32",
}

SCALARS = "Double Float Half BFloat16 Long Int Short Char Byte Bool".split()
TENSOR_CLASSES = [
    f"{module}.{scalar}Tensor"
    for module in ("torch", "torch.cuda", "torch.sparse", "torch.cuda.sparse")
    for scalar in SCALARS
    if not ("sparse" in module and scalar == "Bool")
]


def attribute(node):
    """`torch.uint8` as text."""
    if isinstance(node, ast.Attribute):
        return f"{attribute(node.value)}.{node.attr}"
    if isinstance(node, ast.Name):
        return node.id
    raise SyntaxError(f"no name: {ast.dump(node)}")


def dtype(name):
    last = name.removeprefix("torch.")
    return "torch." + DTYPES.get(last, last)


def function(tree, name):
    return next(it for it in ast.walk(tree) if isinstance(it, ast.FunctionDef) and it.name == name)


def returned(tree, name):
    """Keys or items of what a function returns literally."""
    value = next(it.value for it in ast.walk(function(tree, name)) if isinstance(it, ast.Return))
    return [attribute(it) for it in (value.keys if isinstance(value, ast.Dict) else value.elts)]


def assigned(tree, name):
    for node in tree.body:
        target = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(node, ast.Assign):
            (target, *_) = node.targets
        if isinstance(target, ast.Name) and target.id == name and isinstance(node.value, ast.Set):
            return [attribute(it) for it in node.value.elts]
    raise SyntaxError(f"there is no {name}")


def allowed(unpickler, storage, module, cuda):
    """The keys of `_get_allowed_globals()`."""
    tree = ast.parse(unpickler)
    body = function(tree, "_get_allowed_globals")
    names = set()
    for node in ast.walk(body):
        # rc: dict = {"collections.OrderedDict": …}
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict):
            names |= {key.value for key in node.value.keys}
        # rc["torch._tensor._rebuild_from_type_v2"] = …
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            key = node.targets[0].slice
            if isinstance(key, ast.Constant):
                names.add(key.value)
        if isinstance(node, ast.For):
            names |= of_loop(node, tree, storage, (module, cuda))
    return sorted(names)


def of_loop(node, tree, storage, modules):
    over = ast.unparse(node.iter)
    stored = ast.parse(storage)
    if "_dtype_to_storage_type_map" in over:
        return {dtype(it) for it in returned(stored, "_dtype_to_storage_type_map")}
    if "_new_dtypes" in over:
        return {dtype(it) for it in returned(stored, "_new_dtypes")}
    if numbered := re.fullmatch(r"\[getattr\(torch, f'(u?int)\{x\}'\) for x in range\(1, 8\)\]", over):
        return {f"torch.{numbered[1]}{x}" for x in range(1, 8)}
    if over == "torch._tensor_classes":
        return set(TENSOR_CLASSES)
    if over == "torch._storage_classes":
        module, cuda = modules
        classes = assigned(ast.parse(module), "_storage_classes")
        added = re.findall(r"^torch\._storage_classes\.add\((\w+)\)$", cuda, re.MULTILINE)
        return {
            f"torch.storage.{it}" if it in ("TypedStorage", "UntypedStorage") else f"torch.{it}"
            for it in classes
        } | {f"torch.cuda.{it}" for it in added}
    if over == "_tensor_rebuild_functions()":
        return set(returned(tree, "_tensor_rebuild_functions"))
    if isinstance(node.iter, ast.List):
        return {attribute(it) for it in node.iter.elts}
    raise SyntaxError(f"a loop that is not known: {over}")


def of_wheel(path):
    with zipfile.ZipFile(path) as archive:
        texts = [archive.read(name).decode() for name in FILES]
    release = re.match(r"torch-(\d+\.\d+)\.", path.name)[1]
    return release, allowed(*texts)


def page(releases):
    """The module's text: what all releases have, and what each adds."""
    common = sorted(set.intersection(*(set(names) for _, names in releases)))
    lines = [
        "// Generated by scripts/allowlists/weights_only.py from the source of the releases. Do not edit.",
        "",
        "/** Releases of PyTorch, and what each lets a checkpoint name besides {@linkcode ALLOWED_BY_ALL}. */",
        "export const ALLOWED_BY: Readonly<Record<string, readonly string[]>> = {",
    ]
    for release, names in releases:
        own = sorted(set(names) - set(common))
        lines.append(f'  "{release}": [' + ("" if own else "],"))
        if own:
            lines += [f'    "{name}",' for name in own] + ["  ],"]
    lines += ["};", "", "/** What all of these releases allow. */"]
    lines += ["export const ALLOWED_BY_ALL: readonly string[] = ["]
    lines += [f'  "{name}",' for name in common] + ["];", ""]
    return "\n".join(lines)


def oracle():
    import torch
    from torch._weights_only_unpickler import _get_allowed_globals

    folder = Path(torch.__file__).parent.parent
    read = set(allowed(*((folder / name).read_text() for name in FILES)))
    real = set(_get_allowed_globals())
    for name in sorted(read ^ real):
        print("only", "read" if name in read else "real", name)
    print(f"torch {torch.__version__}: {len(real)} globals, {len(read ^ real)} differ")
    return len(read ^ real)


if __name__ == "__main__":
    if sys.argv[1:] == ["--oracle"]:
        sys.exit(oracle())
    found = [of_wheel(Path(path)) for path in sys.argv[1:]]
    TARGET.write_text(page(found))
    for release, names in found:
        print(f"{release}: {len(names)} globals")
