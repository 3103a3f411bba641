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

test("a function is called however the brackets, names and mappings around it are put", () => {
  const ways = [
    "(os).system('x')",
    "((os.system))('x')",
    "(None or os.system)('x')",
    "(os.system if 1 else 0)('x')",
    "[os.system][0]('x')",
    "{'a': os.system}['a']('x')",
    "(run := os.system)('x')",
    "if (run := os.system): run('x')",
    "a, b = os.system, 1\na('x')",
    "a = b = os.system\na('x')",
    "a: object = os.system\na('x')",
    "for run in [os.system]: run('x')",
    "[run('x') for run in (os.system,)]",
    "vars(os)['system']('x')",
    "os.__dict__['system']('x')",
    "os.__dict__.get('system')('x')",
    "os.__getattribute__('system')('x')",
    "globals()['os'].system('x')",
    "import sys\nsys.modules['os'].system('x')",
    "import shutil\nshutil.os.system('x')",
    "from shutil import os as o\no.system('x')",
    "name = 'sys' + 'tem'\ngetattr(os, name)('x')",
    "import functools\nfunctools.partial(os.system, 'x')()",
    "os.\u017fystem('x')",
    "def f(): run('x')\nrun = os.system\nf()",
    "from os import *\nfrom sys import *\nsystem('x')",
  ];
  for (const way of ways) assert.ok(calls(`import os\n${way}`).includes("os.system"), way);
});

test("a name that is computed is told as such where it hides what of the system is called", () => {
  assert.ok(calls("import os\ngetattr(os, x())('x')").includes("os.<computed>"));
  assert.ok(calls("import os\nvars(os)[x()]('x')").includes("os.<computed>"));
  assert.ok(!calls("import os\ny = getattr(os, x())").includes("os.<computed>"));
  assert.ok(!calls("import a\ngetattr(a, x())('x')").includes("a.<computed>"));
});

test("methods that nothing names run when an object of their class is made or its class defined", () => {
  const method = (name: string, bases = "") =>
    `import os\nclass A${bases}:\n    def ${name}(self, *a):\n        os.system('x')\n`;
  for (const name of ["__enter__", "__add__", "__getattr__", "__del__", "__set_name__"]) {
    assert.ok(calls(`${method(name)}A()`).includes("os.system"), name);
  }
  assert.ok(calls(`${method("f")}A().f()`).includes("os.system"));
  assert.ok(calls(`${method("f")}a = A()\na.f()`).includes("os.system"));
  assert.ok(calls(`${method("f")}class B(A): pass\nB().f()`).includes("os.system"));
  assert.ok(calls(`${method("__init__")}class B(A): pass\nB()`).includes("os.system"));
  assert.ok(
    calls(`${method("__new__", "(type)")}class B(metaclass=A): pass`).includes("os.system"),
  );
  assert.ok(calls(`${method("__init_subclass__")}class B(A): pass`).includes("os.system"));
  assert.ok(calls("import os\ndef __getattr__(name): os.system('x')").includes("os.system"));
  const property = method("p").replace("    def", "    @property\n    def");
  assert.ok(calls(`${property}A().p`).includes("os.system"));
  assert.deepEqual(calls(`${property}`), []);
});

test("what a class inherits runs, however many classes lie between", () => {
  const first = "import os\nclass C0:\n  def __init__(self):\n    os.system('echo hi')\n";
  const derived = Array.from({ length: 300 }, (_, at) => `class C${at + 1}(C${at}): pass\n`);
  assert.ok(calls(`${first}${derived.join("")}C300()`).includes("os.system"));
  const meta = "import os\nclass M0(type):\n  def __new__(cls, *args):\n    os.system('echo hi')\n";
  const metas = Array.from({ length: 300 }, (_, at) => `class M${at + 1}(M${at}): pass\n`);
  assert.ok(calls(`${meta}${metas.join("")}class D(metaclass=M300): pass`).includes("os.system"));
  // A class that is derived from itself, by way of another.
  assert.ok(calls("class A(B): pass\nclass B(A): pass\nA()").includes("A"));
});

