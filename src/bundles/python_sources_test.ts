import assert from "node:assert/strict";
import { test } from "node:test";
import { HINT } from "../core/hints.ts";
import { listing } from "./testing/members.ts";
import { claimSource, isClaimed, pythonHints } from "./python_sources.ts";

const hints = (archive: string, ...names: readonly string[]) =>
  Object.fromEntries(
    pythonHints(archive, listing(Object.fromEntries(names.map((name) => [name, ""])))),
  );

test("in a wheel modules run at import, startup files and path files at each start", () => {
  const names = ["pkg/a.py", "sitecustomize.py", "x.pth", "w.data/scripts/tool", "pkg/setup.py"];
  assert.deepEqual(hints("w-1.whl", ...names), {
    "pkg/a.py": HINT.pythonInstalled,
    "sitecustomize.py": HINT.pythonStartup,
    "x.pth": HINT.pythonPath,
    "w.data/scripts/tool": HINT.pythonProgram,
    "pkg/setup.py": HINT.pythonInstalled,
  });
});

test("in a source distribution setup.py runs when it is installed", () => {
  assert.equal(hints("p-1.tar.gz", "p-1/setup.py")["p-1/setup.py"], HINT.pythonInstall);
  assert.equal(hints("p-1.tar.gz", "p-1/deep/setup.py")["p-1/deep/setup.py"], HINT.pythonImport);
  assert.equal(hints("x.zip", "setup.py", "p.dist-info/WHEEL")["setup.py"], HINT.pythonImport);
});

test("in site-packages of a layer the same names run at each start, elsewhere they do not", () => {
  const site = "usr/lib/python3/site-packages";
  assert.equal(
    hints("l.tar", `${site}/usercustomize.py`)[`${site}/usercustomize.py`],
    HINT.pythonStartup,
  );
  const inside = `${site}/sitecustomize/__init__.py`;
  assert.equal(hints("l.tar", inside)[inside], HINT.pythonStartup);
  assert.equal(hints("l.tar", `${site}/a.pth`)[`${site}/a.pth`], HINT.pythonPath);
  assert.equal(hints("l.tar", "src/sitecustomize.py")["src/sitecustomize.py"], HINT.pythonImport);
  assert.equal(hints("l.tar", "src/a.pth")["src/a.pth"], HINT.pythonPathMaybe);
});

test("compiled modules are read, beside their source or without", () => {
  assert.deepEqual(hints("l.tar", "a.pyc", "__pycache__/b.cpython-311.pyc", "c.txt"), {
    "a.pyc": HINT.pythonCompiled,
    "__pycache__/b.cpython-311.pyc": HINT.pythonCached,
  });
});

test("what another bundle judges is left to it, in that listing alone", () => {
  const one = listing({ "handler.py": "", "other.py": "" });
  claimSource(one, "handler.py");
  assert.deepEqual([...pythonHints("m.mar", one).keys()], ["other.py"]);
  assert.deepEqual([isClaimed(one, "handler.py"), isClaimed(one, "other.py")], [true, false]);
  assert.ok(!isClaimed(listing({ "handler.py": "" }), "handler.py"));
});
