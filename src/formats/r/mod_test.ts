import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { forwardSource } from "../../sources/forward.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { FileReport } from "../../core/types.ts";
import { rdsFormat } from "./mod.ts";
import { assertCutsNeverClean } from "../testing/cuts.ts";
import { run, type Seen } from "../testing/scan.ts";
import { SWEEP } from "../../parsers/testing/sweep.ts";

const rules = loadRules();
const SAFE = new URL("../../../testdata/r/safe/", import.meta.url);
const HARMFUL = new URL("../../../testdata/r/harmful/", import.meta.url);

const HEADER = [0x580a, 2, 0x40202, 0x20300];
const NIL = 254;
const UNBOUND = 252;
const HAS_TAG = 1 << 10;
/** As many empty lists. */
const NILS = (count: number): number[] => Array<number>(count).fill(NIL);

/** XDR items: numbers are integers, texts CHARSXPs. The first number is the notation's two bytes. */
function xdr(...items: readonly (number | string)[]): Uint8Array {
  return xdrOf(items);
}

function xdrOf(items: readonly (number | string)[]): Uint8Array {
  const parts = items.map((item, at) => {
    if (typeof item === "string") {
      const text = Buffer.from(item);
      const head = Buffer.alloc(8);
      head.writeInt32BE(0x40009);
      head.writeInt32BE(text.length, 4);
      return Buffer.concat([head, text]);
    }
    const bytes = Buffer.alloc(at === 0 ? 2 : 4);
    if (at === 0) bytes.writeUInt16BE(item);
    else bytes.writeInt32BE(item | 0);
    return bytes;
  });
  return new Uint8Array(Buffer.concat(parts));
}

/** The same items many times between others. Bytes are repeated, not lists of numbers. */
function repeated(
  before: readonly (number | string)[],
  items: readonly (number | string)[],
  times: number,
  after: readonly (number | string)[] = [],
): Uint8Array {
  const one = xdrOf([0, ...items]).subarray(2);
  const head = xdrOf([...HEADER, ...before]);
  const tail = xdrOf([0, ...after]).subarray(2);
  const bytes = new Uint8Array(head.length + one.length * times + tail.length);
  bytes.set(head);
  for (let at = 0; at < times; at++) bytes.set(one, head.length + at * one.length);
  bytes.set(tail, bytes.length - tail.length);
  return bytes;
}

/** A call of a function with one text. */
function call(name: string, text = "echo hi"): (number | string)[] {
  return [6, 1, name, 2, 16, 1, text, NIL];
}

function scanItems(...items: readonly (number | string)[]): Promise<Seen> {
  return run(rdsFormat, xdr(...HEADER, ...items), { name: "m.rds" });
}

/** Role and name of what was reported. */
function reported({ facts }: Seen): string[] {
  return facts.flatMap(({ fact }) => fact.kind === "operator" ? [`${fact.role} ${fact.name}`] : []);
}

async function report(bytes: Uint8Array, name = "m.rds"): Promise<FileReport> {
  return await scanSource(bytesSource(name, bytes), { rules });
}

test("a promise that nothing looked at is reported where no program can put one", async () => {
  const promise = [5, UNBOUND, ...call("system")];
  const places: readonly (readonly (number | string)[])[] = [
    promise,
    [19, 1, ...promise],
    [2, ...promise, NIL],
    [20, 2, NIL, ...promise],
    [2 | 1 << 9, 2 | 1 << 10, 1, "class", ...promise, NIL, NIL, NIL],
    [22, ...promise, NIL],
    [25 | 1 << 9, 2 | 1 << 10, 1, "slot", ...promise, NIL],
    [3, NIL, ...promise],
    [4, 0, 242, 2 | 1 << 10, 1, "v", 19, 1, ...promise, NIL, NIL, NIL],
    [238, ...promise, NIL, NIL],
  ];
  for (const items of places) {
    const seen = await scanItems(...items);
    assert.ok(reported(seen).includes("unbound promise"), JSON.stringify(items));
    assert.equal(seen.unread, false, JSON.stringify(items));
  }
});

