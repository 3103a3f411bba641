import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { FORMATS } from "../../src/formats/registry.ts";
import { isObject, parseJson } from "../../src/parsers/json.ts";
import { bytesOfSeed, seedsOf } from "./corpus.ts";
import { Dice } from "./dice.ts";
import { FAMILIES, makeCase } from "./families.ts";
import { check } from "./oracles.ts";
import { jsonText, object } from "./json_texts.ts";
import { lookup3 } from "./lookup3.ts";
import { observe } from "./observe.ts";
import { compareWithPython, type Import, type Reference } from "./python.ts";

/** Fixed, so that a failure here is one everywhere. */
const SEED = 1;
/** Cases of each family: a check that the harness works at all. `make fuzz` finds what is not known yet. */
const CASES = "Bun" in globalThis ? 6 : 24;

for (const { id } of FAMILIES) {
  test(`${CASES} files of the family ${id} are scanned in bounds and reported honestly`, async () => {
    const broken: string[] = [];
    for (let number = 0; number < CASES; number++) {
      const made = makeCase(id, SEED, number);
      for (const { kind, detail } of (await check(made, number)).findings) {
        // How busy the machine is decides it; the long runs look at it.
        if (kind !== "slow") broken.push(`case ${number} of ${made.origin}: ${kind}: ${detail}`);
      }
    }
    assert.deepEqual(broken, []);
  });
}

test("every format of the registry is in some family, and every family has samples", () => {
  const covered = new Set(FAMILIES.flatMap(({ formats }) => formats));
  assert.deepEqual(FORMATS.map(({ id }) => id).filter((id) => !covered.has(id)), []);
  for (const { id, samples } of FAMILIES) {
    const seeds = seedsOf(samples);
    assert.ok(seeds.length > 0, id);
    assert.ok(seeds.every((seed) => bytesOfSeed(seed).length <= 256 * 1024));
  }
});

test("family, seed and number give the same bytes again, and other numbers other bytes", () => {
  for (const { id } of FAMILIES) {
    const hex = (number: number) => Buffer.from(makeCase(id, 7, number).bytes).toString("hex");
    assert.equal(hex(3), hex(3));
    const distinct = new Set(Array.from({ length: 20 }, (_, number) => hex(number)));
    assert.ok(distinct.size > 12, `${id}: ${distinct.size}`);
  }
  assert.throws(() => makeCase("nothing", 1, 1), RangeError);
  assert.throws(() => new Dice(1).pick([]), RangeError);
});

/** A reference that says what it is set to. */
const saying = (...imports: readonly Import[]): Reference => ({
  ask: () => Promise.resolve({ imports }),
});

test("an import that Python makes and the scan does not state is a finding", async () => {
  const bytes = new TextEncoder().encode("(lp0\nI1\na.");
  const made = { family: "pickle", name: "m.pkl", bytes, seed: 0, number: 0, origin: "" };
  const observed = await observe(made.name, bytes);
  assert.equal(observed.report.verdict, "clean");
  const kinds = async (...imports: readonly Import[]) =>
    (await compareWithPython(made, observed, saying(...imports)))?.map(({ kind }) => kind);
  assert.deepEqual(await kinds(), []);
  assert.deepEqual(await kinds([[["os", "system"]], true, ""]), ["blind"]);
  assert.deepEqual(await kinds([[["os", "system"]], false, ""]), ["blind"]);
  assert.deepEqual(await kinds([[["no name", "x"]], true, ""]), []);
});

test("what must not pass by Python's reading is a finding where it passes, and only there", async () => {
  const reference: Reference = {
    ask: () => Promise.resolve({ imports: [], harm: ["auto_map names x.Y"] }),
  };
  const kinds = async (name: string, text: string) => {
    const bytes = new TextEncoder().encode(text);
    const made = { family: "config", name, bytes, seed: 0, number: 0, origin: "" };
    const found = await compareWithPython(made, await observe(name, bytes), reference);
    return found?.map(({ kind }) => kind);
  };
  assert.deepEqual(await kinds("config.json", "{}"), ["blind"]);
  assert.deepEqual(await kinds("other.json", "{}"), []);
  assert.deepEqual(await kinds("config.json", '{"auto_map": {"AutoModel": "x.Y"}}'), []);
});

test("a file whose attack is known is a finding unless it is called dangerous", async () => {
  const kinds = async (text: string) => {
    const bytes = new TextEncoder().encode(text);
    const { findings } = await check({ name: "m.pkl", bytes, planted: "os.system" }, 3);
    return findings.map(({ kind }) => kind);
  };
  assert.deepEqual(await kinds("cos\nsystem\n(S'echo'\ntR."), []);
  assert.deepEqual(await kinds("(lp0\nI1\na."), ["planted"]);
  assert.deepEqual(await kinds("cm\nunknown\n(S'echo'\ntR."), ["planted"]);
});

test("attacks are planted in files of every notation, and in no file that lies", () => {
  for (const id of ["r", "hdf5", "torchserve"]) {
    const cases = Array.from({ length: 200 }, (_, number) => makeCase(id, SEED, number));
    const planted = cases.filter((made) => made.planted !== undefined).length;
    assert.ok(planted > 20 && planted < 150, `${id}: ${planted}`);
  }
});

test("JSON that is called sound is JSON, in any encoding", () => {
  let unsound = 0;
  for (let number = 0; number < 500; number++) {
    const value = object(["a", ["é", 1, null, object(["a", true])]], ["a", "\u{1f600}"]);
    const { bytes, sound } = jsonText(value, new Dice(SEED, number));
    const { error, value: read } = parseJson(bytes);
    if (!sound) unsound++;
    else assert.equal(error, undefined, Buffer.from(bytes).toString("latin1"));
    if (sound) assert.ok(isObject(read) && read.members.every(([key]) => key === "a"));
  }
  assert.ok(unsound > 10);
});

test("lookup3 gives what its author says it gives", () => {
  const text = new TextEncoder().encode("Four score and seven years ago");
  assert.deepEqual([lookup3(new Uint8Array()), lookup3(text)], [0xdeadbeef, 0x17770551]);
});

test("an import that both see is none, whichever of its names is stated", async () => {
  const bytes = new TextEncoder().encode("c__builtin__\neval\n(S'1'\ntR.");
  const made = { family: "pickle", name: "m.pkl", bytes, seed: 0, number: 0, origin: "" };
  const observed = await observe(made.name, bytes);
  const names = [["__builtin__", "eval"], ["builtins", "eval"]] as const;
  assert.deepEqual(await compareWithPython(made, observed, saying([names, true, ""])), []);
  const other = await compareWithPython(made, observed, saying([[["os", "system"]], true, ""]));
  assert.deepEqual(other?.map(({ kind }) => kind), ["unseen-call"]);
  const skipped = { ...made, family: "gguf" };
  assert.equal(await compareWithPython(skipped, observed, saying()), undefined);
});
