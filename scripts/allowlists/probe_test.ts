/**
 * What the audit sees of functions and classes whose doings are known, in a real interpreter.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { pythonAvailable } from "../fuzz/python.ts";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-probe-test-"));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

/** Names with known doings. */
const EXAMPLES = `
import collections, ctypes, enum, importlib, itertools, os, pathlib, subprocess, time

fopen = ctypes.CDLL(None).fopen

def harmless(*args): return len(args)
def identity(x): return x
def second(x, y): return y
def calls(f): return [f(1)]
def calls_item(items): return [item() for item in items]
def calls_keyword(x, f=None): return [f()]
def calls_method(x): return [x.keys()]
def attribute(x, name): return [getattr(x, name)]
def opens(path): return open(path).read()
def opens_in_c(path):
    if not isinstance(path, pathlib.Path): raise TypeError
    fopen(bytes(path), b"wb")
def evaluates(text): return [eval(text)]
def imports(name): return [importlib.import_module(name)]
def starts(command): return subprocess.run(["/bin/true", command])
def makes_folder(path): os.mkdir(path)
def ends(x): return isinstance(x, int) and ctypes.string_at(0)
def opens_and_ends(path):
    opens_in_c(path)
    os._exit(0)
def waits(x): time.sleep(3600)
def loops(x):
    while isinstance(x, str): pass
def loops_in_c(f):
    f()
    collections.deque(itertools.repeat(0), maxlen=0)
def needs(x): import no_such_library
def refuses(x): raise ImportError("the library is missing", name="other-library")

class Meta(type): pass
class Names(enum.Enum): pass
class Colour(enum.Enum):
    RED = 1
class Plain: pass
class Constructor:
    def __init__(self, f): f()
class Keywords:
    def __init__(self, *, count: int, names: "List[str]", plain: "Plain", maker: "Callable[[int], str]", kind="a"):
        if count < 1 or not isinstance(plain, Plain): raise ValueError
        maker(sorted(names), kind)
class State:
    def __setstate__(self, state): state["f"]()
class Method:
    def __setstate__(self, state):
        self.__dict__.update(state)
        self.refresh()
    def refresh(self): pass
class Needs:
    def __setstate__(self, state):
        try: import no_such_library
        except ImportError: return
        no_such_library.run(state)
class Opens:
    def __setstate__(self, state):
        self.keys = state["items"].keys()
        open(state["path"])
class Evaluates:
    def __setstate__(self, state):
        self.__dict__.update(state)
        if self.formula: eval(self.formula)
class Chooses:
    def __setstate__(self, state):
        self.__dict__ = state
        if self.kind == "program": subprocess.run(["/bin/true"], **(self.options or {}))
class Later:
    def __repr__(self): return eval(self.text)
class Sets:
    def refresh(self): pass
    @property
    def shape(self): return self._shape
    @shape.setter
    def shape(self, value): self.refresh()
class Slots:
    __slots__ = ("_shape", "owner")
    @property
    def size(self): return 0
    @size.setter
    def size(self, value): self.owner()
class SetsAny:
    def __setattr__(self, name, value): open(value)
class SetsNothing:
    @property
    def size(self): return 0
class Cached:
    def generate(self): return iter(())
    def __iter__(self): return iter(self.items) if self.complete else self.generate()
class Items(list):
    def append(self, item): item()
class Gone:
    def __del__(self): os.mkdir(os.path.join(os.getcwd(), "gone-" + str(id(self))))
`;

