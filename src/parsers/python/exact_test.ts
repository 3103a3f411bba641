import assert from "node:assert/strict";
import { test } from "node:test";
import { readPython } from "./source.ts";

// CPython 3.13 was given each of these with recorders in place of os.system and os.popen: it calls one.

/** Constants that the text is put together of, and comparisons that hold. */
const CONSTANTS = [
  'getattr(os, f"\\x73ystem")("x")',
  'getattr(os, f"{\'systemx\':.6}")("x")',
  'getattr(os, f"{\'system\'!s}")("x")',
  "getattr(os, '\\N{LATIN SMALL LETTER S}ystem')(\"x\")",
  'if 9007199254740993 != 9007199254740992: os.system("x")',
  'if True == 1: os.system("x")',
  'if 1e999-1e999: os.system("x")',
  "getattr(os, 'systXeXm'.replace('X','',1).replace('X',''))(\"x\")",
  "getattr(os, 'Xsystem_X'.replace('X','',1)[:6])(\"x\")",
  "if 'XaX'.replace('X','',1) == 'aX': os.system(\"x\")",
  "getattr(os, ' system x'.split()[0])(\"x\")",
  "getattr(os, 'a-system'.rpartition('-')[2])(\"x\")",
  "getattr(os, 'asystemb'.partition('system')[1])(\"x\")",
  "getattr(os, b'sys\\xfftem'.decode('utf-8','ignore'))(\"x\")",
  "getattr(os, base64.b64decode('c3lz-dGVt').decode())(\"x\")",
  "if int('1_0') == 10: os.system(\"x\")",
  "if str(1.0) == '1.0': os.system(\"x\")",
  "if '%s' % True == 'True': os.system(\"x\")",
  "if '{}'.format(None) == 'None': os.system(\"x\")",
  "if f'{None}' == 'None': os.system(\"x\")",
  'if ~5000000000 == -5000000001: os.system("x")',
  "getattr(os, ['', 'system']['x\ud83d\ude00s'[2] == 's'])(\"x\")",
  "if 'x\ud83d\ude00s'[2] == 's': os.system(\"x\")",
  'if [k for k in {115:1}][0] == 115: os.system("x")',
  "if 'abc'[::-1][0] == 'c': os.system(\"x\")",
  "if -7 // 2 == -4: os.system('x')",
  "if 7 % -2 == -1: os.system('x')",
  "if 'a'.encode('utf-16-le') == b'a\\0': os.system('x')",
  "if not (1 == 1 == 2): os.system('x')",
  "if (0 == False) and (1 != 2): os.system('x')",
  "X = None\nX = X or os.system\nX('x')",
  "(0 and print or os.system)('x')",
  "if b'abc'[0] == 97: os.system('x')",
  "if '\\x85a'.strip() == 'a': os.system('x')",
  "getattr(os, '\\xa0system\\u3000'.strip())('x')",
  "if '\u01c6'.capitalize() == '\u01c5': os.system('x')",
  "if b'\\xe9'.upper() == b'\\xe9': os.system('x')",
  "if 0o17 == 15 and 0x_ff == 255 and 0b11 == 3: os.system('x')",
  "if '%d' % 5 == '5': os.system('x')",
  "if '%s' % 'a%%b' == 'a%%b': os.system('x')",
  "if '%s%%' % ('a',) == 'a%': os.system('x')",
  "if '%(a)s' % {'a': 'b'} == 'b': os.system('x')",
  "if '{a}'.format(a='b') == 'b': os.system('x')",
  "if '{0[0]}'.format('b') == 'b': os.system('x')",
  "if 'a'\\\n 'b' == 'ab': os.system('x')",
  "if rb'\\n' == b'\\\\n': os.system('x')",
  "if str(b'a', 'ascii') == 'a': os.system('x')",
  "if str(b'a\\xff', 'ascii', 'ignore') == 'a': os.system('x')",
  "if str(b'a') == \"b'a'\": os.system('x')",
  "if ord(b'a') == 97: os.system('x')",
  "if ord('\ud83d\ude00') == 128512: os.system('x')",
  "if list(range(3, 0, -1))[0] == 3: os.system('x')",
  "if range(5)[4] == 4: os.system('x')",
  "if list(range(2, 4))[1] == 3: os.system('x')",
  "if min([3, 1]) == 1 and max(1, 3) == 3: os.system('x')",
  "if sum([1, 2]) == 3: os.system('x')",
  "if len('ab') == 2: os.system('x')",
  "if any([0, 1]): os.system('x')",
  "if bool([1]): os.system('x')",
  "if 'a'.join(['b', 'c']) == 'bac': os.system('x')",
  "if b','.join([b'a', b'b']) == b'a,b': os.system('x')",
  "if sorted('ba')[0] == 'a': os.system('x')",
  "if list(reversed([1, 2]))[0] == 2: os.system('x')",
  "if 'abc'.translate({97: 'x'}) == 'xbc': os.system('x')",
  "if 'a,b,c'.split(',', 1)[1] == 'b,c': os.system('x')",
  "if 'a,b,c'.rsplit(',', 1)[0] == 'a,b': os.system('x')",
  "if 'a b\\nc'.splitlines()[0] == 'a b': os.system('x')",
  "if b'ab'.hex(':') == '61:62': os.system('x')",
  "if base64.urlsafe_b64decode('-_8=') == b'\\xfb\\xff': os.system('x')",
  "if base64.b64decode('YQ==YQ==') == b'a': os.system('x')",
];

