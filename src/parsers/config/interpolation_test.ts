import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson } from "../config_node.ts";
import { parseJson } from "../json.ts";
import { nodesAt, resolveText } from "./interpolation.ts";

/** The document over which OmegaConf 2.3.1 gave the values below. */
const TEXTS: Readonly<Record<string, string>> = {
  b: "os",
  c: "${a.b}.system",
  d: "${.b}.x",
  e: "${..z}",
  f: "\\${a.b}",
  g: "${oc.select:a.q,dflt}",
  h: "${oc.select:a.b,dflt}",
  i: "${l[1]}",
  j: "${a[b]}",
  k: "${n.${w}}",
  m: '${oc.decode:"xyz"}',
  o: "${oc.env:HOMEX,fallback}",
};
const VALUES: Readonly<Record<string, string>> = {
  b: "os",
  c: "os.system",
  d: "os.x",
  e: "zz",
  f: "${a.b}",
  g: "dflt",
  h: "os",
  i: "q",
  j: "os",
  k: "deep",
  m: "xyz",
  o: "fallback",
};

function document(value: unknown) {
  const { value: read } = parseJson(new TextEncoder().encode(JSON.stringify(value)));
  assert.ok(read !== undefined);
  return fromJson(read);
}

const ROOT = document({ a: TEXTS, z: "zz", l: ["p", "q"], n: { s: "deep" }, w: "s" });

test("interpolations become what OmegaConf makes of them", () => {
  for (const [key, text] of Object.entries(TEXTS)) {
    assert.ok(resolveText(text, ROOT, ["a", key]).texts.includes(VALUES[key] ?? ""), key);
  }
});

test("what comes from outside the document is said to be computed", () => {
  for (const text of ["${oc.env:X}", "${oc.env:X,y}", "${own:1}", "${none}", "${a", "${a.b}${x}"]) {
    assert.equal(resolveText(text, ROOT, ["a", "b"]).computed, true, text);
  }
  assert.equal(resolveText("${a.b}.${w}", ROOT, ["a", "b"]).computed, false);
  assert.deepEqual(resolveText("plain", ROOT, []), { texts: ["plain"], computed: false });
});

test("a key that stands twice gives both values", () => {
  const { value } = parseJson(new TextEncoder().encode('{"a": "x", "a": "y"}'));
  assert.ok(value !== undefined);
  assert.deepEqual(resolveText("${a}", fromJson(value), []).texts, ["x", "y"]);
});

test("interpolations in a circle and multiplying ones end, and say that they are not all", () => {
  const circle = document({ a: "${b}", b: "${a}" });
  assert.equal(resolveText("${a}", circle, []).computed, true);
  const twice = `{${Array.from({ length: 12 }, () => '"a": "x${n}"').join()}, "n": "1"}`;
  const { value } = parseJson(new TextEncoder().encode(twice));
  assert.ok(value !== undefined);
  const { texts, computed } = resolveText("${a}${a}${a}", fromJson(value), []);
  assert.equal(texts.length, 64);
  assert.equal(computed, true);
});

test("a path leads through lists by number and through nothing else", () => {
  assert.equal(nodesAt(ROOT, ["l", "1"]).length, 1);
  assert.equal(nodesAt(ROOT, ["l", "2"]).length, 0);
  assert.equal(nodesAt(ROOT, ["z", "x"]).length, 0);
  assert.equal(nodesAt(ROOT, []).length, 1);
});
