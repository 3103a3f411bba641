/**
 * Metamorphic fuzzing of the reader of Python source: modules that reach a call by ways put together at
 * random are run in CPython, with recorders in place of what would do harm, and read. What CPython
 * calls, the reader must report.
 *
 *     deno run -A scripts/fuzz/python_modules.ts --cases 100000 [--seed 1] [--from 0]
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { readPython } from "../../src/parsers/python/source.ts";
import { Dice } from "./dice.ts";

const SCRIPT = fileURLToPath(new URL("python_modules.py", import.meta.url));
/** Modules that Python is sent before its first answer is read. */
const AHEAD = 64;
const SHOWN = 25;

/** A made module, and what it should call. */
interface MadeModule {
  readonly text: string;
  readonly sink: string;
}

const SINKS = [["os", "system"], ["os", "popen"], ["subprocess", "run"], [
  "subprocess",
  "check_output",
]];

const IMPORTS =
  "import os, subprocess, sys, importlib, operator, functools, types, copy, base64, shutil, inspect, " +
  "threading, atexit, collections, itertools, contextlib, dataclasses, enum, builtins, pkgutil, codecs, contextvars, weakref\n";

/** Expressions that give an attribute M.A; N is the name as an expression that gives it. */
const GETTERS: readonly string[] = [
  ..."M.A|getattr(M, N)|vars(M)[N]|M.__dict__[N]|M.__dict__.get(N)|__import__('M').A|importlib.import_module('M').A"
    .split("|"),
  ..."sys.modules['M'].A|getattr(sys.modules['M'], N)|operator.attrgetter(N)(M)|globals()['M'].A|M.__getattribute__(N)"
    .split("|"),
  ..."(lambda: M.A)()|[x for x in (M.A,)][0]|next(iter([M.A]))|eval('M.A')|(M.A or None)|(None or M.A)|(M.A if sys else None)"
    .split("|"),
  ..."{'k': M.A}['k']|{'k': M.A}.get('k')|dict(k=M.A)['k']|functools.reduce(getattr, [N], M)|copy.copy(M.A)|max([M.A], key=id)"
    .split("|"),
  ..."types.SimpleNamespace(f=M.A).f|M.A.__call__|functools.partial(M.A)|[M.A].pop()|(M.A,)[0]|[*[M.A]][0]|[[M.A]][0][0]|(y := M.A)"
    .split("|"),
  ..."importlib.__import__('M').A|pkgutil.resolve_name('M:A')|pkgutil.resolve_name('M.A')|builtins.getattr(M, N)|builtins.__import__('M').A"
    .split("|"),
  ..."list({M.A: 1})[0]|list({'k': M.A}.values())[0]|sorted([M.A], key=id)[0]|list(zip([M.A], [1]))[0][0]|list(filter(None, [M.A]))[0]"
    .split("|"),
  ..."inspect.getmodule(M).A|operator.itemgetter(N)(vars(M))|object.__getattribute__(M, N)|inspect.getattr_static(M, N)|list(map(lambda n: getattr(M, n), [N]))[0]"
    .split("|"),
  ..."[g for n, g in vars(M).items() if n == N][0]|(lambda m: m.A)(M)|(lambda *a: a[0])(M.A)|(lambda **k: k['f'])(f=M.A)|(lambda f=M.A: f)()|collections.deque([M.A]).pop()"
    .split("|"),
  ..."collections.ChainMap({'k': M.A})['k']|next(itertools.chain([M.A]))|list(itertools.repeat(M.A, 1))[0]|next(x for x in [M.A])|collections.namedtuple('T', 'f')(M.A).f"
    .split("|"),
  ..."contextvars.ContextVar('v', default=M.A).get()|collections.defaultdict(lambda: M.A)['q']|[M.A][-1]|[0, M.A][1:][0]|(0, M.A)[::-1][0]|{**{'k': M.A}}['k']"
    .split("|"),
  ..."(lambda: (yield M.A))().__next__()|(M.A for _ in '1').__next__()|min((M.A,), key=id)|__builtins__.getattr(M, N)|vars(builtins)['getattr'](M, N)"
    .split("|"),
  ..."type('T', (), {'f': staticmethod(M.A)}).f|type('T', (), {'f': staticmethod(M.A)})().f|functools.partial(getattr, M)(N)|getattr(M, N, None)|getattr(*[M, N])|getattr(*(M,), *[N])"
    .split("|"),
];

/** Expressions that give a name's text: T is the text, B its bytes. */
const TEXTS: readonly ((text: string) => string)[] = [
  (t) => `'${t}'`,
  (t) => `'${t.slice(0, 2)}' + '${t.slice(2)}'`,
  (t) => `'${[...t].reverse().join("")}'[::-1]`,
  (t) => `''.join([${[...t].map((c) => `'${c}'`).join(", ")}])`,
  (t) => `''.join(map(chr, [${[...t].map((c) => c.charCodeAt(0)).join(", ")}]))`,
  (t) => `''.join(chr(c) for c in [${[...t].map((c) => c.charCodeAt(0)).join(", ")}])`,
  (t) => `''.join(chr(c ^ 1) for c in [${[...t].map((c) => c.charCodeAt(0) ^ 1).join(", ")}])`,
  (t) => `bytes([${[...t].map((c) => c.charCodeAt(0)).join(", ")}]).decode()`,
  (t) => `base64.b64decode('${Buffer.from(t).toString("base64")}').decode()`,
  (t) => `bytes.fromhex('${Buffer.from(t).toString("hex")}').decode('ascii')`,
  (t) => `f"{'${t.slice(0, 3)}'}${t.slice(3)}"`,
  (t) => `'%s${t.slice(1)}' % '${t[0]}'`,
  (t) => `'{}{}'.format('${t.slice(0, 1)}', '${t.slice(1)}')`,
  (t) => `'${t.toUpperCase()}'.lower()`,
  (t) => `'_${t}_'.strip('_')`,
  (t) => `'X${t.slice(1)}'.replace('X', '${t[0]}')`,
  (t) => `'\\x${t.charCodeAt(0).toString(16)}${t.slice(1)}'`,
  (t) => `(lambda s: s)('${t}')`,
  (t) => `['${t}', 'x'][0]`,
  (t) => `str('${t}')`,
  (t) =>
    `codecs.decode('${
      t.replace(/[a-z]/g, (c) => String.fromCharCode((c.charCodeAt(0) - 97 + 13) % 26 + 97))
    }', 'rot13')`,
  (t) => `'a ${t}'.split()[1]`,
  (t) => `'${t.slice(0, 1)}' '${t.slice(1)}'`,
  (t) => `''.join(reversed('${[...t].reverse().join("")}'))`,
  (t) => `''.join(sorted(['${t}']))`,
  (t) => `f"\\x${t.charCodeAt(0).toString(16)}${t.slice(1)}"`,
  (t) => `f"{'${t}xx':.${t.length}}"`,
  (t) => `f"{'${t}'!s}"`,
  (t) => `'\\N{LATIN SMALL LETTER ${t[0]?.toUpperCase()}}${t.slice(1)}'`,
  (t) => `b'${t.slice(0, 2)}\\xff${t.slice(2)}'.decode('utf-8', 'ignore')`,
  (t) => `'X${t}X'.replace('X', '', 1).rstrip('X')`,
  (t) => `'XX${t}'.replace('X', '', 1)[1:]`,
  (t) => `'  ${t} x'.split()[0]`,
  (t) => `'a-${t}'.rpartition('-')[2]`,
  (t) => `'a-${t}-b'.partition('${t}')[1]`,
  (t) => `'a,b,${t}'.split(',', 2)[2]`,
  (t) => `'a b\\n${t}'.splitlines()[1]`,
  (t) => `'\\xa0${t}\\u3000'.strip()`,
  (t) => `{True: '${t}'}[1]`,
  (t) => `['x', '${t}'][~-2]`,
];