test("a lambda runs where it is called, by whatever name, and its defaults where it stands", () => {
  assert.ok(calls("import os\n(lambda: os.system('x'))()").includes("os.system"));
  assert.ok(calls("import os\nf = lambda: os.system('x')\nf()").includes("os.system"));
  assert.ok(calls("import os\nf = lambda a=os.system('x'): a").includes("os.system"));
  assert.ok(calls("import os\n@(lambda f: os.system('x'))\ndef g(): pass").includes("os.system"));
  assert.deepEqual(calls("import os\nf = lambda: os.system('x')"), []);
});

test("a carriage return ends a comment, as it does for Python", () => {
  assert.deepEqual(calls("# x\rimport os\ros.system('x')\r"), ["os.system"]);
  assert.deepEqual(calls("x = 1 # x\rimport os; os.system('x')"), ["os.system"]);
});

test("formatted strings may hold quotes, mappings and formatted strings", () => {
  const fields = [
    `f"{1 + os.system('x')}"`,
    `f'{[os.system(1) for x in {1}]}'`,
    `f"{"a" + str(os.system("x"))}"`,
    `f"{f'{os.system(1)}'}"`,
    `f"{1:{os.system(1)}}"`,
    `f"{{{os.system(1)}}}"`,
    `t"{os.system(1)}"`,
  ];
  for (const field of fields) {
    assert.ok(calls(`import os\ny = ${field}`).includes("os.system"), field);
  }
  assert.deepEqual(calls("import os\ny = f'{{os.system(1)}}'"), []);
});

test("code that is written out for exec is read, and what it calls is told", () => {
  assert.deepEqual(calls('exec("""\nimport os\nos.system(1)\n""")'), ["os.system"]);
  assert.deepEqual(calls("exec('def f(): pass', names)"), []);
  assert.deepEqual(calls("exec('x\\\\x3d1')"), ["builtins.exec"]);
  assert.deepEqual(calls("exec('a' + b)"), ["builtins.exec"]);
  assert.deepEqual(calls("def f():\n    exec('import os; os.system(1)')"), []);
});

test("what is too deeply nested or too often in brackets is not complete", () => {
  assert.equal(readPythonModule("lambda: ".repeat(100_000)).complete, false);
  assert.equal(readPythonModule(`${"(".repeat(20_000)}a${")()".repeat(20_000)}`).complete, false);
  assert.equal(readPythonModule('f"{'.repeat(10_000)).calls.length, 0);
});

test("a module of a million words is read as far as that, and is not complete", () => {
  const { calls, complete } = readPythonModule(
    `import os\nos.a()\n${"1,".repeat(500_000)}\nos.b()`,
  );
  assert.deepEqual(calls.map(({ path }) => path), ["os.a"]);
  assert.equal(complete, false);
});

test("attributes and items that are taken by a function are followed", () => {
  const ways = [
    "import operator\noperator.attrgetter('system')(os)('x')",
    "from operator import attrgetter as take\ntake('system')(os)('x')",
    "import operator\noperator.itemgetter('system')(vars(os))('x')",
    "from operator import methodcaller\nmethodcaller('system', 'x')(os)",
    "import operator\ncall = operator.methodcaller('system', 'x')\ncall(os)",
    "import pkgutil\npkgutil.resolve_name('os:system')('x')",
    "import pydoc\npydoc.locate('os.system')('x')",
    "import importlib\nimportlib.import_module(name='os').system('x')",
    "import sys\nsys.modules[__name__].os.system('x')",
  ];
  for (const way of ways) assert.ok(calls(`import os\n${way}`).includes("os.system"), way);
  const harmless = "import operator\nnames = sorted(x, key=operator.attrgetter('name'))\n" +
    "operator.methodcaller('strip')(y)";
  assert.deepEqual(calls(harmless).filter((path) => !path.startsWith("operator.")), [
    "sorted",
    "y.strip",
  ]);
});