test("a promise of an environment is judged by what it calls", async () => {
  const bound = (
    name: string,
  ) => [4, 0, 242, 2 | 1 << 10, 1, "v", 5 | 1 << 10, 253, UNBOUND, ...call(name), NIL, NIL, NIL];
  assert.deepEqual(reported(await scanItems(...bound("mean"))), ["delayed mean"]);
  assert.equal((await report(xdr(...HEADER, ...bound("mean")))).verdict, "clean");
  assert.equal((await report(xdr(...HEADER, ...bound("system")))).verdict, "dangerous");
  const table = (
    name: string,
  ) => [4, 0, 242, NIL, 19, 2, NIL, 2 | 1 << 10, 1, "v", 5, UNBOUND, ...call(name), NIL, NIL];
  assert.deepEqual(reported(await scanItems(...table("f"))), ["delayed f"]);
});

test("values of dots are bound, those of other lists in an environment are not", async () => {
  const promise = [5, UNBOUND, ...call("f")];
  const bound = (
    ...value: (number | string)[]
  ) => [4, 0, 242, 2 | 1 << 10, 1, "...", ...value, NIL, NIL, NIL];
  assert.deepEqual(reported(await scanItems(...bound(17, ...promise, 2, ...promise, NIL))), [
    "delayed f",
  ]);
  assert.deepEqual(reported(await scanItems(...bound(2, ...promise, NIL))), ["unbound promise"]);
});

test("a promise that has its value, or whose expression calls nothing, is harmless", async () => {
  for (
    const items of [
      [5, NIL, ...call("system")],
      [5, UNBOUND, 1, "x"],
      [5, UNBOUND, 16, 1, "x"],
      [5, UNBOUND, NIL],
    ]
  ) {
    assert.deepEqual(reported(await scanItems(...items)), [], JSON.stringify(items));
  }
});

test("calls hide behind no way of naming a function", async () => {
  const env = (
    ...expression: (number | string)[]
  ) => [4, 0, 242, 2 | 1 << 10, 1, "v", 5, UNBOUND, ...expression, NIL, NIL, NIL];
  const inner: readonly (readonly (number | string)[])[] = [
    call("system"),
    [6, 1, "{", 2, ...call("system"), NIL],
    [6, 6, 1, "::", 2, 1, "base", 2, 1, "system", NIL, 2, 16, 1, "x", NIL],
    [6, 1, "do.call", 2, 16, 1, "system", 2, 16, 1, "x", NIL],
    [6, 1, "lapply", 2, 16, 1, "x", 2, 1, "system", NIL],
    [21, 1, 13, 1, 12, 2, 6, NIL, 0, 1, "system", 2, NIL, 0, 16, 1, "x", 0, NIL, 0, NIL],
    [21, 1, 13, 1, 12, 1, 1, 1, "system"],
    [21, 1, 13, 1, 12, 1, 21, 13, 1, 12, 1, 244, 0, 240, NIL, NIL, 0, 1, "system", 0, NIL],
  ];
  for (const expression of inner) {
    const seen = await scanItems(...env(...expression));
    assert.ok(reported(seen).includes("delayed system"), JSON.stringify(expression));
    assert.equal(seen.unread, false, JSON.stringify(expression));
  }
});

test("a call is shown as R would write it", async () => {
  const seen = await scanItems(
    5,
    UNBOUND,
    6,
    1,
    "f",
    2 | 1 << 10,
    1,
    "n",
    13,
    2,
    1,
    -2147483648,
    2,
    6,
    255 + (1 << 8),
    NIL,
    NIL,
  );
  const [fact] = seen.facts;
  assert.ok(fact?.fact.kind === "operator");
  assert.equal(fact.fact.expression, "a promise of f(n = c(1, NA), f())");
});

