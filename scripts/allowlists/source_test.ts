/**
 * What reading sources says of classes whose doings are known. Python reads them and runs none.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { pythonAvailable } from "../fuzz/python.ts";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-source-test-"));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

/** A library of one release, and one that it builds on, by path. To import any of it ends the interpreter. */
const SOURCES: Readonly<Record<string, string>> = {
  "base/__init__.py": `
from .things import Base as Base, Calling as Calling
`,
  "base/things.py": `
raise SystemExit("imported")
class Base:
    def __setstate__(self, state):
        self.__dict__.update(state)
        self.refresh()
    def refresh(self): pass
    def train(self): pass
class Calling:
    def __repr__(self): return self.shown
    @property
    def shown(self): return "x"
class Unlisted: pass
`,
  "own/__init__.py": "from .inner import Plain",
  "own/program.py": `
def main(): pass
class Beside: pass
main()
`,
  "own/inner.py": `
import abc, enum, os
from dataclasses import dataclass
from typing import Generic, TypeVar, TYPE_CHECKING
import base
from base import Base, Calling
from base.things import Unlisted
T = TypeVar("T")
Alias = base.Base
try:
    from faster import Faster
except ImportError:
    Faster = object
if TYPE_CHECKING:
    from base import Base as OnlyForTypes

def register(cls):
    NAMES.append(cls)
    return cls
def named(name):
    def decorate(cls):
        return cls
    return decorate
def wrap(cls):
    class Wrapped(cls): pass
    return Wrapped

class Plain(abc.ABC): pass
class Parameter(Generic[T], Plain): pass
@dataclass
class Data:
    x: int = 0
@register
class Registered: pass
@named("x")
class Named: pass
@wrap
class Wrapped: pass
class Derived(Base):
    def train(self): os.system(self.command)
class Fitted(Base):
    def train(self): return self.run()
class Aliased(Alias): pass
class Refreshed(Base):
    def refresh(self): return self.run()
class PlainlyRefreshed(Base):
    def refresh(self): self.count = len(self.items)
class Shown(Calling):
    @property
    def shown(self): return self.make()
class OnUnlisted(Unlisted): pass
class OnUnknown(Faster): pass
class OnType(OnlyForTypes): pass
class Metaclass(type): pass
class Metaclass2(type):
    def __getattr__(cls, name): return cls.get(name)
class Made(metaclass=Metaclass): pass
class Asked(metaclass=Metaclass2): pass
class Evaluates:
    def predict(self, x): return eval(self.text)
class Opens:
    def __setstate__(self, state): self.file = open(state["path"])
class Hashes:
    def __hash__(self): return hash((self.a, self.b))
class Calls:
    def __eq__(self, other): return self.compare(other)
class Gets:
    def __getattr__(self, name): return getattr(self.inner, name)
class Text:
    def __repr__(self): return f"{type(self).__name__}({self.x!r})"
class Helped:
    def __len__(self): return size_of(self)
class HelpedBadly:
    def __len__(self): return load(self)
class Setter:
    @property
    def path(self): return self._path
    @path.setter
    def path(self, value): self._path = open(value)
class Outer:
    class Inner:
        def __del__(self): os.remove(self.path)
    class Harmless: pass
class Hidden:
    if True:
        def __str__(self): return os.popen(self.x).read()
class Assigned:
    __str__ = os.getcwd
class Twice: pass
if T:
    class Twice:
        def __setstate__(self, state): open(state)
class OnTwice(Twice): pass
class Kind(enum.Enum):
    A = 1
def size_of(x): return len(x.items)
def load(x): return open(x.path)
`,
};

/** What keeps a class from being restored; nothing for those that may be. */
const WANTED: Readonly<Record<string, readonly string[]>> = {
  Plain: [],
  Parameter: [],
  Data: [],
  Registered: [],
  Named: [],
  Wrapped: ["source:decorator"],
  Derived: ["source:runs:os.system"],
  Fitted: [],
  Aliased: [],
  Refreshed: ["source:refresh"],
  PlainlyRefreshed: [],
  Shown: ["source:shown"],
  OnUnlisted: ["source:base:base.things.Unlisted"],
  OnUnknown: ["source:base:faster.Faster"],
  OnType: ["source:base:OnlyForTypes"],
  Metaclass: ["metaclass"],
  Metaclass2: ["metaclass"],
  Made: [],
  Asked: ["source:metaclass"],
  Evaluates: ["source:runs:eval"],
  Opens: ["source:__setstate__"],
  Hashes: [],
  Calls: ["source:__eq__"],
  Gets: ["source:__getattr__"],
  Text: [],
  Helped: [],
  HelpedBadly: ["source:__len__"],
  Setter: ["source:set:path"],
  Outer: [],
  "Outer.Inner": ["source:__del__"],
  "Outer.Harmless": [],
  Hidden: ["source:runs:os.popen"],
  Assigned: ["source:__str__"],
  OnTwice: ["source:base:Twice"],
  Kind: ["source:base:enum.Enum"],
};

const PROGRAM = `
import json, sys
from pathlib import Path
from review_types import Review
from source import read_release
listed = {"base.things.Base": "restored", "base.things.Calling": "restored"}
answer = read_release(Path(sys.argv[1]), Review(modules=("own",)), listed, {}, {})
json.dump({row["module"] + ":" + row["name"]: row["restore"] for row in answer["rows"]}, sys.stdout)
`;

test(
  "sources say which classes run nothing of their own when they are restored, without being run",
  {
    skip: pythonAvailable() ? false : "no Python",
  },
  () => {
    for (const [path, text] of Object.entries(SOURCES)) {
      mkdirSync(dirname(join(SCRATCH, path)), { recursive: true });
      writeFileSync(join(SCRATCH, path), text);
    }
    const done = spawnSync(process.env["PYTHON"] ?? "python3", ["-c", PROGRAM, SCRATCH], {
      encoding: "utf8",
      env: { ...process.env, PYTHONPATH: FOLDER, PYTHONDONTWRITEBYTECODE: "1" },
    });
    assert.equal(done.status, 0, done.stderr);
    const found = JSON.parse(done.stdout) as Record<string, string[]>;
    for (const [name, findings] of Object.entries(WANTED)) {
      assert.deepEqual(found[`own.inner:${name}`]?.sort(), [...findings].sort(), name);
    }
    assert.equal(
      found["own.program:Beside"],
      undefined,
      "a module that is a program is not listed",
    );
    assert.equal(found["own.inner:Twice"], undefined, "a class with two definitions is not listed");
  },
);