test("what is called behind Python's own list of classes, or a function's names, is told", () => {
  const anything = [
    "().__class__.__bases__[0].__subclasses__()[104]('x')",
    "object.__subclasses__()[5]('x')",
  ];
  for (const way of anything) {
    assert.deepEqual(calls(way), ["builtins.<computed>"], way);
  }
  const known = [
    "().__class__.__base__.__subclasses__()[9].__init__.__globals__['os'].system('x')",
    "().__class__.__base__.__subclasses__()[9].__init__.__globals__['sys'].modules['os'].system('x')",
    "(lambda: 0).__globals__['os'].system('x')",
    "def f(): pass\nf.__globals__.get('os').system('x')",
    "import sys\nsys._getframe().f_globals['os'].system('x')",
  ];
  for (const way of known) assert.ok(calls(way).includes("os.system"), way);
  assert.ok(
    calls("(lambda: 0).__globals__['__builtins__']['exec']('x')").includes("builtins.exec"),
  );
  // Registries ask for their own classes, and decorators for a function's names.
  for (const quiet of ["for c in Base.__subclasses__(): print(c)", "f.__globals__['x'] = 1"]) {
    assert.deepEqual(calls(quiet).filter((path) => path.startsWith("builtins.")), [], quiet);
  }
});

test("a function that something runs later is run, as far as what runs it is known", () => {
  const work = "import os\ndef work(*a):\n    os.system('x')\n";
  const ways = [
    "from concurrent.futures import ThreadPoolExecutor as T\nT().submit(work)",
    "import concurrent.futures as c\nwith c.ProcessPoolExecutor() as p:\n    p.map(work, ['x'])",
    "import multiprocessing\nmultiprocessing.Pool().apply_async(work)",
    "import sys\nsys.excepthook = work",
    "import sys\nsys.displayhook = lambda value: os.system('x')",
    "import threading\nthreading.excepthook = work",
    "import builtins\nbuiltins.print = work",
    "import atexit\n@atexit.register\ndef bye():\n    os.system('x')",
    "import threading\nclass T(threading.Thread):\n    def run(self): os.system('x')\nT().start()",
    "import threading\nclass T(threading.Thread):\n    def run(self): work()\nt = T()\nt.start()",
    "import sys\nsys.settrace(work)",
    "import sys\nsys.addaudithook(lambda *a: work())",
    "import signal\nsignal.signal(signal.SIGTERM, work)",
    "import weakref\nweakref.finalize(x, work)",
    "sorted(['x'], key=work)",
  ];
  const run = (text: string) =>
    callsAtImport(readPythonModule(text), { handed: false }).map(({ path }) => path);
  for (const way of ways) assert.ok(run(work + way).includes("os.system"), way);
  const idle = [
    "import threading\nclass T(threading.Thread):\n    def run(self): os.system('x')\nt = T()",
    "import sys\nhook = work",
    "import sys\nif __name__ == '__main__':\n    sys.excepthook = work",
    "x.callback = work",
    "import atexit\natexit.register(x)\n@decorated\ndef bye():\n    os.system('x')",
    "register(work)",
    "@decorated\ndef bye():\n    os.system('x')",
  ];
  for (const way of idle) assert.ok(!run(work + way).includes("os.system"), way);
});

test("an argument called __name__ gives the module no other name, unless it reaches its names", () => {
  const guarded = "def run():\n    exec('x')\nif __name__ == '__main__':\n    run()\n";
  const text = (line: string) => calls(`import os\n${line}\n${guarded}`);
  assert.deepEqual(text("space = dict(__file__='a',\n    __name__='__main__')"), ["dict"]);
  for (
    const line of [
      "globals().update(__name__='__main__')",
      "globals().update(\n    dict(__name__='__main__'))",
      "a, __name__ = 1, '__main__'",
      "(__name__) = '__main__'\n__name__ = '__main__'",
      "(__name__ := '__main__')",
      "import sys\nsetattr(sys.modules['x'], n, v); dict(__name__='__main__')",
    ]
  ) {
    assert.ok(text(line).includes("run"), line);
  }
});
