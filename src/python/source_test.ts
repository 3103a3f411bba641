import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readPythonModule } from "./source.ts";
import { callsAtImport } from "./source_calls.ts";

/** What importing a source calls. */
function calls(text: string, ...classes: string[]): string[] {
  return callsAtImport(readPythonModule(text), { classes }).map(({ path }) => path);
}

test("calls at module level are seen, by whatever name the module was imported", () => {
  assert.deepEqual(calls("import os\nos.system('x')"), ["os.system"]);
  assert.deepEqual(calls("import os as o; o.system('x')"), ["os.system"]);
  assert.deepEqual(calls("from os import system as s\ns('x')"), ["os.system"]);
  assert.deepEqual(calls("from os import (path,\n  system)\nsystem('x')"), ["os.system"]);
  assert.deepEqual(calls("import a.b.c\na.b.c.d()"), ["a.b.c.d"]);
  assert.deepEqual(calls("from os import *\nsystem('x')"), ["os.system"]);
  assert.deepEqual(calls("import os\nrun = os.system\nrun('x')"), ["os.system"]);
});

test("names in strings are followed where they are constants", () => {
  assert.deepEqual(calls("__import__('os').system('x')"), ["builtins.__import__", "os.system"]);
  assert.deepEqual(calls("import importlib\nimportlib.import_module('os').system('x')"), [
    "importlib.import_module",
    "os.system",
  ]);
  assert.deepEqual(calls("import os\ngetattr(os, 'system')('x')"), [
    "builtins.getattr",
    "os.system",
  ]);
  assert.deepEqual(calls("__builtins__['exec']('x')"), ["builtins.exec"]);
});

test("class bodies, decorators, defaults and blocks run at import", () => {
  assert.deepEqual(calls("import os\nclass A:\n    x = os.system('x')\n"), ["os.system"]);
  assert.deepEqual(calls("import os\n@os.system\ndef f(): pass"), ["os.system"]);
  assert.deepEqual(calls("import os\ndef f(a=os.system('x')):\n    os.remove('y')"), ["os.system"]);
  assert.deepEqual(calls("import os\ntry:\n  if 1:\n    os.system('x')\nexcept: pass"), [
    "os.system",
  ]);
  assert.deepEqual(calls("import os\nif True: os.system('x')"), ["os.system"]);
  assert.deepEqual(calls("import os\nx = f'{os.system(1)}'"), ["os.system"]);
  assert.deepEqual(calls("import os\nlist(map(os.system, ['x']))"), ["list", "map", "os.system"]);
});

test("functions run at import when something at import calls them", () => {
  const source = "import os\ndef g():\n    os.system('x')\ndef f():\n    g()\n";
  assert.deepEqual(calls(source), []);
  assert.deepEqual(calls(`${source}f()`), ["os.system", "g", "f"]);
  const made = "import os\nclass A:\n    def __init__(self):\n        self.go()\n" +
    "    def go(self):\n        os.system('x')\n    def stay(self):\n        os.remove('x')\n";
  assert.deepEqual(calls(made), []);
  assert.deepEqual(calls(`${made}A()`), ["self.go", "os.system", "A"]);
  assert.deepEqual(calls(made, "A"), ["self.go", "os.system"]);
});

test("what an import does not reach is not told", () => {
  assert.deepEqual(calls("import os\nif __name__ == '__main__':\n    os.system('x')"), []);
  const both = (words: string) => calls(`import os\nif ${words}:\n    os.system('x')`);
  assert.deepEqual(both("DEBUG and __name__ == '__main__'"), []);
  assert.deepEqual(both("DEBUG or __name__ == '__main__'"), ["os.system"]);
  assert.deepEqual(both("not (DEBUG and __name__ == '__main__')"), ["os.system"]);
  assert.deepEqual(both("not TYPE_CHECKING and DEBUG"), ["os.system"]);
  for (const lie of ["'TYPE_CHECKING'", "'__name__ == __main__'", "'__name__' == '__main__'"]) {
    assert.deepEqual(both(lie), ["os.system"], lie);
  }
  for (
    const lie of ["TYPE_CHECKING = True", "TYPE_CHECKING: bool = 1", "import os as TYPE_CHECKING"]
  ) {
    const source = `import os\n${lie}\nif TYPE_CHECKING:\n    os.system('x')`;
    assert.deepEqual(calls(source), ["os.system"], lie);
  }
  const usual = "import os\nTYPE_CHECKING = False\nif TYPE_CHECKING:\n    os.system('x')";
  assert.deepEqual(calls(usual), []);
  assert.deepEqual(calls("import os\nif TYPE_CHECKING:\n    os.system('x')"), []);
  assert.deepEqual(calls("import os\nasync def f():\n    os.system('x')"), []);
  assert.deepEqual(calls("import os\ndef f(): os.system('x')\nx = 1"), []);
  assert.deepEqual(calls("import os\nf = lambda: os.system('x')"), []);
  assert.deepEqual(calls("# os.system('x')\n'''\nos.system('x')\n'''\n"), []);
});

test("modules beside this one are named", () => {
  const { relativeImports } = readPythonModule(
    "from .configuration_x import C\nfrom . import util\nfrom .a.b import c\nimport os",
  );
  assert.deepEqual(relativeImports, ["configuration_x", "util", "a/b"]);
});

test("odd and broken source does not stop the reader", () => {
  const odd = [
    "",
    "(((",
    "'''",
    "def",
    "class",
    "@",
    "from",
    "import",
    "x = (",
    "\\",
    "\\\n",
    "é = 1",
  ];
  for (const text of odd) calls(text);
  const own = readFileSync(new URL("./source.ts", import.meta.url), "utf8");
  for (let at = 0; at < own.length; at += 97) calls(own.slice(at, at + 500));
  const start = Date.now();
  calls("a.b(".repeat(20_000));
  calls("lambda: ".repeat(20_000));
  calls(`${"f(".repeat(2000)}${")".repeat(2000)}`);
  calls("'".repeat(100_000));
  assert.ok(Date.now() - start < 60_000);
});