/** For each name its kind, and what was found when it was called and restored. */
function findings(...names: string[]): Record<string, { call: string[]; restore: string[] }> {
  writeFileSync(join(SCRATCH, "examples.py"), EXAMPLES);
  const script = `
import json, sys
sys.path[:0] = [${JSON.stringify(FOLDER)}, ${JSON.stringify(SCRATCH)}]
import examples, probe
probe.SECONDS = 1
if "loops" in sys.argv: probe.SECONDS, probe.LESS_SECONDS, probe.CRASHES = 0.2, 0.02, 2
if sys.argv[1:] == ["waits"]: probe.LOOK, probe.PATIENCE = 0.1, 2
names = [("examples", name) for name in sys.argv[1:]]
found = probe.probe(names, lambda module, name: getattr(examples, name), ["called"] * len(names))
print(json.dumps({name: each for (_, name), each in zip(names, found)}))
`;
  const { stdout, stderr, status } = spawnSync(process.env["PYTHON"] ?? "python3", [
    "-c",
    script,
    ...names,
  ], {
    cwd: SCRATCH,
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/** The probe watches files by inotify. */
const skip = process.platform !== "linux" ? "no Linux" : !pythonAvailable() && "Python is missing";

test("a name that waits for what does not come is ended", { skip }, () => {
  const { waits } = findings("waits");
  assert.deepEqual(waits?.call, ["crash", "unexamined"]);
});

test(
  "a name that loops shows what it did before, and what it does with other arguments",
  { skip },
  () => {
    const { loops, loops_in_c } = findings("loops", "loops_in_c");
    assert.deepEqual(loops?.call, ["crash"]);
    assert.deepEqual(loops_in_c?.call, ["calls-argument", "crash", "unexamined"]);
  },
);

test("functions show what they do with what they are given", { skip }, () => {
  const found = findings(
    ..."harmless identity second calls calls_item calls_keyword calls_method attribute opens"
      .split(" "),
    ..."opens_in_c evaluates imports starts makes_folder ends opens_and_ends needs refuses".split(
      " ",
    ),
  );
  const seen = (name: string) => found[name]?.call;
  assert.deepEqual(seen("harmless"), []);
  assert.deepEqual(seen("identity"), ["identity"]);
  assert.deepEqual(seen("second"), ["identity"]);
  for (const name of ["calls", "calls_item", "calls_keyword"]) {
    assert.ok(seen(name)?.includes("calls-argument"), name);
  }
  assert.deepEqual(seen("calls_method"), ["calls-method:keys"]);
  assert.deepEqual(seen("attribute"), ["attribute-name"]);
  assert.deepEqual(seen("opens"), ["event:open"]);
  // Compiled code raises no audit event.
  assert.deepEqual(seen("opens_in_c"), ["event:open"]);
  assert.ok(seen("evaluates")?.includes("event:exec"));
  assert.ok(seen("imports")?.includes("event:import"));
  assert.ok(seen("starts")?.includes("event:subprocess.Popen"));
  assert.ok(seen("makes_folder")?.includes("event:os.mkdir"));
  // What it did before it ended is seen, with and without an audit event.
  assert.deepEqual(seen("ends"), ["crash", "event:ctypes.string_at"]);
  assert.ok(seen("opens_and_ends")?.includes("event:open"));
  assert.deepEqual(seen("needs"), ["needs:no_such_library"]);
  assert.deepEqual(seen("refuses"), ["needs:other_library"]);
});

test("classes show what setters do that a state of two parts calls", { skip }, () => {
  const found = findings(..."Sets Slots SetsAny SetsNothing".split(" "));
  assert.deepEqual(found["Sets"]?.restore, ["calls-state:refresh"]);
  assert.ok(found["Slots"]?.restore.includes("calls-argument"));
  assert.ok(found["SetsAny"]?.restore.includes("event:open"));
  assert.deepEqual(found["SetsNothing"]?.restore, []);
});

test("an object shows what it does where an attribute is nothing", { skip }, () => {
  const { Cached } = findings("Cached");
  assert.ok(Cached?.restore.includes("iterate:calls-state:generate"));
});

test("classes show what calling and restoring them does", { skip }, () => {
  const found = findings(
    ..."Meta Names Colour Plain Constructor Keywords State Method Items Gone Needs Opens Evaluates Later Chooses"
      .split(" "),
  );
  assert.deepEqual(found["Meta"]?.call, ["metaclass"]);
  assert.deepEqual(found["Names"]?.restore, ["enum-base"]);
  assert.deepEqual(found["Colour"]?.call, []);
  assert.deepEqual(found["Plain"]?.restore, []);
  assert.deepEqual(found["Constructor"]?.call, ["calls-argument"]);
  assert.deepEqual(found["Constructor"]?.restore, []);
  assert.deepEqual(found["Keywords"]?.call, ["calls-argument"]);
  assert.ok(found["State"]?.restore.includes("calls-argument"));
  assert.ok(found["Method"]?.restore.includes("calls-state:refresh"));
  assert.ok(found["Items"]?.restore.includes("calls-argument"));
  // A text is opened or evaluated, and a recorder is not.
  assert.ok(found["Opens"]?.restore.includes("event:open"));
  assert.ok(found["Evaluates"]?.restore.includes("event:exec"));
  assert.ok(found["Chooses"]?.restore.includes("event:subprocess.Popen"));
  assert.ok(found["Later"]?.restore.includes("representation:event:exec"));
  assert.deepEqual(found["Needs"]?.restore, ["needs:no_such_library"]);
  assert.ok(found["Gone"]?.restore.includes("event:os.mkdir"));
});

/** The oldest Python that an audit runs on, or an empty text. */
function oldestPython(): string {
  const script = `
import sys
sys.path.insert(0, ${JSON.stringify(FOLDER)})
import environments
versions = {tuple(map(int, each.python.split("."))) for each in environments.releases() if not each.source}
print(environments.interpreter_of(".".join(map(str, min(versions)))))
`;
  const found = spawnSync(process.env["PYTHON"] ?? "python3", ["-c", script], { encoding: "utf8" });
  return found.status === 0 ? found.stdout.trim() : "";
}

const oldest = skip === false ? oldestPython() : "";

test("the oldest Python that audits run on reads the review", {
  skip: skip || (oldest === "" && "no such Python"),
}, () => {
  const { status, stderr } = spawnSync(oldest, [
    "-c",
    `import sys; sys.path.insert(0, ${JSON.stringify(FOLDER)}); import candidates`,
  ], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
});
