import assert from "node:assert/strict";
import { test } from "node:test";
import * as names from "./names.ts";

test("Python 2 names go where Python 3 has them, names before modules", () => {
  assert.equal(names.python3Path("__builtin__", "xrange"), "builtins.range");
  assert.equal(names.python3Path("__builtin__", "eval"), "builtins.eval");
  assert.equal(names.python3Path("copy_reg", "_reconstructor"), "copyreg._reconstructor");
  assert.equal(names.python3Path("urllib", "urlopen"), "urllib.request.urlopen");
  assert.equal(names.python3Path("itertools", "imap"), "builtins.map");
  assert.equal(names.python3Path("cPickle", "loads"), "pickle.loads");
  assert.equal(names.python3Path("commands", "getoutput"), "subprocess.getoutput");
});

test("a dotted Python 2 name is mapped by its first part", () => {
  assert.equal(names.python3Path("__builtin__", "unicode.join"), "builtins.str.join");
  assert.equal(names.python3Path("urllib", "urlopen.__call__"), "urllib.request.urlopen.__call__");
});

test("a name that is the same in both maps to nothing", () => {
  assert.equal(names.python3Path("os", "system"), undefined);
  assert.equal(names.python3Path("urllib", "parse"), undefined);
  assert.equal(names.python3Path("constructor", "constructor"), undefined);
});

test("modules that Python 3 has too are not Python 2's alone", () => {
  for (
    const module of ["__builtin__", "copy_reg", "cPickle", "commands", "exceptions", "httplib"]
  ) {
    assert.ok(names.isPython2Only(module), module);
  }
  for (const module of ["dbm", "urllib", "os", "itertools", "mylib", "_elementtree"]) {
    assert.ok(!names.isPython2Only(module), module);
  }
});

test("the standard library is known by its roots, private modules of its own included", () => {
  for (
    const path of [
      "os",
      "os.path.join",
      "_pyrepl.pager",
      "_sysconfigdata_x.y",
      "test.support",
      "tomllib",
    ]
  ) {
    assert.ok(names.isStandardLibrary(path), path);
  }
  for (
    const path of [
      "torch",
      "osgeo",
      "__main__.Net",
      "mylib._os",
      "_Private.x",
      "_loss.CyHalfSquaredError",
      "_brand_new.x",
      "numpy",
      "__torch__",
    ]
  ) {
    assert.ok(!names.isStandardLibrary(path), path);
  }
});

test("the ways through a dotted name are all found", () => {
  const none: ReadonlySet<string> = new Set();
  const pathsOf = (global: { module: string; name: string }, inModule: ReadonlySet<string>) =>
    names.reachedPaths(global, inModule).map(({ path, own }) => own ? `own ${path}` : path);
  assert.deepEqual(
    pathsOf({ module: "torch", name: "serialization._os.system" }, none),
    ["serialization._os.system", "_os.system", "os.system", "system"],
  );
  assert.deepEqual(pathsOf({ module: "a.os", name: "b" }, none), ["b"]);
  assert.deepEqual(pathsOf({ module: "a.os", name: "b" }, new Set(["os"])), [
    "own os.b",
    "b",
  ]);
  assert.deepEqual(pathsOf({ module: "os", name: "" }, none), []);
});

test("packages that stand for the standard library are seen through", () => {
  assert.equal(names.withoutMoves("six.moves.builtins"), "builtins");
  assert.equal(names.withoutMoves("a.b.six.moves.urllib.request"), "urllib.request");
  assert.equal(names.withoutMoves("basix.moves.x"), "basix.moves.x");
  assert.equal(names.withoutMoves("six"), "six");
});

test("a dotted name is one of Python identifiers", () => {
  for (const good of ["os", "os.path", "_x1", "Größe.y", "日本"]) {
    assert.ok(names.isDottedName(good));
  }
  for (const bad of ["", ".", "a.", "a b", "1a", "a-b", "a\0", "<lambda>"]) {
    assert.ok(!names.isDottedName(bad), bad);
  }
});

test("underscores before a name are private spelling, around it they are Python's own", () => {
  assert.equal(names.withoutUnderscores("_os"), "os");
  assert.equal(names.withoutUnderscores("__os"), "os");
  assert.equal(names.withoutUnderscores("__builtins__"), "__builtins__");
});