/** Names, attributes and items that have another value than the first that they are given. */
const REBOUND = [
  "def f(a, b): b('x')\nf(*[len][:1], os.system)",
  '{True: os.system}[1]("x")',
  'V=[print, os.system]\nV.reverse()\nV[0]("x")',
  'V=[print, os.system]\nV.pop(0)\nV[0]("x")',
  'V=[print, os.system]\ndel V[0]\nV[0]("x")',
  'V=[os.system]\nV.insert(0, print)\nV[1]("x")',
  'V=[print, os.system]\nV.sort(key=lambda f: f is print)\nV[0]("x")',
  "exec = print\ndel exec\nexec(\"os.system('x')\")",
  'popen = print\nfrom os import *\npopen("x")',
  'typing.TYPE_CHECKING = True\nif typing.TYPE_CHECKING: os.system("x")',
  "f = lambda *a: a\nif f(1)[0] == 1: os.system('x')",
  "X = False\ndef f():\n    if X: os.system('x')\nX = True\nf()",
  "X = 0\nX += 1\nif X: os.system('x')",
  "X = ''\nfor c in 'ab': X += c\nif X: os.system('x')",
  "X = {}\nif X.get('a', 1): os.system('x')",
  "try:\n    X = False\n    1/0\nexcept Exception as X: pass\nif not 0: os.system('x')",
  "class A:\n    X = False\nA.X = True\nif A.X: os.system('x')",
  "class A:\n    X = False\na = A()\na.X = True\nif a.X: os.system('x')",
  "(X, Y), Z = (0, 1), 2\nif Y: os.system('x')",
  "X, *Y = [0, 1]\nif Y[0]: os.system('x')",
  "def f(a=0):\n    if a: os.system('x')\nf(1)",
  "X = 0\nglobals()['X'] = 1\nif X: os.system('x')",
  "X = [0]\nX[0] = 1\nif X[0]: os.system('x')",
  "X = [0, 1][1:]\nif X[0]: os.system('x')",
  "X = [0]\nX[:] = [1]\nif X[0]: os.system('x')",
  "X = [0, 5]\nX[0:1] = []\nif X[0]: os.system('x')",
  "X = [0] * 2 + [5]\nif X[2]: os.system('x')",
  "X = (0,) + (5,)\nif X[1]: os.system('x')",
  "X = {'a': 0}\nX |= {'a': 1}\nif X['a']: os.system('x')",
  "X = {**{'a': 0}, 'a': 1}\nif X['a']: os.system('x')",
  "if (X := 0) or (X := 1): os.system('x')",
  "match 1:\n  case 2: pass\n  case _: os.system('x')",
  "class A:\n    X = 0\nclass B(A): pass\nA.X = 1\nif B.X: os.system('x')",
  "def f():\n    x = 0\n    def g():\n        nonlocal x\n        x = 1\n    g()\n    if x: os.system('x')\nf()",
  "def f():\n    x = 0\n    def g():\n        if x: os.system('x')\n    x = 1\n    g()\nf()",
  "def f():\n    x = 0\n    yield x\n    x = 1\n    yield x\nif list(f())[1]: os.system('x')",
  "def d(f): return os.system\n@d\ndef g(): pass\ng('x')",
  "for i, x in enumerate([0, 1]):\n    if i == 1: os.system('x')",
  "for a, b in zip([0], [1]):\n    if b: os.system('x')",
  "class A: pass\nA.x = 0\nsetattr(A, 'x', 1)\nif A.x: os.system('x')",
  "class A:\n    def __init__(self): self.x = 0\n    def s(self): self.x = 1\na = A()\na.s()\nif a.x: os.system('x')",
  "def f(l): l[0] = 1\nX = [0]\nf(X)\nif X[0]: os.system('x')",
  "X = 0\nclass A:\n    global X\n    X = 1\nif X: os.system('x')",
  "X = 0\nexec('X = 1')\nif X: os.system('x')",
  "X = 0\nimport other\nother.patch(globals())\nif X: os.system('x')",
  "import sys\nX = 0\nsys._getframe().f_globals['X'] = 1\nif X: os.system('x')",
  "X = 0\nfrom other import X\nif X: os.system('x')",
  "X = 0\nwith open('a') as X: pass\nif X: os.system('x')",
  "X = 0\n[X := 1 for _ in 'a']\nif X: os.system('x')",
];

const SINK = /^(?:os|posix)\.(?:system|popen|<computed>)$|^builtins\.exec$/u;

function assertReported(source: string): void {
  const { calls, cut } = readPython(`import os, base64, typing, random\n${source}\n`);
  assert.ok(
    cut !== undefined || calls.some(({ called, path }) => called && SINK.test(path)),
    source,
  );
}

test("what Python makes of constants is known as Python makes it, or not at all", () => {
  for (const source of CONSTANTS) assertReported(source);
});

test("what is bound, moved or deleted later never hides a call", () => {
  for (const source of REBOUND) assertReported(source);
});

test("a module cannot ask for its own name to hide a call", () => {
  for (const name of ["evil.mod", "setup", "a"]) {
    assertReported(`if __name__ == "${name}": os.system("x")`);
    assertReported(`if __name__.split(".")[-1] == "${name}": os.system("x")`);
  }
  const program = readPython("import os\nif __name__ == '__main__': os.system('x')\n");
  assert.deepEqual(program.calls, []);
});
