import assert from "node:assert/strict";
import { test } from "node:test";
import { readPython } from "./source.ts";

/**
 * Modules that run a command while they are imported, on ways that no call in the source shows: methods that
 * Python itself calls, exceptions, generators, patterns, hooks of the standard library. CPython 3.13 ran each of
 * them when it was imported (with a command that wrote a file).
 */
const MODULES: Readonly<Record<string, string>> = {
  augmented_globals: `
import os
d = globals()
d |= {"q": os.system}
q("echo hi")
`,
  chained_maps: `
import os, collections
collections.ChainMap({}, vars(os))["system"]("echo hi")
`,
  class_description: `
class K:
    "__import__('os').system('echo hi')"
eval(K.__doc__)
`,
  description: `
def f():
    """__import__('os').system('echo hi')"""
eval(f.__doc__)
`,
  referents: `
import gc, os
[o for o in gc.get_referents(os.__dict__) if getattr(o, "__name__", "") == "system"][0]("echo hi")
`,
  annotations_eval: `
import os, typing
def f(a: 'os.system("echo hi")'): pass
typing.get_type_hints(f)
`,
  argparse_type: `
import os, argparse
p = argparse.ArgumentParser()
p.add_argument("x", type=os.system)
p.parse_args(["echo hi"])
`,
  closing: `
import os, contextlib
class K:
    def close(self): os.system("echo hi")
with contextlib.closing(K()): pass
`,
  codec_error: `
import os, codecs
def e(x):
    os.system("echo hi")
    return "", x.end
codecs.register_error("zz", e)
b"\\xff".decode("ascii", "zz")
`,
  codecs_register: `
import os, codecs
def s(n):
    if n == "zzz": os.system("echo hi")
codecs.register(s)
try: "a".encode("zzz")
except LookupError: pass
`,
  copy_proto: `
import os, copy
class K:
    def __copy__(self):
        os.system("echo hi")
        return 1
copy.copy(K())
`,
  copyreg: `
import os, copyreg, copy
class K: pass
copyreg.pickle(K, lambda k: (os.system, ("echo hi",)))
copy.copy(K())
`,
  exc_args: `
import os
try:
    raise ValueError(os.system)
except ValueError as e:
    e.args[0]("echo hi")
`,
  exc_attr: `
import os
class E(Exception):
    def __init__(self, f): self.f = f
try:
    raise E(os.system)
except E as e:
    e.f("echo hi")
`,
  exc_caught_generic: `
import os
class E(Exception):
    def __str__(self):
        os.system("echo hi")
        return ""
try:
    raise E()
except Exception as e:
    print(e)
`,
  exc_context: `
import os
try:
    try:
        raise ValueError(os)
    finally:
        raise KeyError
except KeyError as e:
    e.__context__.args[0].system("echo hi")
`,
  except_star: `
import os
class E(Exception): pass
try:
    raise ExceptionGroup("x", [E(os.system)])
except* E as e:
    e.exceptions[0].args[0]("echo hi")
`,
  exit_args: `
import os
class C:
    def __enter__(s): pass
    def __exit__(s, t, v, tb):
        v.args[0]("echo hi")
        return True
with C(): raise ValueError(os.system)
`,
  format_map: `
import os
class M(dict):
    def __missing__(self, k):
        os.system("echo hi")
        return ""
"{x}".format_map(M())
`,
  gc_objects: `
import gc
for o in gc.get_objects():
    if type(o).__name__ == "module" and o.__name__ == "posix":
        o.system("echo hi")
        break
`,
  gen_return: `
import os
def g():
    yield 1
    return os.system
def h():
    f = yield from g()
    f("echo hi")
list(h())
`,
  gen_send: `
import os
def g():
    f = yield
    f("echo hi")
    yield
i = g()
next(i)
i.send(os.system)
`,
  gen_throw: `
import os
def g():
    try:
        yield
    except ValueError as e:
        e.args[0]("echo hi")
        yield
i = g()
next(i)
i.throw(ValueError(os.system))
`,
  in_list: `
import os
class K:
    def __eq__(self, o):
        os.system("echo hi")
        return True
1 in [K()]
`,
  inherit_module: `
import os
class K(type(os)): pass
k = K("k")
k.__dict__.update(os.__dict__)
k.system("echo hi")
`,
  int_index: `
import os
class K:
    def __index__(self):
        os.system("echo hi")
        return 1
range(K())
`,
  isinstance_hook: `
import os
class M(type):
    def __instancecheck__(cls, o):
        os.system("echo hi")
        return True
class K(metaclass=M): pass
isinstance(1, K)
`,
  length_hint: `
import os
class K:
    def __iter__(self): return self
    def __next__(self): raise StopIteration
    def __length_hint__(self):
        os.system("echo hi")
        return 1
list(K())
`,
  list_add: `
import os
([print] + [os.system])[1]("echo hi")
`,
  list_lt: `
import os
class K:
    def __lt__(self, o):
        os.system("echo hi")
        return True
    def __eq__(self, o): return False
[K()] < [K()]
`,
  list_mul: `
import os
([os.system] * 2)[1]("echo hi")
`,
  logging_filter: `
import os, logging
class F(logging.Filter):
    def filter(self, r): os.system("echo hi"); return True
l = logging.getLogger("zz")
l.addFilter(F())
l.warning("x")
`,
  logging_handler: `
import os, logging
class H(logging.Handler):
    def emit(self, r): os.system("echo hi")
logging.getLogger("zz").addHandler(H())
logging.getLogger("zz").warning("x")
`,
  match_args_prop: `
import os
class K:
    __match_args__ = ("a",)
    @property
    def a(self):
        os.system("echo hi")
        return 1
match K():
    case K(1): pass
`,
  match_as_or: `
import os
match {"k": [os.system]}:
    case {"k": [f] as g} | {"j": [f] as g}:
        g[0]("echo hi")
`,
  match_class: `
import os
class M(type):
    def __instancecheck__(cls, o):
        os.system("echo hi")
        return True
class K(metaclass=M): pass
match 1:
    case K(): pass
`,
  match_value_eq: `
import os
class K:
    def __eq__(self, o):
        os.system("echo hi")
        return True
match K():
    case 3: pass
`,
  meta_path: `
import os, sys
class F:
    def find_spec(self, n, p=None, t=None):
        if n == "zzz": os.system("echo hi")
sys.meta_path.insert(0, F())
try:
    import zzz
except ImportError: pass
`,
  meta_path_cls: `
import os, sys
class F:
    @classmethod
    def find_spec(cls, n, p=None, t=None):
        os.system("echo hi")
sys.meta_path.append(F)
try:
    import zzz
except ImportError: pass
`,
  module_class: `
import os, sys, types
class M(types.ModuleType):
    def __getattr__(self, n):
        os.system("echo hi")
sys.modules[__name__].__class__ = M
sys.modules[__name__].zzz
`,
  partialmethod: `
import os, functools
class K:
    go = functools.partialmethod(lambda s, f: f("echo hi"), os.system)
K().go()
`,
  percent_getitem: `
import os
class M(dict):
    def __missing__(self, k):
        os.system("echo hi")
        return ""
"%(x)s" % M()
`,
  prepare_ns: `
import os
class NS(dict):
    def __setitem__(self, k, v):
        if k == "q": v("echo hi")
        dict.__setitem__(self, k, v)
class M(type):
    @classmethod
    def __prepare__(m, n, b): return NS()
class K(metaclass=M):
    q = os.system
`,
  print_file: `
import os
class W:
    def write(self, s): os.system("echo hi")
print("x", file=W())
`,
  raise_from: `
import os
try: raise ValueError from KeyError(os.system)
except ValueError as e: e.__cause__.args[0]("echo hi")
`,
  reduce_copy: `
import os, copy
class K:
    def __reduce_ex__(self, p):
        return os.system, ("echo hi",)
copy.copy(K())
`,
  reversed_proto: `
import os
class K:
    def __reversed__(self):
        os.system("echo hi")
        return iter(())
list(reversed(K()))
`,
  singledispatch: `
import os, functools
@functools.singledispatch
def f(x): pass
@f.register
def _(x: int): os.system("echo hi")
f(1)
`,
  stdout_replace: `
import os, sys
class W:
    def write(self, s): os.system("echo hi")
    def flush(self): pass
sys.stdout = W()
print("x")
`,
  subclasses_walk: `
for c in object.__subclasses__():
    if c.__name__ == "_wrap_close":
        c.__init__.__globals__["system"]("echo hi")
`,
  subclasses_walk2: `
[c for c in ().__class__.__base__.__subclasses__() if c.__name__ == "_wrap_close"][0].__init__.__globals__["system"]("echo hi")
`,
  subclasshook: `
import os, abc
class K(abc.ABC):
    @classmethod
    def __subclasshook__(cls, o):
        os.system("echo hi")
        return True
issubclass(int, K)
`,
  super_chain: `
import os
class A:
    def go(self, c): self.f(c)
class B(A):
    f = staticmethod(os.system)
    def go(self, c): super().go(c)
B().go("echo hi")
`,
  sys_modules_next: `
import sys
next(m for n, m in sys.modules.items() if n == "posix").system("echo hi")
`,
  sys_modules_replace: `
import os, sys
sys.modules["json"] = os
import json
json.system("echo hi")
`,
  sys_modules_values: `
import sys, os
for m in list(sys.modules.values()):
    f = getattr(m, "system", None)
    if f:
        f("echo hi")
        break
`,
  thread_target_attr: `
import os, threading
t = threading.Thread()
t.run = lambda: os.system("echo hi")
t.start(); t.join()
`,
  total_ordering: `
import os, functools
@functools.total_ordering
class K:
    def __eq__(self, o): return False
    def __lt__(self, o):
        os.system("echo hi")
        return True
K() >= K()
`,
  tuple_compare: `
import os
class K:
    def __eq__(self, o):
        os.system("echo hi")
        return True
(1, K()) == (1, 2)
`,
  types_module_exec: `
import types
m = types.ModuleType("m")
exec("import os\\ndef f(): os.system('echo hi')", m.__dict__)
m.f()
`,
  typevar_default: `
import os
type X = os.system("echo hi")
X.__value__
`,
  uncaught_tb: `
import os, sys
try:
    1/0
except ZeroDivisionError as e:
    e.__traceback__.tb_frame.f_globals["os"].system("echo hi")
`,
  unpack_call: `
import os
class K:
    def keys(self): return ["a"]
    def __getitem__(self, k): os.system("echo hi")
dict(**K())
`,
  warnings_show: `
import os, warnings
warnings.showwarning = lambda *a, **k: os.system("echo hi")
warnings.warn("x")
`,
  weakref_cb: `
import os, weakref
class K: pass
k = K()
r = weakref.ref(k, lambda _: os.system("echo hi"))
del k
`,
  queue: `
import os, queue
q = queue.Queue()
q.put(os.system)
q.get()("echo hi")
`,
  heapq: `
import os, heapq
h = []
heapq.heappush(h, (1, os.system))
heapq.heappop(h)[1]("echo hi")
`,
  contextvar: `
import os, contextvars
v = contextvars.ContextVar("v")
v.set(os.system)
v.get()("echo hi")
`,
  threading_local: `
import os, threading
l = threading.local()
l.f = os.system
l.f("echo hi")
`,
  proxy_wrapper: `
import os
class W:
    def __init__(self, o): self.__dict__["o"] = o
    def __getattr__(self, n): return getattr(self.o, n)
W(os).system("echo hi")
`,
  class_kwargs: `
import os
class B:
    def __init_subclass__(cls, **kw):
        kw["f"]("echo hi")
class K(B, f=os.system): pass
`,
  set_name_owner: `
import os
class D:
    def __set_name__(self, o, n): getattr(os, n)("echo hi")
class K:
    system = D()
`,
  gc_callbacks: `
import os, gc
gc.callbacks.append(lambda *a: os.system("echo hi"))
gc.collect()
`,
  unittest_mock: `
import os
from unittest import mock
mock.Mock(side_effect=os.system)("echo hi")
`,
  sched: `
import os, sched
s = sched.scheduler()
s.enter(0, 1, os.system, ("echo hi",))
s.run()
`,
  json_hook: `
import os, json
json.loads('{"a": "echo hi"}', object_hook=lambda d: os.system(d["a"]))
`,
  ast_visitor: `
import os, ast
class V(ast.NodeVisitor):
    def visit_Name(self, n): os.system("echo hi")
V().visit(ast.parse("x"))
`,
  html_parser: `
import os, html.parser
class V(html.parser.HTMLParser):
    def handle_starttag(self, t, a): os.system("echo hi")
V().feed("<a>")
`,
  cmd_onecmd: `
import os, cmd
class C(cmd.Cmd):
    def do_x(self, a): os.system("echo hi")
C().onecmd("x")
`,
  prepare_dict: `
import os
class NS(dict):
    def __getitem__(self, k):
        if k == "boom": return os.system
        return dict.__getitem__(self, k)
class M(type):
    @classmethod
    def __prepare__(m, n, b): return NS()
class A(metaclass=M):
    boom("echo hi")
`,
  prepare_missing: `
import os
class NS(dict):
    def __missing__(self, k):
        if k.startswith("__"): raise KeyError(k)
        return getattr(os, k)
class M(type):
    def __prepare__(n, b): return NS()
    __prepare__ = classmethod(lambda c, n, b: NS())
class A(metaclass=M):
    system("echo hi")
`,
  path_hooks: `
import os, sys
def hook(p):
    if p == "zz": os.system("echo hi")
    raise ImportError
sys.path_hooks.insert(0, hook)
sys.path.insert(0, "zz")
sys.path_importer_cache.clear()
try: import nonexist_q
except ImportError: pass
`,
  exc_traceback: `
import os, sys
def f():
    k = os.system
    1/0
try: f()
except ZeroDivisionError as e:
    e.__traceback__.tb_next.tb_frame.f_locals["k"]("echo hi")
`,
  raised_before: `
import os
class E(Exception):
    def __init__(self): self.f = os.system
try:
    try: raise E
    except E: 1/0
except ZeroDivisionError as z: z.__context__.f("echo hi")
`,
  aug_slice: `
import os
class A:
    def __getitem__(self, s): return s.start
    def __setitem__(self, s, v): s.stop(v)
A()["echo hi":os.system] += ""
`,
  slots_desc: `
import os
class A:
    __slots__ = ("f",)
a = A()
A.f.__set__(a, os.system)
A.f.__get__(a)("echo hi")
`,
  tempfile_del: `
import os, tempfile
class A(tempfile.TemporaryDirectory):
    def cleanup(self): os.system("echo hi"); super().cleanup()
with A(): pass
`,
  find_class: `
import os, pickle, io
class U(pickle.Unpickler):
    def find_class(self, m, n): return os.system
U(io.BytesIO(b"cx\\ny\\n(S'echo hi'\\ntR.")).load()
`,
  frame_walk: `
import os, sys
def f():
    k = os
    g()
def g(): sys._getframe(1).f_locals["k"].system("echo hi")
f()
`,
  gi_frame: `
import os
def g():
    k = os.system
    yield
x = g(); next(x)
x.gi_frame.f_locals["k"]("echo hi")
`,
  dc_post: `
import os, dataclasses
@dataclasses.dataclass
class D:
    a: str
    b: dataclasses.InitVar[object] = None
    def __post_init__(self, b): b(self.a)
D("echo hi", os.system)
`,
  kwonly_defaults: `
import os
def f(*, g=print): g("echo hi")
f.__kwdefaults__["g"] = os.system
f()
`,
  del_target: `
import os
class A:
    def __delitem__(self, k): k("echo hi")
del A()[os.system]
`,
  desc_inherit: `
import os
class D(property): pass
class A:
    @D
    def x(self): os.system("echo hi")
A().x
`,
  wrapped_attr: `
import os, functools
def d(f):
    @functools.wraps(f)
    def w(): pass
    return w
@d
def x(): os.system("echo hi")
x.__wrapped__()
`,
  pos_only_name: `
import os
def f(x, /, **k): k["x"]("echo hi")
f(1, x=os.system)
`,
  private_mangle: `
import os
class A:
    __f = os.system
    def go(self): self.__f("echo hi") if 0 else A.__f("echo hi")
A._A__f("echo hi")
`,
  private_mangle2: `
import os
_A__g = os.system
class A:
    def go(self): __g("echo hi")
A().go()
`,
  mangle_setattr: `
import os
class A:
    def go(self): self.__h("echo hi")
a = A()
a._A__h = os.system
a.go()
`,
  mangle_getattr: `
import os
class A:
    def __init__(self): self.__h = os.system
getattr(A(), "_A__h")("echo hi")
`,
  mangle_vars: `
import os
class A:
    def __init__(self): self.__h = os.system
vars(A())["_A__h"]("echo hi")
`,
  mangle_kwargs: `
import os
class A:
    def go(self, __f=None): __f("echo hi")
A().go(_A__f=os.system)
`,
  mangle_global: `
import os
class A:
    def go(self):
        global __q
        __q = os.system
A().go()
_A__q("echo hi")
`,
  joined_mappings: `
import os
x = {"a": print} | {"a": lambda c: os.system(c)}
x["a"]("echo hi")
`,
  one_function_within_itself: `
import os
class A:
    def __iter__(self): yield list({os.system: 1})[0]
class B:
    def __iter__(self): yield list(A())[0]
list(B())[0]("echo hi")
`,
};

/** Names under which the call is reported; one that is computed may be that of another function. */
const REPORTED = /^(?:os|posix)\.(?:system|<computed>)$/u;

for (const [name, text] of Object.entries(MODULES)) {
  test(`what importing a module runs is seen: ${name.replaceAll("_", " ")}`, () => {
    const { calls, cut } = readPython(text);
    assert.equal(cut, undefined);
    assert.ok(
      calls.some(({ called, path }) => called && REPORTED.test(path)),
      calls.map(({ path }) => path).join(" "),
    );
  });
}