/** Statements that give the value E by way of V; what comes last is the expression that has it then. */
const CARRIERS: readonly (readonly [statements: string, value: string])[] = [
  ["V = E", "V"],
  ["V = W = E", "W"],
  ["V, W = E, 1", "V"],
  ["V, *W = 1, E", "W[0]"],
  ["V = []\nV.append(E)", "V[0]"],
  ["V = [None]\nV[0] = E", "V[0]"],
  ["V = {}\nV['a'] = E", "V['a']"],
  ["V = {}\nV.update(a=E)", "V['a']"],
  ["V = {}\nV.setdefault('a', E)", "V.pop('a')"],
  ["class V: a = E", "V.__dict__['a']"],
  ["class V:\n    a = staticmethod(E)", "V.a"],
  ["class V: pass\nV.a = E", "vars(V)['a']"],
  ["class V: pass\nW = V()\nW.a = E", "W.a"],
  ["class V: pass\nW = V()\nsetattr(W, 'a', E)", "getattr(W, 'a')"],
  ["class V: pass\nW = V()\nW.__dict__['a'] = E", "W.a"],
  ["class V:\n    def __init__(self, a): self.a = a", "V(E).a"],
  [
    "class V:\n    def __init__(self, a):\n        self.a = a\n    def get(self):\n        return self.a",
    "V(E).get()",
  ],
  ["class V:\n    @property\n    def a(self): return E", "V().a"],
  ["class V:\n    @functools.cached_property\n    def a(self): return E", "V().a"],
  ["class V:\n    def __getattr__(self, n): return E", "V().anything"],
  ["class V:\n    def __getitem__(self, n): return E", "V()[0]"],
  [
    "class V:\n    def __enter__(self): return E\n    def __exit__(self, *a): pass\nwith V() as W: pass",
    "W",
  ],
  ["class V:\n    def __iter__(self): yield E", "list(V())[0]"],
  ["class V:\n    def __add__(self, o): return E", "(V() + 1)"],
  ["class V:\n    def __get__(self, o, t): return E\nclass W: a = V()", "W().a"],
  ["class V:\n    @classmethod\n    def a(cls): return E", "V.a()"],
  ["class V:\n    @staticmethod\n    def a(): return E", "V.a()"],
  [
    "class V:\n    def a(self): return E\nclass W(V):\n    def a(self): return super().a()",
    "W().a()",
  ],
  [
    "class V:\n    def __init_subclass__(cls, f=None): cls.f = [f]\nclass W(V, f=E): pass",
    "W.f[0]",
  ],
  ["class V(type):\n    def __getattr__(cls, n): return E\nclass W(metaclass=V): pass", "W.zz"],
  ["class V(type):\n    def __call__(cls): return E\nclass W(metaclass=V): pass", "W()"],
  ["class V(enum.Enum):\n    A = (E,)", "V.A.value[0]"],
  ["@dataclasses.dataclass\nclass V:\n    a: object = None", "V(E).a"],
  ["@dataclasses.dataclass\nclass V:\n    a: object = None", "V(a=E).a"],
  ["def V(): return E", "V()"],
  ["def V(x): return x", "V(E)"],
  ["def V(*x): return x[0]", "V(E)"],
  ["def V(**x): return x['a']", "V(a=E)"],
  ["def V(x=E): return x", "V()"],
  ["def V():\n    x = E\n    def W(): return x\n    return W", "V()()"],
  ["def V():\n    global W\n    W = E\nV()", "W"],
  [
    "def V():\n    x = None\n    def W():\n        nonlocal x\n        x = E\n    W()\n    return x",
    "V()",
  ],
  ["def V(): yield E", "next(V())"],
  ["def V(): yield from [E]", "list(V())[0]"],
  ["def V(n): return E if n == 0 else V(n - 1)", "V(3)"],
  ["@functools.lru_cache(maxsize=None)\ndef V(): return E", "V()"],
  ["@functools.wraps(print)\ndef V(): return E", "V()"],
  ["@contextlib.contextmanager\ndef V(): yield E\nwith V() as W: pass", "W"],
  ["for V in [E]: pass", "V"],
  ["for _, V in [(1, E)]: pass", "V"],
  ["for V in (1, E): W = V", "W"],
  ["while True:\n    V = E\n    break", "V"],
  ["V = print\nfor _ in range(3):\n    W = V\n    V = E", "W"],
  ["if sys: V = E\nelse: V = print", "V"],
  ["try:\n    V = E\nexcept Exception: V = None", "V"],
  ["try: raise KeyError\nexcept KeyError: V = E", "V"],
  ["try: pass\nfinally: V = E", "V"],
  ["if (V := E): pass", "V"],
  ["[V := x for x in [E]]", "V"],
  ["V = [x for x in [E]]", "V[0]"],
  ["V = {k: v for k, v in [('a', E)]}", "V['a']"],
  ["V = lambda x=E: x", "V()"],
  ["globals()['V'] = E", "V"],
  ["globals().update(V=E)", "V"],
  ["vars()['V'] = E", "V"],
  ["exec('V = E')", "V"],
  ["exec('W = E', globals())", "W"],
  [
    "W = {'os': os, 'subprocess': subprocess, 'E_': None}\nexec('import os, subprocess, sys, importlib, operator, functools, types, copy, base64, inspect, collections, itertools, builtins, pkgutil, codecs, contextvars\\nV = 1', W)\nW['V'] = E",
    "W['V']",
  ],
  ["sys.modules[__name__].V = E", "V"],
  ["setattr(sys.modules[__name__], 'V', E)", "V"],
  ["os.V = E", "os.V"],
  ["builtins.V = E", "V"],
  ["os.__dict__['V'] = E", "os.V"],
  ["match E:\n    case V: pass", "V"],
  ["match [1, E]:\n    case [_, V]: pass", "V"],
  ["match {'a': E}:\n    case {'a': V}: pass", "V"],
  ["class V:\n    W = E\n    W2 = [W]", "V.W2[0]"],
  ["class V:\n    globals()['V_W'] = E", "V_W"],
  ["V = types.SimpleNamespace()\nV.a = E", "V.a"],
  ["V = collections.defaultdict(list)\nV['a'].append(E)", "V['a'][0]"],
  ["V = [E]\nV += [1]", "V[0]"],
  ["V = [1]\nV.insert(0, E)", "V[0]"],
  ["V = [1]\nV.extend([E])", "V[1]"],
  ["V: object = E", "V"],
  ["def V(f): return f\nW = V(E)", "W"],
  ["def V(f):\n    def W(*a, **k): return f(*a, **k)\n    return W", "V(E)"],
  ["class V:\n    def __call__(self, f): return f", "V()(E)"],
  ["def V(): pass\nV.a = E", "V.a"],
  ["def V(x, /, y, *, z): return z", "V(1, 2, z=E)"],
  ["V = [[], []]\nV[0].append(E)", "V[0][0]"],
  [
    "async def V(): return E\nW = V()\ntry: W.send(None)\nexcept StopIteration as X: W = X.value",
    "W",
  ],
  ["V = functools.partial(lambda a, b: b, 1)", "V(E)"],
  ["V = functools.partialmethod", "E"],
  ["class V:\n    __W = E\n    def get(self): return self.__W", "V().get()"],
  ["class V:\n    def put(self, a): self.__W = a", "(lambda v: (v.put(E), v._V__W)[1])(V())"],
  ["def V(x, /, **k): return k['x']", "V(1, x=E)"],
  ["def V(*, x=None): return x\nV.__kwdefaults__['x'] = E", "V()"],
  [
    "@dataclasses.dataclass\nclass V:\n    a: dataclasses.InitVar[object]\n    def __post_init__(self, a): self.b = a",
    "V(E).b",
  ],
  ["def V():\n    x = E\n    yield\nW = V()\nnext(W)", "W.gi_frame.f_locals['x']"],
  ["def V():\n    x = E\n    return W()\ndef W(): return sys._getframe(1).f_locals['x']", "V()"],
  [
    "def V(f):\n    @functools.wraps(f)\n    def w(): pass\n    return w\nW = V(lambda: E)",
    "W.__wrapped__()",
  ],
  ["class V:\n    __slots__ = ('a',)\nW = V()\nV.a.__set__(W, E)", "W.a"],
  ["class V(property): pass\nclass W:\n    @V\n    def a(self): return E", "W().a"],
  ["class V:\n    def __getitem__(self, s): return s.stop", "V()[1:E]"],
  [
    "class V(Exception): pass\nW = V()\nW.a = E\ntry:\n    try: raise W\n    except V: 1/0\nexcept ZeroDivisionError as X: W = X.__context__",
    "W.a",
  ],
  ["V = weakref.ref(lambda: 0)\nV = E", "V"],
  ["def V(a, b): return b\nW = V(*[1, E])", "W"],
  ["def V(a, b): return b\nW = V(**{'a': 1, 'b': E})", "W"],
  ["V = type('V', (), {'a': (E,)})", "V.a[0]"],
  ["class V:\n    __slots__ = ('a',)\nW = V()\nW.a = E", "W.a"],
  ["class V(dict): pass\nW = V()\nW['a'] = E", "W['a']"],
  ["class V(list): pass\nW = V([E])", "W[0]"],
  ["class V(dict):\n    def __missing__(self, k): return E", "V()['q']"],
  ["del_ = E\nV = del_\ndel del_", "V"],
  ["V = [print, E]\nV.reverse()", "V[0]"],
  ["V = [print, E]\nV.pop(0)", "V[0]"],
  ["V = [print, E]\ndel V[0]", "V[0]"],
  ["V = [print, E]\nV.remove(print)", "V[0]"],
  ["V = [E]\nV.insert(0, print)", "V[1]"],
  ["V = [print]\nV[:] = [E]", "V[0]"],
  ["V = [print, E]\nV.sort(key=lambda f: f is print)", "V[0]"],
  ["V = collections.deque([print, E])\nV.rotate(1)", "V[0]"],
  ["V = collections.deque([print])\nV.appendleft(E)", "V[0]"],
  ["V = {True: E}", "V[1]"],
  ["def V(a, b): return b", "V(*[1, 2][:1], E)"],
  ["V = False\nglobals()['V'] = True\nif V: W = E", "W"],
  ["if __name__ != 'setup': V = E", "V"],
  ["try: raise ValueError(E)\nexcept ValueError as X: W = X.args[0]", "W"],
  [
    "class V(Exception):\n    def __init__(self, f): self.f = f\ntry: raise V(E)\nexcept V as X: W = X.f",
    "W",
  ],
  ["try: raise KeyError from ValueError(E)\nexcept KeyError as X: W = X.__cause__.args[0]", "W"],
  [
    "try:\n    try: raise ValueError(E)\n    finally: raise KeyError\nexcept KeyError as X: W = X.__context__.args[0]",
    "W",
  ],
  ["def V():\n    x = yield\n    yield x\nW = V()\nnext(W)\nX = W.send(E)", "X"],
  [
    "def V():\n    try: yield\n    except ValueError as x: yield x.args[0]\nW = V()\nnext(W)\nX = W.throw(ValueError(E))",
    "X",
  ],
  ["V = [print] + [E]", "V[1]"],
  ["V = [E] * 2", "V[1]"],
  ["V = (print,) + (E,)", "V[-1]"],
  ["class V:\n    a = functools.partialmethod(lambda s, f: f, E)", "V().a()"],
  [
    "class V:\n    def a(self): return self.b()\nclass W(V):\n    def b(self): return E\n    def a(self): return super().a()",
    "W().a()",
  ],
  ["import queue\nV = queue.Queue()\nV.put(E)", "V.get(False)"],
  ["import heapq\nV = []\nheapq.heappush(V, (1, E))", "heapq.heappop(V)[1]"],
  ["V = threading.local()\nV.a = E", "V.a"],
  ["V = types.ModuleType('V')\nV.a = E", "V.a"],
  ["V = types.ModuleType('V')\nexec('def a(): return f', V.__dict__)\nV.f = E", "V.a()"],
  ["match {'a': [E]}:\n    case {'a': [V]}: pass", "V"],
  ["match (1, {'k': E}):\n    case (_, {'k': V}) if True: pass", "V"],
  ["match {'a': 1, 'b': E}:\n    case {'a': 1, **V}: pass", "V['b']"],
  ["match [1, E, 2]:\n    case [_, *V, _]: pass", "V[0]"],
  ["match {'a': [E]}:\n    case {'a': [_] as V} | {'b': V}: pass", "V[0]"],
  [
    "class V:\n    __match_args__ = ('a',)\n    def __init__(self): self.a = E\nmatch V():\n    case V(W): pass",
    "W",
  ],
  ["class V:\n    @property\n    def a(self): return E\nmatch V():\n    case V(a=W): pass", "W"],
  [
    "class V(type):\n    @classmethod\n    def __prepare__(m, n, b): return {'a': E}\nclass W(metaclass=V): b = [a]",
    "W.b[0]",
  ],
  ["V = contextvars.ContextVar('V')\nV.set(E)", "V.get()"],
  ["V = collections.OrderedDict(a=E)", "V.popitem()[1]"],
  ["V = {'a': print} | {'a': E}", "V['a']"],
  ["V = {}\nV |= {'a': E}", "V['a']"],
  ["V = dict.fromkeys('a', E)", "V['a']"],
  ["class V: pass\nfor V.a in [E]: pass", "V.a"],
  ["V = {}\nfor V['a'] in [E]: pass", "V['a']"],
  ["V = {}\nwith contextlib.nullcontext(E) as V['a']: pass", "V['a']"],
  ["def V():\n    try: return print\n    finally: return E", "V()"],
  ["sys.modules['V'] = types.SimpleNamespace(a=E)\nimport V\ndel sys.modules['V']", "V.a"],
  ["class V:\n    def __init_subclass__(cls): cls.b = cls.a\nclass W(V):\n    a = E", "W.b"],
  ["class V:\n    def __set_name__(self, o, n): o.b = E\nclass W: a = V()", "W.b"],
  ["def V(x: E): pass", "V.__annotations__['x']"],
  ["class V:\n    x: E", "V.__annotations__['x']"],
  ["import typing\nclass V:\n    x: E", "typing.get_type_hints(V)['x']"],
  ["def V(x=E): pass", "inspect.signature(V).parameters['x'].default"],
  ["def V(x=E): pass", "V.__defaults__[0]"],
  ["def V(x): return x\nV.__defaults__ = (E,)", "V()"],
  ["def V(*, x): return x\nV.__kwdefaults__ = {'x': E}", "V()"],
  ["def V():\n    x = E\n    return lambda: x", "V().__closure__[0].cell_contents"],
  ["class V: pass\nclass W(V): a = E", "V.__subclasses__()[0].a"],
  [
    "class V: pass\nclass W(V): pass\nclass X:\n    def a(self): return E\nW.__bases__ = (X,)",
    "W().a()",
  ],
  ["sys.modules.update(V=types.SimpleNamespace(a=E))\nimport V\ndel sys.modules['V']", "V.a"],
  ["V = types.ModuleType('V')\nV.__getattr__ = lambda n: E", "V.a"],
  ["class V:\n    a = E", "dict(inspect.getmembers(V))['a']"],
  ["class V:\n    @types.DynamicClassAttribute\n    def a(self): return E", "V().a"],
  [
    "class V:\n    @property\n    def a(self): raise AttributeError\n    def __getattr__(self, n): return E",
    "V().a",
  ],
  ["class V:\n    def __init__(self): self.a = E\nW = type.__call__(V)", "W.a"],
  ["class V:\n    def __class_getitem__(cls, i): return E", "V[0]"],
  ["class V(collections.UserDict): pass\nW = V()\nW['a'] = E", "W['a']"],
  ["V = collections.namedtuple('V', 'a b')(1, E)", "V[1]"],
  ["from typing import NamedTuple\nclass V(NamedTuple):\n    a: object", "V(E).a"],
  ["V = E\ndef W(): return globals()['V']", "W()"],
  ["V = lambda: (lambda: E)", "V()()"],
  ["V = (x for x in [E])", "[*V][0]"],
  ["V = iter([E])", "next(V)"],
  ["V = itertools.tee([E])", "next(V[0])"],
  ["V = types.MappingProxyType({'a': E})", "V['a']"],
  ["V = operator.attrgetter('a')(types.SimpleNamespace(a=E))", "V"],
  ["V = enum.Enum('V', {'A': (E,)})", "V.A.value[0]"],
  ["def V(): V.a = E\nV()", "V.a"],
  [
    "V = print\nasync def W():\n    global V\n    V = E\ntry: W().send(None)\nexcept StopIteration: pass",
    "V",
  ],
  ["type V = E", "V.__value__"],
  ["V = [0, 0]\nV[0:1] = [E]", "V[0]"],
  ["V = [print, E]\nW = 0\nwhile W < 1: W += 1", "V[W]"],
  ["from functools import partial as V", "V(V, E)()()"],
  ["V = dict(zip(['a'], [E]))", "V['a']"],
  ["V = dict([('a', E)])", "V['a']"],
  ["V = {**dict(a=E)}", "V['a']"],
  ["V = functools.reduce(lambda a, b: b, [print, E])", "V"],
  ["V = set()\nV.add(E)", "V.pop()"],
  ["V = frozenset([E])", "next(iter(V))"],
  ["class V:\n    a = E\n    @classmethod\n    def b(cls): return [cls.a]", "V.b()[0]"],
  [
    "class V:\n    def __enter__(self): return self\n    def __exit__(self, *a): pass\n    a = [E]\nwith V() as W: X = W.a",
    "X[0]",
  ],
  ["class V:\n    def __getattribute__(self, n): return E", "V().q"],
  ["class V:\n    def __call__(self): return E\nW = map(lambda f: f(), [V()])", "next(W)"],
];

