import assert from "node:assert/strict";
import { test } from "node:test";
import type { Allowlist } from "../src/rules/toml.ts";
import { problemsOf } from "./check_allowlists.ts";
import { parseEvidence } from "./evidence.ts";

const HEAD = "# What was seen.\nrelease\t0\tlib 1.0\tlib==1.0\tPython 3.11.7\n[lib.core]\n";

/** What is wrong with a list of one name, with one row of evidence. */
function shortcomings(
  use: "filled" | "called" | "restored" | "named",
  row: string,
  { library = "lib", followed = false } = {},
): string[] {
  const list: Allowlist = {
    library,
    version: "1",
    filled: {},
    called: {},
    restored: {},
    named: {},
    [use]: { "lib.core": ["Thing"] },
  };
  return problemsOf(
    list,
    parseEvidence(HEAD + row, "lib.tsv"),
    (_, meaning) => followed && meaning === undefined,
  )
    .map((shortcoming) => shortcoming.replace(/^.*\): |^\w+: /, ""));
}

test("a name with evidence for its use is right", () => {
  assert.deepEqual(shortcomings("called", "Thing\tcalled\tclass\t1"), []);
  assert.deepEqual(shortcomings("restored", "Thing\trestored\tclass\t1\ts\tevent:open\t"), []);
  assert.deepEqual(shortcomings("named", "Thing\tnamed\tfunction\t1\t\tidentity"), []);
});

test("a name without evidence, or with evidence for another use, is refused", () => {
  assert.deepEqual(shortcomings("called", ""), ["no evidence"]);
  assert.deepEqual(shortcomings("called", "Other\t-\tclass\t1"), ["no evidence"]);
  assert.deepEqual(shortcomings("called", "Thing\trestored\tclass\t1"), [
    'the evidence is for "restored"',
  ]);
  assert.deepEqual(shortcomings("called", "Thing\tcalled\tclass\t0"), ["no release has it"]);
  assert.deepEqual(shortcomings("named", "Thing\tnamed\tfunction\t1\nOther\tnamed\tfunction\t1"), [
    'lib.core.Other: evidence for "named", and on no list',
  ]);
});

test("a class of which only the source was read is evidence for no call", () => {
  assert.deepEqual(shortcomings("restored", "Thing\trestored\tsource\t1\t\t-"), []);
  assert.deepEqual(shortcomings("named", "Thing\tnamed\tsource\t1\t\t-\tsource:__repr__"), []);
  assert.deepEqual(shortcomings("restored", "Thing\trestored\tsource\t1\t\t-\tsource:__repr__"), [
    "source:__repr__",
  ]);
  for (const use of ["called", "filled"] as const) {
    assert.deepEqual(shortcomings(use, `Thing\t${use}\tsource\t1`), [
      "its source was read, which is no evidence for a call",
    ]);
  }
});

test("metaclasses, identities and functions that call what they are given are refused", () => {
  for (const use of ["called", "restored", "named"] as const) {
    for (const kind of ["metaclass", "enum-base"]) {
      const refused = kind === "metaclass" || use !== "named" ? [kind] : [];
      assert.deepEqual(
        shortcomings(use, `Thing\t${use}\t${kind}\t1\tm\t${kind}\t${kind}`),
        refused,
      );
    }
  }
  for (
    const finding of ["identity", "calls-argument", "attribute-name", "event:exec", "unexamined"]
  ) {
    assert.deepEqual(shortcomings("called", `Thing\tcalled\tfunction\t1\t\t${finding}`), [finding]);
    assert.deepEqual(shortcomings("restored", `Thing\trestored\tclass\t1\t\t\t${finding}`), [
      finding,
    ]);
  }
  for (const finding of ["event:open", "event:subprocess.Popen", "calls-argument"]) {
    assert.deepEqual(shortcomings("named", `Thing\tnamed\tfunction\t1\t\t${finding}`), [finding]);
  }
});

test("a function that calls what it is given is named where the scanner follows that", () => {
  const of = (finding: string) =>
    shortcomings("named", `Thing\tnamed\tfunction\t1\t\t${finding}`, { followed: true });
  assert.deepEqual(of("calls-argument"), []);
  assert.deepEqual(of("event:open"), ["event:open"]);
});

test("what makes attributes of its arguments is filled, and may do nothing else", () => {
  assert.deepEqual(shortcomings("called", "Thing\tcalled\tclass\t1\t\tattributes"), ["attributes"]);
  assert.deepEqual(shortcomings("filled", "Thing\tfilled\tclass\t1\t\tattributes"), []);
  for (const finding of ["identity", "calls-argument", "attribute-name", "event:exec"]) {
    const row = `Thing\tfilled\tclass\t1\t\tattributes ${finding}`;
    assert.deepEqual(shortcomings("filled", row), [finding]);
    assert.deepEqual(shortcomings("filled", `Thing\tfilled\tclass\t1\t\t\t${finding}`), [finding]);
  }
});

test("what the scanner follows may give back and call, and reaches nothing else for that", () => {
  const followed = { followed: true };
  assert.deepEqual(shortcomings("called", "Thing\tcalled\tfunction\t1\t\tidentity", followed), []);
  assert.deepEqual(shortcomings("called", "Thing\tcalled\tfunction\t1\t\tevent:open", followed), [
    "event:open",
  ]);
});

test("methods that it calls of what it is given must be among those that are watched", () => {
  assert.deepEqual(shortcomings("called", "Thing\tcalled\tfunction\t1\t\tcalls-method:keys"), []);
  assert.deepEqual(
    shortcomings("restored", "Thing\trestored\tclass\t1\ts\t\tcalls-state:frobnicate"),
    [
      "it calls frobnicate, which the scanner does not watch",
    ],
  );
});

test("only collections of many libraries may list what was read and not run", () => {
  assert.deepEqual(shortcomings("restored", "Thing\trestored\tread\t0", { library: "hub" }), []);
  assert.deepEqual(shortcomings("restored", "Thing\trestored\tread\t0"), [
    "its source was read, and it was not run",
  ]);
});

test("a text that stands in many cells is written once", () => {
  const cell = "cell\t0\tcalls-method:frobnicate crash\n";
  const text = HEAD.replace("[lib.core]", `${cell}[lib.core]`) +
    "Thing\tcalled\tclass\t1\t\t@0\t@0";
  const { rows: [row] } = parseEvidence(text, "lib.tsv");
  assert.deepEqual(row?.call, ["calls-method:frobnicate", "crash"]);
  assert.deepEqual(row?.restore, row?.call);
  // What stands for nothing is a finding that nobody knows.
  assert.deepEqual(shortcomings("called", "Thing\tcalled\tclass\t1\t\t@1"), ["@1"]);
});

test("a line that is no row is refused", () => {
  assert.throws(() => parseEvidence(`${HEAD}Thing\tcalled\tclass\tx`, "a.tsv"), /a\.tsv:4/);
  assert.throws(() => parseEvidence("Thing\tcalled\tclass\t1", "a.tsv"), /a\.tsv:1/);
});