test("functions are recognised by what they call, also those among the defaults of parameters", async () => {
  const closure = [3, 2 | 1 << 10, 1, "a", ...call("system"), NIL, ...call("sum")];
  const seen = await scanItems(...closure);
  assert.deepEqual(reported(seen).sort(), ["closure sum", "closure system", "present function"]);
});

test("active bindings are those of environments", async () => {
  const active = 2 | 1 << 10 | 1 << 27;
  const closure = [3, NIL, ...call("system")];
  const seen = await scanItems(4, 0, 242, active, 1, "now", ...closure, NIL, NIL, NIL);
  assert.ok(reported(seen).includes("active system"));
  assert.ok(
    !reported(await scanItems(active, 1, "now", ...closure, NIL)).includes("active system"),
  );
});

test("functions that R runs at its start count in workspaces only", async () => {
  const closure = [3, NIL, ...call("cat")];
  const items = xdr(...HEADER, 2 | 1 << 10, 1, ".First", ...closure, NIL);
  const workspace = new Uint8Array(Buffer.concat([Buffer.from("RDX2\n"), items]));
  assert.ok(reported(await run(rdsFormat, workspace)).includes("startup .First"));
  assert.ok(!reported(await run(rdsFormat, items)).includes("startup .First"));
});

test("every harmful sample cut anywhere is never clean, and real models neither", async () => {
  const files: readonly (readonly [URL, string])[] = [
    [HARMFUL, "promise.rds"],
    [HARMFUL, "promise_v3.rds"],
    [HARMFUL, "promise_ascii.rds"],
    [HARMFUL, "promise_binary.rds"],
    [HARMFUL, "bytecode.rds"],
    [HARMFUL, "workspace_v3.RData"],
    [SAFE, "odd_v2_xdr.rds"],
    [SAFE, "odd_v3_ascii.rds"],
  ];
  for (const [folder, name] of files) {
    const complete = new Uint8Array(readFileSync(new URL(name, folder)));
    // What stands behind the last word of ASCII is a line feed.
    const last = complete.at(-1) === 0x0a ? complete.length - 1 : complete.length;
    await assertCutsNeverClean(name, complete.subarray(0, last));
  }
});

test("a stream without a known size that is cut off is reported", async () => {
  const bytes = xdr(...HEADER, 14, 1000, 0, 0);
  const source = forwardSource(
    "m.rds",
    (async function* () {
      await Promise.resolve();
      yield bytes;
    })(),
  );
  const seen = await run(rdsFormat, bytes, { source });
  assert.deepEqual(seen.rules, ["r-truncated"]);
});

test("lengths and numbers that lie are errors, and cost nothing", async () => {
  const lies: readonly (readonly (number | string)[])[] = [
    [14, 2_147_483_647],
    [14, -1, 65_536, -1],
    [14, -1, 65_537, 0],
    [13, -2],
    [16, 2_147_483_647],
    [19, 2_147_483_647, NIL],
    [9, 2_147_483_647],
    [9, -2],
    [7, -1],
    [7, 2_147_483_647],
    [255 + (1 << 8)],
    [255, 0],
    [255, -1],
    [249, 1, 1],
    [249, 0, 2_147_483_647],
    [21, 2_147_483_647, 13, 0, 2_147_483_647],
    [21, 0, 13, 0, -5, 26],
    [26],
    [0],
    [246],
  ];
  for (const items of lies) {
    const seen = await scanItems(...items);
    assert.ok(seen.unread, JSON.stringify(items));
  }
});

test("every byte of a real model changed to its opposite breaks nothing", async () => {
  for (const name of ["lm_v3_xdr.rds", "odd_v2_ascii.rds", "forced_promise.rds"]) {
    const complete = new Uint8Array(readFileSync(new URL(name, SAFE)));
    for (let at = 2; at < complete.length; at += name.startsWith("lm") ? 7 * SWEEP : SWEEP) {
      const changed = complete.slice();
      changed[at] = ~(changed[at] ?? 0) & 0xff;
      const seen = await run(rdsFormat, changed);
      assert.ok(seen.error === undefined || /cells|deep/u.test(seen.error.message), name);
    }
  }
});