/** Statements that call the value E. */
const CALLS: readonly string[] = [
  "E('x')",
  "E(*['x'])",
  "E.__call__('x')",
  "V = E('x')",
  "assert E('x') or True",
  "if E('x'): pass",
  "while E('x'): break",
  "list(map(E, ['x']))",
  "for _ in map(E, ['x']): pass",
  "[E(a) for a in 'x']",
  "{E(a): 1 for a in 'x'}",
  "any(E(a) for a in 'x')",
  "sorted(['x'], key=E)",
  "max(['x', 'y'], key=E)",
  "list(filter(E, ['x']))",
  "functools.partial(E, 'x')()",
  "functools.reduce(lambda a, b: E(b), ['x', 'y'])",
  "(lambda f: f('x'))(E)",
  "(lambda: E('x'))()",
  "operator.call(E, 'x')",
  "types.MethodType(E, 'x')()",
  "f\"{E('x')}\"",
  "f\"{1:{E('x') or 1}}\"",
  "'%s' % E('x')",
  "print(E('x'))",
  "str(E('x'))",
  "[1][E('x') or 0]",
  "{'a': E('x')}",
  "(E('x'), 1)",
  "x = 1 if E('x') else 2",
  "E('x') and 1",
  "0 or E('x')",
  "not E('x')",
  "@E\ndef V(): pass",
  "@E\nclass V: pass",
  "def V(a=E('x')): pass",
  "def V(a: E('x')): pass",
  "def V() -> E('x'): pass",
  "class V: x = E('x')",
  "class V:\n    if True: E('x')",
  "class V(E('x') or object): pass",
  "class V:\n    def __init__(self): E('x')\nV()",
  "class V:\n    def __new__(cls): E('x')\nV()",
  "class V:\n    def __del__(self): E('x')\nV()",
  "class V:\n    def __call__(self): E('x')\nV()()",
  "class V:\n    def __str__(self): E('x'); return ''\nstr(V())",
  "class V:\n    def __repr__(self): E('x'); return ''\n'%r' % V()",
  "class V:\n    def __format__(self, s): E('x'); return ''\nf'{V()}'",
  "class V:\n    def __bool__(self): E('x'); return True\nif V(): pass",
  "class V:\n    def __len__(self): E('x'); return 1\nlen(V())",
  "class V:\n    def __eq__(self, o): E('x')\nV() == 1",
  "class V:\n    def __hash__(self): E('x'); return 1\n{V(): 1}",
  "class V:\n    def __lt__(self, o): E('x'); return True\nsorted([V(), V()])",
  "class V:\n    def __contains__(self, o): E('x')\n1 in V()",
  "class V:\n    def __neg__(self): E('x')\n-V()",
  "class V:\n    def __radd__(self, o): E('x')\n1 + V()",
  "class V:\n    def __iadd__(self, o): E('x')\nx = V()\nx += 1",
  "class V:\n    def __setattr__(self, n, v): E('x')\nV().a = 1",
  "class V:\n    def __setitem__(self, n, v): E('x')\nV()[1] = 1",
  "class V:\n    def __delitem__(self, n): E('x')\ndel V()[1]",
  "class V:\n    def __getattribute__(self, n): E('x')\nV().a",
  "class V:\n    def __set_name__(self, o, n): E('x')\nclass W: a = V()",
  "class V:\n    def __init_subclass__(cls): E('x')\nclass W(V): pass",
  "class V:\n    def __class_getitem__(cls, i): E('x')\nV[1]",
  "class V(type):\n    def __new__(m, n, b, d): E('x'); return type.__new__(m, n, b, d)\nclass W(metaclass=V): pass",
  "class V(type):\n    def __init__(c, *a): E('x')\nclass W(metaclass=V): pass",
  "class V(type):\n    @classmethod\n    def __prepare__(m, *a): E('x'); return {}\nclass W(metaclass=V): pass",
  "class V(type):\n    def __getitem__(c, i): E('x')\nclass W(metaclass=V): pass\nW[0]",
  "class V:\n    def __enter__(self): E('x')\n    def __exit__(self, *a): pass\nwith V(): pass",
  "class V:\n    def __enter__(self): pass\n    def __exit__(self, *a): E('x')\nwith V(): pass",
  "class V:\n    def __iter__(self): E('x'); return iter([])\nfor _ in V(): pass",
  "class V:\n    def __iter__(self): return self\n    def __next__(self): E('x'); raise StopIteration\nlist(V())",
  "class V:\n    def __iter__(self): E('x'); return iter([1])\na, = V()",
  "class V:\n    @property\n    def a(self): E('x')\nV().a",
  "class V:\n    a = property(lambda self: E('x'))\nV().a",
  "class V:\n    @property\n    def a(self): pass\n    @a.setter\n    def a(self, v): E('x')\nV().a = 1",
  "class V:\n    def __index__(self): E('x'); return 0\n[1][V()]",
  "class V(Exception):\n    def __init__(self): E('x')\ntry: raise V\nexcept V: pass",
  "class V(threading.Thread):\n    def run(self): E('x')\nV().start()",
  "V = threading.Thread(target=E, args=('x',))\nV.start()\nV.join()",
  "threading.Thread(target=lambda: E('x')).start()",
  "atexit.register(E, 'x')",
  "@atexit.register\ndef V(): E('x')",
  "sys.excepthook = lambda *a: E('x')",
  "def V():\n    E('x')\nV()",
  "def V(f): f('x')\nV(E)",
  "def V(f, *a): f(*a)\nV(E, 'x')",
  "def V(**k): k['f']('x')\nV(f=E)",
  "def V(): yield E('x')\nlist(V())",
  "def V():\n    E('x')\n    yield\nfor _ in V(): pass",
  "async def V(): E('x')\nx = V()\ntry: x.send(None)\nexcept StopIteration: pass",
  "try: E('x')\nexcept Exception: pass",
  "try: 1/0\nexcept ZeroDivisionError: E('x')",
  "try: pass\nfinally: E('x')",
  "with contextlib.suppress(Exception): E('x')",
  "@contextlib.contextmanager\ndef V():\n    E('x')\n    yield\nwith V(): pass",
  "stack = contextlib.ExitStack()\nstack.callback(E, 'x')\nstack.close()",
  "exec(\"E('x')\")",
  "eval(\"E('x')\")",
  "exec(compile(\"E('x')\", 'a', 'exec'))",
  "eval(compile(\"E('x')\", 'a', 'eval'))",
  "exec('def V():\\n  E(1)\\nV()')",
  "lambda_ = lambda f: f\nlambda_(E)('x')",
  "match 1:\n    case 1: E('x')",
  "match 1:\n    case x if E('x'): pass",
  "for _ in range(2): E('x')",
  "import builtins as V\nV.print = E\nprint('x')",
  "V = getattr\nV(E, '__call__')('x')",
  "next(map(E, 'x'))",
  "list(itertools.starmap(E, [('x',)]))",
  "next(iter(lambda: E('x'), 0), 0)",
  "collections.defaultdict(lambda: E('x'))['a']",
  "import re\nre.sub('x', lambda m: str(E('x')), 'x')",
  "copy.copy(E)('x')",
  "weakref.finalize(type('T', (), {})(), E, 'x')",
  "contextvars.copy_context().run(E, 'x')",
  "functools.singledispatch(E)('x')",
  "functools.lru_cache()(E)('x')",
  "dataclasses.field(default_factory=E).default_factory()",
  "@dataclasses.dataclass\nclass V:\n    a: object = dataclasses.field(default_factory=lambda: E('x'))\nV()",
  "@dataclasses.dataclass\nclass V:\n    def __post_init__(self): E('x')\nV()",
  "class V(enum.Enum):\n    A = 1\n    def __init__(self, v): E('x')",
  "def __getattr__(n): E('x')\nimport made as V\nV.zz",
  "class V:\n    def __format__(self, s): E('x'); return ''\nformat(V())",
  "class V(dict):\n    def __missing__(self, k): E('x'); return ''\n'%(x)s' % V()",
  "class V(dict):\n    def __missing__(self, k): E('x'); return ''\n'{x}'.format_map(V())",
  "class V:\n    def __lt__(self, o): E('x'); return True\nsorted([V(), V()])",
  "class V:\n    def __lt__(self, o): E('x'); return True\nW = [V(), V()]\nW.sort()",
  "class V:\n    def __hash__(self): return 1\n    def __eq__(self, o): E('x'); return True\n{V(), V()}",
  "class V:\n    def __eq__(self, o): E('x'); return True\n(1, V()) == (1, 2)",
  "class V:\n    def __eq__(self, o): E('x'); return True\n1 in [V()]",
  "class V:\n    def __eq__(self, o): E('x'); return True\n[V()].index(1)",
  "class V:\n    def __bool__(self): E('x'); return True\nV() and 1",
  "class V:\n    def __bool__(self): E('x'); return True\nall([V()])",
  "class V:\n    def __len__(self): E('x'); return 1\nnot V()",
  "class V:\n    def __bool__(self): E('x'); return True\n[x for x in [V()] if x]",
  "class V:\n    def __gt__(self, o): E('x'); return True\n1 < V() < 3",
  "class V:\n    def __index__(self): E('x'); return 1\nrange(V())",
  "class V:\n    def __bytes__(self): E('x'); return b''\nbytes(V())",
  "class V:\n    def __fspath__(self): E('x'); return ''\nos.path.join('a', V())",
  "class V:\n    def __divmod__(self, o): E('x'); return 1\ndivmod(V(), 1)",
  "class V:\n    def __reversed__(self): E('x'); return iter('')\nreversed(V())",
  "class V:\n    def __iter__(self): return self\n    def __next__(self): raise StopIteration\n    def __length_hint__(self): E('x'); return 1\nlist(V())",
  "class V:\n    def __copy__(self): E('x')\ncopy.copy(V())",
  "class V:\n    def __reduce_ex__(self, p): return E, ('x',)\ncopy.copy(V())",
  "class V(type):\n    def __instancecheck__(cls, o): E('x'); return True\nclass W(metaclass=V): pass\nisinstance(1, W)",
  "class V(type):\n    def __instancecheck__(cls, o): E('x'); return True\nclass W(metaclass=V): pass\nmatch 1:\n    case W(): pass",
  "import abc\nclass V(abc.ABC):\n    @classmethod\n    def __subclasshook__(cls, o): E('x'); return True\nissubclass(int, V)",
  "class V:\n    __match_args__ = ('a',)\n    @property\n    def a(self): E('x')\nmatch V():\n    case V(1): pass",
  "class V:\n    def __eq__(self, o): E('x'); return True\nmatch V():\n    case 3: pass",
  "class V:\n    def __enter__(self): pass\n    def __exit__(self, t, v, tb):\n        v.args[0]('x')\n        return True\nwith V(): raise ValueError(E)",
  "def V():\n    try: yield\n    finally: E('x')\nW = V()\nnext(W)\nW.close()",
  "class V:\n    def find_spec(self, n, p=None, t=None): E('x')\nsys.meta_path.insert(0, V())\ntry: import zzz_q\nexcept ImportError: pass\nsys.meta_path.pop(0)",
  "def V(n): E('x')\ncodecs.register(V)\ntry: 'a'.encode('zzz_q')\nexcept LookupError: pass\ncodecs.unregister(V)",
  "class V:\n    def write(self, s): E('x')\nprint('x', file=V())",
  "import json\njson.loads('{}', object_hook=lambda d: E('x'))",
  "import json\njson.dumps(object(), default=lambda o: E('x'))",
  "import argparse\nV = argparse.ArgumentParser()\nV.add_argument('x', type=E)\nV.parse_args(['x'])",
  "import ast\nclass V(ast.NodeVisitor):\n    def visit_Name(self, n): E('x')\nV().visit(ast.parse('q'))",
  "import string\nclass V(string.Formatter):\n    def get_value(self, *a): E('x'); return ''\nV().format('{x}')",
  "import cmd\nclass V(cmd.Cmd):\n    def do_x(self, a): E('x')\nV().onecmd('x')",
  "import sched\nV = sched.scheduler()\nV.enter(0, 1, E, ('x',))\nV.run()",
  "@functools.singledispatch\ndef V(a): pass\n@V.register\ndef W(a: int): E('x')\nV(1)",
  "@functools.total_ordering\nclass V:\n    def __eq__(self, o): return False\n    def __lt__(self, o): E('x'); return True\nV() >= V()",
  "sorted([1, 2], key=functools.cmp_to_key(lambda a, b: E('x') or 0))",
  "class V(contextlib.ContextDecorator):\n    def __enter__(self): E('x')\n    def __exit__(self, *a): pass\n@V()\ndef W(): pass\nW()",
  "class V:\n    def close(self): E('x')\nwith contextlib.closing(V()): pass",
  "with contextlib.ExitStack() as V: V.push(lambda *a: E('x'))",
  "class V(collections.UserDict):\n    def __getitem__(self, k): E('x')\nV(a=1)['a']",
  "class V(collections.Counter):\n    def __missing__(self, k): E('x')\nV()['q']",
  "def V(): pass\ndef W(): E('x')\nV.__code__ = W.__code__\nV()",
  "def V(): E('x')\ntypes.FunctionType(V.__code__, globals())()",
  "class V(types.ModuleType):\n    def __getattr__(self, n): E('x')\nsys.modules[__name__].__class__ = V\nsys.modules[__name__].zz",
  "class V:\n    def __iter__(self): E('x'); return iter('')\n''.join(V())",
  "class V:\n    def __iter__(self): E('x'); return iter('')\nprint(*V())",
  "class V:\n    def keys(self): return ['a']\n    def __getitem__(self, k): E('x')\ndict(**V())",
  "class V:\n    def __ior__(self, o): E('x')\nx = V()\nx |= 1",
  "class V:\n    def __rrshift__(self, o): E('x')\n1 >> V()",
  "class V:\n    def __invert__(self): E('x')\n~V()",
  "class V: pass\nW = V()\nX = weakref.ref(W, lambda _: E('x'))\ndel W",
  "import asyncio\nasync def V(): E('x')\nasyncio.run(V())",
  "import asyncio\nclass V:\n    def __await__(self):\n        yield from ()\n        E('x')\nasync def W(): await V()\nasyncio.run(W())",
  "import asyncio\nclass V:\n    async def __aenter__(self): E('x')\n    async def __aexit__(self, *a): pass\nasync def W():\n    async with V(): pass\nasyncio.run(W())",
  "import asyncio\nasync def V(): yield E('x')\nasync def W():\n    async for _ in V(): pass\nasyncio.run(W())",
  "class V(dict):\n    def __missing__(self, k):\n        if k == 'zz': return lambda: E('x')\n        raise KeyError(k)\nclass W(type):\n    @classmethod\n    def __prepare__(m, n, b): return V()\nclass X(metaclass=W): zz()",
  "class V:\n    def __delitem__(self, k): k('x')\ndel V()[E]",
  "import pickle, io\nclass V(pickle.Unpickler):\n    def find_class(self, m, n): return E\nV(io.BytesIO(b\"cx\\ny\\n(S'x'\\ntR.\")).load()",
  "import tempfile\nclass V(tempfile.TemporaryDirectory):\n    def cleanup(self): E('x'); super().cleanup()\nwith V(): pass",
  "class V(type):\n    @classmethod\n    def __prepare__(m, n, b): return W()\nclass W(dict):\n    def __setitem__(self, k, v): E('x'); dict.__setitem__(self, k, v)\nclass X(metaclass=V): pass",
  "class V:\n    def __mro_entries__(self, b): E('x'); return ()\nclass W(V()): pass",
  "def V(n, b, d): E('x')\nclass W(metaclass=V): pass",
  "import unittest.mock\nunittest.mock.Mock(side_effect=E)('x')",
  "import html.parser\nclass V(html.parser.HTMLParser):\n    def handle_starttag(self, t, a): E('x')\nV().feed('<a>')",
  "list(iter(lambda: E('x'), None)) if False else next(iter(lambda: E('x'), None), 0)",
  "class V:\n    def __radd__(self, o): E('x'); return 0\nsum([V()])",
  "class V:\n    def __contains__(self, o): E('x'); return True\nassert 1 in V()",
  "try: raise ValueError(E)\nexcept ValueError as X: X.args[0]('x')",
  "class V:\n    def __del__(self, f=E): f('x')\nV()",
  "type('V', (), {'__len__': lambda s: E('x') or 0})().__len__()",
  "class V:\n    def __init__(self): self.h = {}\n    def on(self, n):\n        def d(f):\n            self.h[n] = f\n            return f\n        return d\nW = V()\n@W.on('a')\ndef X(): E('x')\nW.h['a']()",
  "class V:\n    def __delete__(self, o): E('x')\nclass W: a = V()\ndel W().a",
  "class V(type):\n    def mro(cls):\n        E('x')\n        return super().mro()\nclass W(metaclass=V): pass",
  "class V:\n    def __getattr__(self, n): E('x')\n'{0.a}'.format(V())",
  "class V(ExceptionGroup):\n    def derive(self, e):\n        E('x')\n        return V(self.message, e)\ntry: raise V('a', [ValueError(), TypeError()])\nexcept* ValueError: pass\nexcept* TypeError: pass",
  "import unittest\nclass V(unittest.TestCase):\n    def test_x(self): E('x')\nunittest.defaultTestLoader.loadTestsFromTestCase(V).run(unittest.TestResult())",
  "import logging.config\nlogging.config.dictConfig({'version': 1, 'handlers': {'h': {'()': lambda: E('x')}}, 'root': {'handlers': ['h']}})",
  "import importlib.abc\nclass V(importlib.abc.InspectLoader):\n    def get_source(self, n): return 'import os; os.system(1)'\nV().exec_module(types.ModuleType('q'))\nE('x')",
  "class V:\n    def run(self): pass\nclass W(V):\n    def run(self): E('x')\nfor X in V.__subclasses__(): X().run()",
  "vars(__builtins__)['V'] = E\nV('x')",
  "del {0: 1}[E('x') and 0 or 0]",
  "import io\nclass V(io.IOBase):\n    def close(self): E('x')\nV()",
];

/** Blocks around a statement; each runs it. */
const BLOCKS: readonly string[] = [
  "S",
  "S",
  "S",
  "if True:\nI",
  "try:\nI\nexcept SyntaxError: pass",
  "for _q in [1]:\nI",
  "def _f():\nI\n_f()",
  "class _C:\nI",
  "with contextlib.nullcontext():\nI",
  "while True:\nI\n    break",
  "if 1 + 1 == 2:\nI",
  "match 1:\n    case _:\nII",
];

/** Makes a module that calls something that matters, as far as it runs without an error. */
function madeModule(dice: Dice): MadeModule {
  const [module = "os", name = "system"] = SINKS[dice.below(SINKS.length)] ?? [];
  let next = 0;
  const fresh = (text: string): string => {
    const at = ++next;
    return text.replaceAll(/\bV\b/gu, `v${at}`).replaceAll(/\bW\b/gu, `w${at}`)
      .replaceAll("V_W", `g${at}`).replaceAll(/\bW2\b/gu, `u${at}`).replaceAll(/\bX\b/gu, `x${at}`);
  };
  const pick = <T>(items: readonly T[]): T | undefined => items[dice.below(items.length)];
  const text = pick(TEXTS)?.(name) ?? `'${name}'`;
  const getter = pick(GETTERS) ?? "M.A";
  const inText = (value: string, template: string): string =>
    /['"].*\bE\b.*['"]/u.test(template.replaceAll(/'x'/gu, ""))
      ? value.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll('"', '\\"')
      : value;
  let value = getter.replaceAll(/\bM\b/gu, module).replaceAll(/\bA\b/gu, name).replaceAll(
    /\bN\b/gu,
    () => text,
  );
  if (/eval\('/u.test(getter)) {
    value = value.replace(
      /eval\('(.*)'\)/u,
      (_, inner: string) => `eval(${JSON.stringify(inner)})`,
    );
  }
  const lines: string[] = [];
  const carriers = dice.below(4);
  for (let at = 0; at < carriers; at++) {
    const [statements = "V = E", result = "V"] = pick(CARRIERS) ?? [];
    const filled = fresh(`${statements}\0${result}`);
    const [before = "", after = ""] = filled.split("\0");
    const put = (each: string): string => each.replaceAll(/\bE\b/gu, () => inText(value, each));
    const made = put(before);
    lines.push(
      dice.chance(1, 4) && !/global|nonlocal|vars\(\)/u.test(made)
        ? blocked("if True:\nI", made)
        : made,
    );
    value = put(after);
  }
  const call = fresh(pick(CALLS) ?? "E('x')");
  const done = call.replaceAll(/\bE\b/gu, () => inText(value, call));
  lines.push(blocked(pick(BLOCKS) ?? "S", done));
  return { text: `${IMPORTS}${lines.join("\n")}\n`, sink: `${module}.${name}` };
}

function blocked(block: string, statements: string): string {
  const indented = (by: string): string =>
    statements.split("\n").map((line) => by + line).join("\n");
  return block.replace("II", () => indented("        ")).replace(/\bI\b/u, () => indented("    "))
    .replace(/^S$/u, () => statements);
}

const REPORTED =
  /^(?:os\.(?:system|popen)|posix\.system|subprocess\.(?:run|check_output)|(?:os|posix|subprocess|builtins|sys\.modules|importlib)\.<computed>|builtins\.(?:exec|eval))$/u;

/** True when the reader reports a call, or that it is incomplete. */
function isReported(
  { calls, cut }: ReturnType<typeof readPython>,
  sinks: readonly string[],
): boolean {
  if (cut !== undefined) return true;
  const called = new Set(calls.filter((each) => each.called).map(({ path }) => path));
  if ([...called].some((path) => REPORTED.test(path) && path.includes("<"))) return true;
  return sinks.every((sink) =>
    called.has(sink) || (sink === "os.system" && called.has("posix.system"))
  );
}

/** What CPython did with a module. */
interface Answer {
  readonly called: readonly string[];
  readonly error: string | null;
}

/** Seconds in which CPython answers for one module, and the reader too. They take milliseconds; more is a hang. */
const CASE_SECONDS = 20;
/** Modules that one CPython runs: what they leave behind (threads, modules) slows it down. */
const BATCH = 2000;
const PROGRESS_SECONDS = 30;
const HUNG = "no answer in time";

/** CPython with recorders: killed and begun anew where a module hangs or ends it. */
class Oracle {
  #child: ChildProcessByStdio<Writable, Readable, null> | undefined;
  #answers: AsyncIterator<string> | undefined;
  #left = BATCH;
  readonly #waiting: string[] = [];

  /** Modules that were sent and not yet answered for. */
  get waiting(): number {
    return this.#waiting.length;
  }

  send(text: string): void {
    if (this.#child === undefined) this.#start();
    this.#waiting.push(text);
    this.#child?.stdin.write(`${JSON.stringify(text)}\n`);
  }

  /** The answer for the module that has waited longest; an error where there is none. */
  async answer(): Promise<Answer> {
    const line = await this.#line();
    this.#waiting.shift();
    if (line === undefined) {
      this.end();
      if (this.#waiting.length > 0) this.#start();
      return { called: [], error: HUNG };
    }
    if (--this.#left <= 0 && this.#waiting.length === 0) this.end();
    return JSON.parse(line) as Answer;
  }

  /** True once this process ran as many modules as it should: those that wait are to be answered first. */
  get full(): boolean {
    return this.#left <= this.#waiting.length && this.#waiting.length > 0;
  }

  end(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  #start(): void {
    this.#left = BATCH;
    const child = spawn(process.env["PYTHON"] ?? "python3", ["-I", SCRIPT], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    child.stdin.on("error", () => {});
    this.#child = child;
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    for (const text of this.#waiting) child.stdin.write(`${JSON.stringify(text)}\n`);
  }

  /** The next line of CPython; undefined where none comes in time. */
  async #line(): Promise<string | undefined> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), CASE_SECONDS * 1000);
    });
    const next = this.#answers?.next().then(({ value, done }) => done === true ? undefined : value);
    const line = await Promise.race([next, late]);
    clearTimeout(timer);
    return line;
  }
}

/** Reads a module as the scanner does; undefined where that takes too long. */
function readInTime(text: string): ReturnType<typeof readPython> | undefined {
  const end = performance.now() + CASE_SECONDS * 1000;
  const late = new Error(HUNG);
  try {
    return readPython(text, {
      checkDeadline: () => {
        if (performance.now() > end) throw late;
      },
    });
  } catch (error) {
    if (error === late) return undefined;
    throw error;
  }
}

async function main(): Promise<void> {
  const option = (name: string, otherwise: number): number => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? otherwise : Number(process.argv[at + 1]);
  };
  const from = option("from", 0);
  const cases = option("cases", 1000);
  const seed = option("seed", 1);
  const shown = option("shown", SHOWN);
  const oracle = new Oracle();
  let [sent, reached, missed, incomplete, hung] = [from, 0, 0, 0, 0];
  const errors = new Map<string, number>();
  const waiting: MadeModule[] = [];
  const report = (kind: string, at: number, made: MadeModule): void =>
    console.log(`--- case ${at}: ${kind}\n${made.text.slice(IMPORTS.length)}`);
  const sum = (): string =>
    `${reached} reached a call, ${missed} of these not reported, ${incomplete} incomplete, ${hung} hung`;
  let said = performance.now();
  for (let at = from; at < cases; at++) {
    while (sent < cases && waiting.length < AHEAD && !oracle.full) {
      const made = madeModule(new Dice(seed, sent++));
      waiting.push(made);
      oracle.send(made.text);
    }
    const { called, error } = await oracle.answer();
    const made = waiting.shift();
    if (made === undefined) break;
    if (performance.now() - said > PROGRESS_SECONDS * 1000) {
      said = performance.now();
      console.log(`at ${new Date().toISOString()}: cases ${from} to ${at}: ${sum()}`);
    }
    if (error === HUNG) {
      hung++;
      report("CPython gave no answer in time", at, made);
    }
    if (error !== null) errors.set(error, (errors.get(error) ?? 0) + 1);
    if (called.length === 0) continue;
    reached++;
    const source = readInTime(made.text);
    if (source === undefined) {
      hung++;
      report("not read in time", at, made);
      continue;
    }
    if (source.cut !== undefined) {
      incomplete++;
      if (process.argv.includes("--incomplete")) report(source.cut, at, made);
    }
    if (isReported(source, called)) continue;
    if (++missed <= shown) report(`${called.join(", ")} not reported`, at, made);
  }
  oracle.end();
  for (const [error, count] of [...errors].sort((a, b) => b[1] - a[1]).slice(0, 6)) {
    console.log(`${count} ended with ${error}`);
  }
  console.log(`${cases - from} modules, ${sum()}`);
  if (missed + hung > 0) process.exitCode = 1;
}

if (import.meta.main) await main();