test("nesting costs no stack and ends at a limit", async () => {
  const deep = (depth: number) => repeated([], [19, 1], depth, [NIL]);
  assert.equal((await run(rdsFormat, deep(100_000))).unread, false);
  const seen = await run(rdsFormat, deep(300_000));
  assert.match(seen.error?.message ?? "", /deep in one another/);
});

test("what was seen before a limit counts", async () => {
  const promise = [19, 2, 5, UNBOUND, ...call("system")];
  const { verdict } = await report(repeated(promise, [19, 1], 300_000, [NIL]));
  assert.equal(verdict, "dangerous");
});

test("long chains are read in a loop, and code beyond all reason is a limit", async () => {
  assert.equal((await run(rdsFormat, repeated([], [2, NIL], 400_000, [NIL]))).unread, false);
  const seen = await run(rdsFormat, repeated([6, 1, "f"], [2, NIL], 1_000_001, [NIL]));
  assert.match(seen.error?.message ?? "", /cells of code/);
});

test("functions in one another are each reported once, however deep they lie", async () => {
  const depth = 3000;
  const functions = Array.from({ length: depth }, (_, index) => [
    ...[3 | HAS_TAG, 253, NIL],
    ...[6, 1, `f${index}`, 2],
  ]).flat();
  const { facts } = await run(rdsFormat, xdrOf([...HEADER, ...functions, ...NILS(depth + 1)]));
  const calls = facts.filter(({ fact }) => fact.kind === "operator" && fact.role === "closure");
  assert.equal(calls.length, depth);
  assert.ok(calls.every(({ count }) => count === 1));
});

test("a call whose cells are used again and again is written only in part", async () => {
  // f(f(f(…), f(…), …), …): each cell is used nineteen times in the next one.
  const again = (of: number) => Array.from({ length: 19 }, () => [2, NIL, 243, of]).flat();
  const cells = Array.from({ length: 12 }, (_, index) => [
    ...[244, index, 6, NIL, 0, 1, "system"],
    ...(index === 0 ? [] : again(index - 1)),
    ...[0, NIL],
  ]).flat();
  const body = [21, 12, 13, 0, 12, ...cells];
  const seen = await scanItems(3 | HAS_TAG, 253, NIL, ...body);
  assert.deepEqual(reported(seen).toSorted(), ["closure system", "present function"]);
  assert.equal(seen.unread, false);
});

test("code that functions in one another hold counts together, that of functions side by side does not", async () => {
  const body = Array.from({ length: 1000 }, () => [2, NIL]).flat();
  const one = [3 | HAS_TAG, 253, NIL, 6, 1, "f", ...body, NIL];
  const apart = await run(rdsFormat, repeated([19, 1100], one, 1100));
  assert.deepEqual([apart.unread, apart.error], [false, undefined]);
  const outer = [3 | HAS_TAG, 253, NIL, 6, 1, "f"];
  const together = await run(rdsFormat, repeated(outer, [2, ...one], 1100, [NIL]));
  assert.match(together.error?.message ?? "", /cells of code/);
});

test("versions and notations that R refuses are refused", async () => {
  const refused = ["RDX1\n", "RDX2\nQ\n", "X\n\0\0\0\x05\0\0\0\0\0\0\0\0"];
  for (const text of refused) {
    const seen = await run(rdsFormat, new Uint8Array(Buffer.from(text, "latin1")));
    assert.ok(seen.unread, JSON.stringify(text));
  }
});

test("everything that R itself saved is read to its end", async () => {
  for (const name of readdirSync(SAFE)) {
    const bytes = new Uint8Array(readFileSync(new URL(name, SAFE)));
    const { findings, verdict } = await report(bytes, name);
    assert.equal(verdict, "clean", name);
    assert.deepEqual(findings.filter(({ severity }) => severity !== "info"), [], name);
  }
});
